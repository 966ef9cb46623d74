import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isRefusal, workEmail } from '#surfaces/slack/account.ts';
import { withoutSecrets } from '#surfaces/slack/transport/logger.ts';
import { escapeMrkdwn, pieces, shortened } from '#surfaces/slack/messages/text.ts';

describe('texts of other people', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 300 });

  test('are cut between characters, never beyond the limit, and say so', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 40, max: 200 }), (whole, max) => {
        const cut = shortened(whole, max);
        expect(cut.length).toBeLessThanOrEqual(max);
        expect(cut.isWellFormed()).toBe(true);
        expect(whole.length <= max ? cut === whole : cut.endsWith('Details)')).toBe(true);
      }),
    );
  });

  test('in pieces are whole again when put together', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 2, max: 50 }), (whole, max) => {
        expect(pieces(whole, max).join('')).toBe(whole);
        expect(pieces(whole, max).every((piece) => piece.length <= max)).toBe(true);
      }),
    );
  });

  test('make no mention and no link in a notification', () => {
    expect(escapeMrkdwn('<!channel> & <https://x|y>')).toBe('&lt;!channel&gt; &amp; &lt;https://x|y&gt;');
  });
});

test('a log line keeps no token and no response URL', () => {
  expect(
    withoutSecrets(
      'xoxb-1-2 xapp-1 https://hooks.slack.com/commands/T/1/x http://127.0.0.1:1/_response/ab ok',
    ),
  ).toBe('[secret] [secret] [secret] [secret] ok');
});

describe('I2, I3: an account', () => {
  const good = {
    id: 'U1',
    team_id: 'T1',
    deleted: false,
    is_bot: false,
    is_email_confirmed: true,
    profile: { email: 'Ann@Acme.example' },
  };

  test('of the workspace has its address, in lower case', () => {
    expect(workEmail(good, 'T1', ['acme.EXAMPLE'])).toBe('ann@acme.example');
  });

  test.each([
    ['deleted', { deleted: true }],
    ['deleted', { deleted: undefined }],
    ['bot', { is_bot: true }],
    ['bot', { is_workflow_bot: true }],
    ['guest', { is_restricted: true }],
    ['guest', { is_ultra_restricted: true }],
    ['stranger', { is_stranger: true }],
    ['invited', { is_invited_user: true }],
    ['unconfirmed_email', { is_email_confirmed: false }],
    ['foreign_team', { team_id: 'T2' }],
    ['no_email', { profile: {} }],
    ['not_ascii', { profile: { email: 'ann@асme.example' } }],
    ['foreign_domain', { profile: { email: 'ann@acme.example.evil.example' } }],
  ])('is refused as %s', (code, change) => {
    const answer = workEmail({ ...good, ...change }, 'T1', ['acme.example']);
    expect(typeof answer === 'object' && isRefusal(answer) ? answer.code : answer).toBe(code);
  });

  test('of another workspace of the same organisation counts, where it is in ours', () => {
    expect(
      workEmail({ ...good, team_id: 'E1', enterprise_user: { teams: ['T0', 'T1'] } }, 'T1', ['acme.example']),
    ).toBe('ann@acme.example');
  });

  test('is nobody where no domain is set', () => {
    expect(workEmail(good, 'T1', [])).toMatchObject({ code: 'foreign_domain' });
  });
});

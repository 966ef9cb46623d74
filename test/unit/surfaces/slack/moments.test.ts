import { expect, test } from 'vitest';
import { slackDate } from '#sandbox/slack/page/dates.ts';
import { mrkdwn } from '#sandbox/slack/page/mrkdwn.ts';
import { moment, momentText } from '#surfaces/slack/messages/blocks.ts';
import { escapeMrkdwn, inSentence } from '#surfaces/slack/messages/text.ts';

const AT = new Date('2026-12-01T09:14:05Z');
const DAY_MS = 86_400_000;
const drawn = (format: string, zone: string, from = AT.getTime() - 30 * DAY_MS): string =>
  slackDate(AT.getTime() / 1000, format, from, zone);

test('a moment goes to Slack as one, with its zone for a client that cannot draw it, in blocks and in a text', () => {
  expect(moment(AT)).toEqual({
    type: 'date',
    timestamp: 1_796_116_445,
    format: '{date_short_pretty} {time}',
    fallback: '2026-12-01 09:14 UTC',
  });
  expect(momentText(AT)).toBe('<!date^1796116445^{date_short_pretty} {time}|2026-12-01 09:14 UTC>');
});

test('what somebody writes as a moment stays their words', () => {
  expect(escapeMrkdwn(momentText(AT))).not.toContain('<');
});

test('the simulated Slack draws a moment as Slack does: in the time zone of the reader, near days by name', () => {
  expect(drawn('{date_short_pretty} {time}', 'Europe/Vienna')).toBe('Dec 1, 2026 10:14 AM');
  expect(drawn('{date_short_pretty} {time}', 'America/Los_Angeles')).toBe('Dec 1, 2026 1:14 AM');
  expect(drawn('{date_long} {time_secs}', 'UTC')).toBe('Tuesday, December 1st, 2026 9:14:05 AM');
  expect(drawn('{date_num}', 'Pacific/Kiritimati')).toBe('2026-12-01');
  for (const [days, name] of [
    [-1, 'tomorrow'],
    [0, 'today'],
    [1, 'yesterday'],
  ] as const)
    expect(drawn('{date_pretty}', 'UTC', AT.getTime() + days * DAY_MS)).toBe(name);
  // It is still yesterday there.
  expect(drawn('{date_pretty}', 'America/Los_Angeles', AT.getTime() - 6 * 3_600_000)).toBe('tomorrow');
});

test('its page holds the moment for its script, and says UTC without it', () => {
  const names = { user: String, channel: String, group: String };
  const markup = JSON.stringify(mrkdwn(`Expires ${momentText(AT)}.`, names));
  for (const part of ['1796116445', '{date_short_pretty} {time}', 'UTC']) expect(markup).toContain(part);
});

test.each([
  ['Reset password for Ann Lee', "reset Ann Lee's password"],
  ['Reset MFA for Carl Jones', "reset Carl Jones' MFA"],
  ['Suspend Ann Lee', 'suspend Ann Lee'],
  ['Give a mandate to deploy-bot', 'give a mandate to deploy-bot'],
  ['Reset password for Ann Lee, Bob Meyer', 'reset password for Ann Lee, Bob Meyer'],
])('%s is read as a sentence: you are about to %s', (summary, sentence) => {
  expect(inSentence(summary)).toBe(sentence);
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slackApprovals, words, type SlackApprovals } from '../support/slack-approvals.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let slack: SlackApprovals;
beforeAll(async () => {
  world = await openWorld();
  slack = slackApprovals(world, await world.agent('carls-bot', 'carl'));
});
afterAll(() => world.close());

const SCOPES = ['okta.mfa.reset', 'okta.password.reset'];
const window = { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00', timezone: 'Europe/Vienna' };
const ask = (more: Record<string, unknown> = {}) => slack.ask({ scopes: SCOPES, max_uses: 10, ...more });
const form = async (approvalId: string, who = 'mona') => {
  const { view } = await world.slack.as(who).clicks(await slack.copy(who, approvalId), 'Approve narrower');
  if (view === undefined) throw new Error('no form');
  return view;
};
const mandateOf = async (callId: string) =>
  (
    await world.sql<Record<string, unknown>[]>`
      select scopes, resources, max_uses, amount::float, currency, "window", offline,
             round(extract(epoch from expires_at - starts_at) / 86400)::int as days
        from mandates where call_id = ${callId}`
  )[0];

describe('Approve narrower, on an approver’s message', () => {
  test('approves less than was asked, in every respect, and the requester reads it', async () => {
    const { approvalId, callId } = await ask({ window, offline: true });
    const ann = await world.person('ann');
    const sent = await world.slack
      .as('mona')
      .fills(await form(approvalId), {
        Scopes: ['okta.mfa.reset'],
        Resources: 'ann@acme.example',
        'Max uses': '3',
        Days: '2',
        Amount: '50',
        Currency: 'EUR',
        Until: '12:00',
        Offline: [],
        Note: 'Ann alone, in the mornings.',
      })
      .submits();
    expect(sent).toMatchObject({ status: 200, shown: null });
    await slack.becomes('mona', approvalId, /^Done. Approved by Mona Patel/);
    expect(await mandateOf(callId)).toEqual({
      scopes: ['okta.mfa.reset'],
      resources: [`person:${ann.id}`],
      max_uses: 3,
      amount: 50,
      currency: 'EUR',
      window: { ...window, to: '12:00' },
      offline: false,
      days: 2,
    });
    const mine = await slack.becomes('bob', approvalId, /^Done. Approved by Mona Patel. Mandate/);
    for (const part of ['Ann alone, in the mornings.', 'Approved with narrower terms'])
      expect(words(mine)).toContain(part);
    expect(await world.sql`select id from votes where approval_id = ${approvalId}`).toHaveLength(1);
  });

  test('the form shows what was asked, and what stands as it was is not in the vote', async () => {
    const { approvalId } = await ask();
    const view = await form(approvalId);
    const shown = JSON.stringify(view.blocks);
    for (const part of ['team', '"initial_value":"7"', '"initial_value":"10"']) expect(shown).toContain(part);
    // It was not requested, so it cannot be removed.
    expect(shown).not.toContain('field.offline');
    await world.slack.as('mona').fills(view, { Days: '1' }).submits();
    await slack.becomes('mona', approvalId, /^Done/);
    const [vote] = await world.sql<{ suggestion: { terms: unknown } }[]>`
      select suggestion from votes where approval_id = ${approvalId}`;
    expect(vote?.suggestion.terms).toEqual({ days: 1 });
  });

  test.each([
    ['more days', { Days: '8' }, 'field.days'],
    ['more uses', { 'Max uses': '11' }, 'field.max_uses'],
    ['everybody', { Resources: '*' }, 'field.resources'],
    ['somebody outside', { Resources: 'erin@acme.example' }, 'field.resources'],
    ['an emptied bound', { 'Max uses': '' }, 'field.max_uses'],
    [
      'hours without a time zone',
      { 'Days of the week': ['Monday'], From: '08:00', Until: '12:00' },
      'field.window.timezone',
    ],
    ['an amount without a currency', { Amount: '5' }, 'field.currency'],
    ['nothing at all', {}, 'field.scopes'],
  ])('%s is answered at its field, and the form can be corrected', async (_, values, block) => {
    const { approvalId, callId } = await ask();
    const mona = world.slack.as('mona');
    const view = await form(approvalId);
    const answer = await mona.fills(view, values).submits();
    expect(Object.keys(answer.errors ?? {})).toEqual([block]);
    expect(await slack.state(callId)).toBe('waiting');
    expect(await world.sql`select id from votes where approval_id = ${approvalId}`).toEqual([]);
    const hours = { 'Days of the week': [], From: '', Until: '', 'Time zone': '' };
    const right = { 'Max uses': '10', Resources: 'team', ...hours, Amount: '', Days: '3' };
    expect(await mona.fills(view, right).submits()).toMatchObject({ status: 200, shown: null });
    await slack.becomes('mona', approvalId, /^Done/);
    expect((await mandateOf(callId))?.['days']).toBe(3);
  });

  test('of three submissions of one form at once one votes, and the others do nothing', async () => {
    const { approvalId } = await ask();
    const view = await form(approvalId);
    const mona = world.slack.as('mona');
    const answers = await Promise.all([1, 2, 3].map(() => mona.fills(view, { Days: '2' }).submits()));
    // The others submit the same form again: accepted, without any effect.
    expect(answers.map(({ status, errors }) => [status, errors])).toEqual(
      answers.map(() => [200, undefined]),
    );
    await slack.becomes('mona', approvalId, /^Done/);
    expect(await world.sql`select id from votes where approval_id = ${approvalId}`).toHaveLength(1);
  });

  test('what was decided meanwhile is not decided again, and the approver is told', async () => {
    const { approvalId, callId } = await ask();
    const view = await form(approvalId);
    await world.vote('mona', approvalId, 'deny', 'not now');
    const mona = world.slack.as('mona');
    await mona.fills(view, { Days: '2' }).submits();
    await mona.waitsFor((one) => one.text.includes('I have refreshed the message'));
    expect(await slack.state(callId)).toBe('rejected');
  });

  test('stands on mandates that are asked for alone, and not once somebody has voted', async () => {
    const mandateId = await world.mandate('bob', await world.agent('renewed-bot', 'carl'));
    const renewal = await world.as(await world.actor('bob'), 'mandate_renew', {
      mandate_id: mandateId,
      days: 9,
    });
    if (renewal.status !== 'waiting') throw new Error(JSON.stringify(renewal));
    expect(words(await slack.copy('mona', renewal.approvalId))).not.toContain('prokura.narrow');
    expect(await slack.click('mona', 'prokura.narrow', `${renewal.approvalId}:1`)).toMatch(
      /You can narrow only the request for a mandate/,
    );
    const { approvalId } = await ask();
    expect(words(await slack.copy('bob', approvalId))).not.toContain('prokura.narrow');
    expect(await slack.click('nina', 'prokura.narrow', `${approvalId}:1`)).toMatch(/You are not an approver/);
  });
});

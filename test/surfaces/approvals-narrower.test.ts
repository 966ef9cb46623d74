import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '#engine/outcome.ts';
import { slackApprovals, words, type SlackApprovals } from '../support/slack-approvals.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let bot: TestAgent;
let slack: SlackApprovals;
beforeAll(async () => {
  world = await openWorld();
  bot = await world.agent('carls-bot', 'carl');
  slack = slackApprovals(world, bot);
});
afterAll(() => world.close());

const done = (outcome: Outcome): Record<string, unknown> => {
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.output;
};
const succeeded = (callId: string) =>
  eventually(async () => (await slack.state(callId)) === 'succeeded', `call ${callId} succeeds`);
const decide = async (key: string, approvalId: string, more: Record<string, unknown>) => {
  const [row] = await world.sql<
    { version: number }[]
  >`select version from approvals where id = ${approvalId}`;
  const input = { approval_id: approvalId, version: row?.version ?? 0, ...more };
  return world.as(await world.actor(key), 'approval_decide', input);
};
const ask = () => slack.ask({ scopes: ['okta.mfa.reset', 'okta.password.reset'], max_uses: 10 });
const adopt = async (approvalId: string, key = 'bob') =>
  world.as(await world.actor(key), 'approval_adopt', { approval_id: approvalId });

/** Fields that can only be narrowed, each with a wider value. */
const WIDER = [
  ['days', { days: 8 }],
  ['scopes', { scopes: ['okta.mfa.reset', 'okta.users.read'] }],
  ['max_uses', { max_uses: 11 }],
  ['resources', { resources: ['*'] }],
  ['may_delegate', { may_delegate: 1 }],
] as const;

describe('a denial with a suggestion', () => {
  test('stands in the vote, is read by the requester, and can be asked for in one call', async () => {
    const { approvalId } = await ask();
    const terms = { days: 2, scopes: ['okta.mfa.reset'], max_uses: 3 };
    await decide('mona', approvalId, {
      decision: 'deny',
      note: 'too much',
      suggestion: { words: 'Two days, factors only.', terms },
    });
    expect(await world.sql`select suggestion from votes where approval_id = ${approvalId}`).toEqual([
      { suggestion: { words: 'Two days, factors only.', terms } },
    ]);
    const bob = await world.actor('bob');
    expect(
      done(await world.as(bob, 'approval_wait', { approval_id: approvalId, wait_seconds: 0 })),
    ).toMatchObject({
      status: 'denied',
      reason: expect.stringContaining('Suggested instead: Two days, factors only.') as string,
      suggestion: { terms },
    });
    const read = await world.slack.as('bob').waitsFor((one) => one.text.startsWith('Denied: '));
    expect(read.text).toContain('Two days, factors only.');

    const again = done(await adopt(approvalId)) as { call_id: string; approval_id: string };
    // Twice counts once: the second joins the first (law 7).
    expect(done(await adopt(approvalId))).toEqual(again);
    const [row] = await world.sql`select input, reason from calls where id = ${again.call_id}`;
    expect(row?.['input']).toMatchObject({ ...terms, agent: bot.id });
    await expect(world.vote('bob', again.approval_id)).rejects.toMatchObject({ code: 'forbidden' });
    await world.vote('mona', again.approval_id);
    await succeeded(again.call_id);
    const [mandate] = await world.sql`select scopes, max_uses from mandates where call_id = ${again.call_id}`;
    expect(mandate).toEqual({ scopes: ['okta.mfa.reset'], max_uses: 3 });
  });

  test.each(WIDER)('that is wider in %s is refused, and the vote with it', async (field, terms) => {
    const { approvalId, callId } = await ask();
    await expect(
      decide('mona', approvalId, {
        decision: 'deny',
        note: 'too much',
        suggestion: { words: 'more', terms },
      }),
    ).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining(field) as string });
    expect(await slack.state(callId)).toBe('waiting');
    expect(await world.sql`select 1 from votes where approval_id = ${approvalId}`).toHaveLength(0);
  });

  test('only the requester adopts it, and only what was suggested in terms', async () => {
    const { approvalId } = await ask();
    await expect(adopt(approvalId)).rejects.toMatchObject({ code: 'conflict' });
    await decide('mona', approvalId, {
      decision: 'deny',
      note: 'too much',
      suggestion: { words: 'Fewer days.' },
    });
    await expect(adopt(approvalId)).rejects.toMatchObject({ code: 'conflict' });
    await expect(adopt(approvalId, 'carl')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('in Slack: fewer days in the form, and one button to ask for them', async () => {
    const { approvalId } = await ask();
    const mona = world.slack.as('mona');
    const { view } = await mona.clicks(await slack.copy('mona', approvalId), 'Deny…');
    if (view === undefined) throw new Error('no form');
    await mona.fills(view, { 'Why?': 'Too long for me.', 'Suggest fewer days': '3' }).submits();
    await slack.becomes('mona', approvalId, /^Denied by Mona Patel/);
    const mine = await world.slack
      .as('bob')
      .waitsFor((one) => words(one).includes(approvalId) && words(one).includes('/approval adopt'));
    expect(words(mine)).toContain('3 days');
    const bob = world.slack.as('bob');
    await bob.clicks(mine, 'Use these terms');
    const card = await bob.waitsFor(
      (one) => one.text.startsWith('You are about to ') && words(one).includes(approvalId),
    );
    await bob.clicks(card, 'Send request');
    await bob.waitsFor((one) => one.text.startsWith('Done: Request the suggested terms'));
    const [old] = await world.sql<
      { purpose: string }[]
    >`select input->>'purpose' as purpose from calls where approval_id = ${approvalId}`;
    await eventually(
      async () =>
        (
          await world.sql`select 1 from calls where state = 'waiting' and input->>'days' = '3' and input->>'purpose' = ${old?.purpose ?? ''}`
        ).length === 1,
      'it is asked again for three days',
    );
  });
});

describe('less than was asked, by the approver', () => {
  test('the mandate is born smaller, under a digest of its own; ledger, vote and messages say so', async () => {
    const { approvalId, callId } = await ask();
    const [before] = await world.sql`select digest from approvals where id = ${approvalId}`;
    const narrow = {
      days: 1,
      scopes: ['okta.mfa.reset'],
      resources: [`person:${(await world.person('ann')).id}`],
    };
    expect(await decide('mona', approvalId, { decision: 'approve', narrow })).toMatchObject({
      status: 'done',
      output: { state: 'approved' },
    });
    await succeeded(callId);
    const [mandate] =
      await world.sql`select scopes, resources, max_uses, expires_at - starts_at as lasts from mandates where call_id = ${callId}`;
    expect(mandate).toMatchObject({ scopes: narrow.scopes, resources: narrow.resources, max_uses: 10 });
    const [after] = await world.sql`select digest from approvals where id = ${approvalId}`;
    expect(after?.['digest']).not.toBe(before?.['digest']);
    const entry = (await world.ledger('APPROVAL_NARROWED')).find(
      (one) => one.data['approval_id'] === approvalId,
    );
    expect(entry?.data).toMatchObject({
      from: { days: 7, max_uses: 10 },
      to: { ...narrow, max_uses: 10 },
      digest_before: before?.['digest'],
      digest: after?.['digest'],
    });
    await world.slack
      .as('bob')
      .waitsFor((one) => one.text.startsWith('Done: ') && one.text.includes('narrowed by Mona Patel'));
    expect(words(await slack.becomes('bob', approvalId, /^Done.* Mandate for agent/))).toContain(
      'okta.mfa.reset',
    );
    expect(words(await slack.becomes('mona', approvalId, /^Done/))).toContain('Approved with narrower terms');
  });

  test.each(WIDER)('wider in %s is refused, and nothing changes', async (field, narrow) => {
    const { approvalId, callId } = await ask();
    const rows = () =>
      world.sql`select a.digest, c.input from approvals a join calls c on c.id = a.call_id where a.id = ${approvalId}`;
    const before = await rows();
    await expect(decide('mona', approvalId, { decision: 'approve', narrow })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(field) as string,
    });
    expect(await rows()).toEqual(before);
    expect(await slack.state(callId)).toBe('waiting');
  });

  test('by somebody who may not vote, it is refused as their vote is', async () => {
    const { approvalId } = await ask();
    await expect(
      decide('nina', approvalId, { decision: 'approve', narrow: { days: 1 } }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    expect(
      (await world.ledger('APPROVAL_NARROWED')).some((one) => one.data['approval_id'] === approvalId),
    ).toBe(false);
  });

  test('of anything but a mandate there is no less', async () => {
    const mandateId = await world.mandate('bob', bot);
    const asked = await world.as(await world.actor('bob'), 'mandate_renew', {
      mandate_id: mandateId,
      days: 9,
    });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    await expect(
      decide('mona', asked.approvalId, { decision: 'approve', narrow: { days: 1 } }),
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  test('where two must agree: the second sees what the first made smaller, and cannot change what the first approved', async () => {
    const dana = await world.actor('dana');
    const shipped = done(await world.as(dana, 'policy_show', { version: 0 }));
    const text = `${String(shipped['text'])}
@id("two-executives") @adds("requirement") @approval("role:executive") @quorum("2") @reason("Two must agree.")
permit (principal is Person, action == Action::"mandate_create", resource is Agent);`;
    const set = await world.as(dana, 'policy_set', { text, note: 'two executives' });
    if (set.status !== 'waiting') throw new Error(JSON.stringify(set));
    await world.vote('ivan', set.approvalId);
    await succeeded(set.callId);

    const { approvalId, callId } = await ask();
    await decide('erin', approvalId, { decision: 'approve', narrow: { days: 2 } });
    const late = { approval_id: approvalId, decision: 'approve', version: 1 };
    await expect(world.as(await world.actor('mona'), 'approval_decide', late)).rejects.toMatchObject({
      code: 'conflict',
      detail: { reason: 'stale' },
    });
    await expect(
      decide('mona', approvalId, { decision: 'approve', narrow: { days: 1 } }),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect(await slack.state(callId)).toBe('waiting');
    await decide('mona', approvalId, { decision: 'approve' });
    await succeeded(callId);
    const [mandate] =
      await world.sql`select extract(day from expires_at - starts_at)::int as days from mandates where call_id = ${callId}`;
    expect(mandate).toEqual({ days: 2 });
  });
});

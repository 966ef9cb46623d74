import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { checkMessageBlocks, type SimMessage } from '#sandbox/slack/index.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let bot: TestAgent;
beforeAll(async () => {
  world = await openWorld();
  bot = await world.agent('deploy-bot', 'carl');
});
afterAll(() => world.close());
afterEach(() => world.slack.faults.clear());

const words = (message: SimMessage): string => JSON.stringify(message.blocks);
const state = async (callId: string) => (await world.sql<{ state: string }[]>`select state from calls where id = ${callId}`)[0]?.state;

let counter = 0;
/** Bob asks to give Carl's agent a mandate: Mona, his manager, must agree. */
async function ask(more: Record<string, unknown> = {}, reason?: string): Promise<{ callId: string; approvalId: string; purpose: string }> {
  counter += 1;
  const purpose = `purpose number ${counter}`;
  const outcome = await world.as(await world.actor('bob'), 'mandate_create', { agent: bot.id, scopes: ['okta.mfa.reset'], resources: ['team'], days: 7, purpose, ...more }, reason === undefined ? {} : { reason });
  if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
  return { ...outcome, purpose };
}

/** The copy of an approval that somebody has. */
const copy = (who: string, approvalId: string): Promise<SimMessage> => world.slack.as(who).waitsFor((one) => one.ephemeralFor === null && words(one).includes(approvalId));

const becomes = (who: string, approvalId: string, text: RegExp): Promise<SimMessage> => world.slack.as(who).waitsFor((one) => one.ephemeralFor === null && words(one).includes(approvalId) && text.test(one.text), 10_000);

describe('the story: a mandate in Slack', () => {
  test('Bob types it, Mona gets the message and approves, every copy says so, and Bob gets a direct message', async () => {
    const [bob, mona] = [world.slack.as('bob'), world.slack.as('mona')];
    const card = (await bob.types('/mandate create deploy-bot okta.mfa.reset,okta.password.reset "Help the team" days=7')).ephemerals.at(-1);
    if (card === undefined) throw new Error('no card');
    await bob.clicks(card, 'Send request');
    expect((await bob.waitsFor((one) => one.text.startsWith('Waiting for approval by'))).text).toContain('Mona Patel');

    const asked = await mona.waitsFor((one) => one.text.startsWith('Approval needed: Give a mandate for deploy-bot'));
    for (const part of ['Bob Meyer (bob@acme.example)', 'Help the team', 'okta.mfa.reset', "1 approval from the requester's manager", 'Who can approve: Mona Patel', 'digest ']) expect(words(asked)).toContain(part);
    expect(words(asked)).not.toContain('mandate_create');
    const mine = await bob.waitsFor((one) => one.ephemeralFor === null && words(one).includes('prokura.withdraw'));
    expect(words(mine)).not.toContain('prokura.approve');

    const clicked = await mona.clicks(asked, 'Approve');
    expect(clicked.ephemerals.map((one) => one.text).join()).toContain('the last one needed');
    for (const [who, seen] of [['mona', asked], ['bob', mine]] as const) {
      const edited = await world.slack.as(who).waitsFor((one) => one.ts === seen.ts && one.channel === seen.channel && one.text.startsWith('Done. Approved by Mona Patel'), 10_000);
      expect(edited.versions.length).toBeGreaterThan(0);
      expect(words(edited)).not.toContain('prokura.approve');
    }
    expect(words(await bob.waitsFor((one) => one.text.startsWith('Done: Give a mandate')))).toMatch(/mdt_[0-9a-z]{26}/);
    expect((await bob.inbox()).filter((one) => one.text.startsWith('Done: Give a mandate'))).toHaveLength(1);
  });

  test('a denial needs a reason, which the requester reads', async () => {
    const { approvalId, callId } = await ask();
    const mona = world.slack.as('mona');
    const { view } = await mona.clicks(await copy('mona', approvalId), 'Deny…');
    if (view === undefined) throw new Error('no form');
    expect(await mona.fills(view, { 'Why?': 'no' }).submits()).toMatchObject({ errors: { 'field.reason': expect.any(String) as string } });
    expect(await mona.fills(view, { 'Why?': 'Too wide: ask for one person.' }).submits()).toMatchObject({ status: 200, shown: null });
    expect(words(await becomes('mona', approvalId, /^Denied by Mona Patel/))).toContain('Too wide');
    expect((await world.slack.as('bob').waitsFor((one) => one.text.startsWith('Denied: '))).text).toContain('Too wide: ask for one person.');
    expect(await state(callId)).toBe('rejected');
  });

  test('the requester withdraws, and the approver’s copy says so', async () => {
    const { approvalId, callId } = await ask();
    await copy('mona', approvalId);
    await world.slack.as('bob').clicks(await copy('bob', approvalId), 'Withdraw');
    await becomes('mona', approvalId, /^Withdrawn/);
    expect(await state(callId)).toBe('withdrawn');
  });

  test('Details show everything to a party, and nothing to anybody else', async () => {
    const { approvalId, purpose } = await ask();
    const mona = world.slack.as('mona');
    const { view } = await mona.clicks(await copy('mona', approvalId), 'Details');
    expect(JSON.stringify(view?.blocks)).toContain(purpose);
    const refused = await click('nina', 'prokura.details', `${approvalId}:1`);
    expect(refused).toMatch(/You are not an approver of this.*Mona Patel/);
  });
});

/** A click that is sent although the person has no such message: what they read then. */
async function click(who: string, actionId: string, value: string): Promise<string> {
  const person = world.slack.as(who);
  const { ephemerals } = await person.types('/approval help');
  const anchor = ephemerals.at(-1);
  if (anchor === undefined) throw new Error('nothing to click on');
  const blocks = [{ type: 'actions', elements: [{ type: 'button', text: { type: 'plain_text', text: 'X' }, action_id: actionId, value }] }] as unknown as SimMessage['blocks'];
  const answer = await person.clicks(anchor, actionId, { staleCopy: { ...anchor, blocks } });
  return answer.ephemerals.map((one) => one.text).join(' | ');
}

describe('Z1: who may not decide', () => {
  test.each([
    ['a colleague', 'nina', /You are not an approver/],
    ['the requester', 'bob', /You asked for this, so somebody else must decide/],
    ["the agent's owner", 'carl', /You are a party to this/],
  ])('%s is told who can, it is in the ledger, and nothing changes', async (_, who, said) => {
    const { approvalId, callId } = await ask();
    await copy('mona', approvalId);
    const text = await click(who, 'prokura.approve', `${approvalId}:1`);
    expect(text).toMatch(said);
    expect(text).toContain('Who can: Mona Patel');
    expect(await state(callId)).toBe('waiting');
    const denied = (await world.ledger('CALL_DENIED')).filter((entry) => JSON.stringify(entry.data).includes(approvalId));
    expect(denied).toHaveLength(1);
  });

  test('somebody who was an approver when the message was posted, and is none at the click', async () => {
    const { approvalId, callId } = await ask();
    const seen = await copy('mona', approvalId);
    const [bob, erin] = [await world.person('bob'), await world.person('erin')];
    await world.sql`update people set manager_id = ${erin.id} where id = ${bob.id}`;
    const { ephemerals } = await world.slack.as('mona').clicks(seen, 'Approve');
    await world.sql`update people set manager_id = ${(await world.person('mona')).id} where id = ${bob.id}`;
    expect(ephemerals.map((one) => one.text).join()).toMatch(/not an approver.*Erin Clarke/);
    expect(await state(callId)).toBe('waiting');
  });
});

test.each([
  ['an id of nothing', 'apr_00000000000000000000000000:1'],
  ['a value that is no id', 'apr_1'],
  ['a value with something behind it', 'apr_00000000000000000000000000:1:approve'],
  ['JSON', '{"approval_id":"x"}'],
])('Z2: %s is not found', async (_, value) => {
  expect(await click('mona', 'prokura.approve', value)).toMatch(/^Not found: There is no/);
});

describe('Z3: a click that comes too late', () => {
  test('on an older version changes nothing, and the message is drawn anew', async () => {
    const { approvalId, callId } = await ask();
    const seen = await copy('mona', approvalId);
    await world.sql`update approvals set version = version + 1 where id = ${approvalId}`;
    const { ephemerals } = await world.slack.as('mona').clicks(seen, 'Approve');
    expect(ephemerals.map((one) => one.text).join()).toMatch(/has changed since you saw it.*refreshed/);
    expect(await state(callId)).toBe('waiting');
    const anew = await world.slack.as('mona').waitsFor((one) => one.ts === seen.ts && words(one).includes(`${approvalId}:2`));
    await world.slack.as('mona').clicks(anew, 'Approve');
    await becomes('mona', approvalId, /^Done/);
  });

  test.each([
    ['decided', async (approvalId: string) => void (await world.vote('mona', approvalId, 'deny', 'not now'))],
    ['withdrawn', async (approvalId: string) => void (await world.as(await world.actor('bob'), 'approval_cancel', { approval_id: approvalId }))],
    ['expired', async (approvalId: string) => void (await world.sql`update approvals set expires_at = now() - interval '1 minute' where id = ${approvalId}`)],
  ])('on something that is %s changes nothing', async (word, happens) => {
    const { approvalId, callId } = await ask();
    const seen = await copy('mona', approvalId);
    await happens(approvalId);
    const before = await state(callId);
    const { ephemerals } = await world.slack.as('mona').clicks(seen, 'Approve', { staleCopy: seen });
    expect(ephemerals.map((one) => one.text).join()).toMatch(word === 'expired' ? /has expired/ : /decided already/);
    expect(await state(callId)).toBe(before);
  });
});

test('Z4: many clicks at once are one vote and one execution', async () => {
  const { approvalId, callId } = await ask();
  const seen = await copy('mona', approvalId);
  const mona = world.slack.as('mona');
  await Promise.all([1, 2, 3, 4].map(() => mona.clicks(seen, 'Approve', { staleCopy: seen })));
  await becomes('mona', approvalId, /^Done/);
  expect(await world.sql`select id from votes where approval_id = ${approvalId}`).toHaveLength(1);
  expect(await world.sql`select id from mandates where call_id = ${callId}`).toHaveLength(1);
});

describe('O7: messages follow what happens elsewhere', () => {
  test('a decision over another door edits every copy', async () => {
    const { approvalId } = await ask();
    await copy('mona', approvalId);
    await copy('bob', approvalId);
    await world.vote('mona', approvalId);
    for (const who of ['mona', 'bob']) await becomes(who, approvalId, /^Done. Approved by Mona Patel/);
  });

  test('a message that somebody deleted does not hold up the others, and is not posted again', async () => {
    const { approvalId } = await ask();
    const seen = await copy('mona', approvalId);
    await copy('bob', approvalId);
    world.slack.faults.add({ method: 'chat.update', kind: 'error', error: 'message_not_found' });
    await world.vote('mona', approvalId);
    await becomes('bob', approvalId, /^Done/);
    const monas = (await world.slack.as('mona').inbox()).filter((one) => words(one).includes(approvalId));
    expect(monas.map((one) => one.ts)).toEqual([seen.ts]);
  });

  test('Slack being away for a moment delays a copy, and does not lose or double it', async () => {
    world.slack.faults.add({ method: 'chat.postMessage', kind: 'server_error', times: 2 });
    const { approvalId } = await ask();
    const seen = await eventually(async () => (await world.slack.as('mona').inbox()).find((one) => words(one).includes(approvalId)), 'the copy', 30_000);
    await eventually(async () => (await world.slack.as('bob').inbox()).find((one) => words(one).includes(approvalId)), 'the requester’s copy', 30_000);
    expect((await world.slack.as('mona').inbox()).filter((one) => words(one).includes(approvalId)).map((one) => one.ts)).toEqual([seen.ts]);
  });

  test('two processes that draw one thing at once post one copy each', async () => {
    const second = await world.second();
    const { approvalId, callId } = await ask();
    await Promise.all([world.app, second.app, world.app, second.app].map((app) => app.queue.send('slack-project', { tenant: world.tenantId, fact: 'test', thing: callId, id: 'x' })));
    await copy('mona', approvalId);
    await copy('bob', approvalId);
    expect(await world.sql`select audience, count(*)::int from slack_messages where thing = ${callId} group by audience order by audience`).toEqual([{ audience: 'approver', count: 1 }, { audience: 'requester', count: 1 }]);
  });
});

describe('Z9: a channel for approvals', () => {
  const setChannel = (channel: string | null) => world.sql`update tenants set settings = settings || jsonb_build_object('approvalChannel', ${channel}::text)`;
  afterEach(() => setChannel(null));

  test('gets one message for everybody; the buttons still obey who clicks', async () => {
    await setChannel('C0APPROVALS');
    const { approvalId, callId } = await ask();
    const seen = await world.slack.as('dana').waitsFor((one) => one.channel === 'C0APPROVALS' && words(one).includes(approvalId));
    const { ephemerals } = await world.slack.as('dana').clicks(seen, 'Approve');
    expect(ephemerals.map((one) => one.text).join()).toMatch(/Who can: Mona Patel/);
    await world.slack.as('mona').clicks(seen, 'Approve');
    await eventually(async () => (await state(callId)) === 'succeeded', 'the mandate');
    expect((await world.slack.as('mona').inbox()).some((one) => words(one).includes(approvalId))).toBe(false);
  });

  test('that another company shares gets nothing: direct messages instead', async () => {
    await setChannel('C0SHARED000');
    const { approvalId } = await ask();
    expect((await copy('mona', approvalId)).channel).toMatch(/^D/);
    expect(world.slack.messages('C0SHARED000').some((one) => words(one).includes(approvalId))).toBe(false);
  });
});

test("the agent's gated call: Bob's manager decides in Slack, and Bob reads what Okta did", async () => {
  const mandateId = await world.mandate('bob', bot, { purpose: 'agent work' });
  const actor = { kind: 'agent', surface: 'mcp', agentId: bot.id, personId: (await world.person('bob')).id, mandateId, scopes: ['okta.mfa.reset'], jti: 'j1' } as const;
  const outcome = await world.as(actor, 'okta_reset_mfa', { person: (await world.person('ann')).id }, { reason: 'Ann lost her phone' });
  if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
  const asked = await copy('mona', outcome.approvalId);
  for (const part of ['through agent deploy-bot, owned by Carl Jensen', 'written by an agent', 'Ann lost her phone', 'Ann Lee (ann@acme.example)', 'agent work']) expect(words(asked)).toContain(part);
  await world.slack.as('mona').clicks(asked, 'Approve');
  const told = await world.slack.as('bob').waitsFor((one) => one.text.startsWith('Done: Reset multi-factor for Ann Lee, asked by your agent deploy-bot'), 15_000);
  expect(words(told)).toContain('Removed');
});

test('O1: other people’s words stand there as they are, and mean nothing', async () => {
  const evil = '<!channel> <@UERIN0000000> <https://evil.example|Okta> *bold* `code` \u202eevil :tada: &lt;';
  const { approvalId } = await ask({ purpose: evil }, evil);
  const seen = await copy('mona', approvalId);
  expect(seen.text).not.toMatch(/<[!@h]/);
  expect(JSON.stringify(seen)).not.toContain('\u202e');
  const kinds = new Set<string>();
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(walk);
    if (typeof value !== 'object' || value === null) return;
    const { type, text } = value as { type?: string; text?: unknown };
    if (typeof text === 'string' && text.includes('<!channel>')) kinds.add(String(type));
    Object.values(value).forEach(walk);
  };
  walk(seen.blocks);
  expect([...kinds]).toEqual(['text']);
  const posted = world.slack.calls.filter((one) => one.method === 'chat.postMessage').at(-1);
  expect([String(posted?.args['unfurl_links']), String(posted?.args['unfurl_media'])]).toEqual(['false', 'false']);
});

test('O6: a reason of ten thousand characters with emoji and CJK fits, and Details hold it whole', async () => {
  const reason = '理由🔑'.repeat(2500);
  const { approvalId } = await ask({}, reason);
  const seen = await copy('mona', approvalId);
  expect(words(seen)).toContain('(full text in Details)');
  const { view } = await world.slack.as('mona').clicks(seen, 'Details');
  const whole = (view?.blocks ?? []).flatMap((block) => (block.type === 'rich_text' ? block.elements : [])).flatMap((element) => (element.type === 'rich_text_quote' ? element.elements : [])).map((leaf) => ('text' in leaf ? leaf.text : '')).join('');
  expect(whole).toBe(reason);
});

test('O5, O6: in every state every message fits Slack, has a text, and holds no secret', () => {
  const messages = world.slack.messages();
  expect(messages.length).toBeGreaterThan(20);
  for (const message of messages) {
    for (const version of [message, ...message.versions]) {
      expect(version.text.trim()).not.toBe('');
      expect(checkMessageBlocks(version.blocks)).toEqual([]);
      const ids = version.blocks.flatMap((block) => block.block_id ?? []);
      expect(new Set(ids).size).toBe(ids.length);
    }
  }
  const everything = JSON.stringify(messages);
  for (const secret of [world.slack.botToken, world.slack.signingSecret, 'PRIVATE KEY', '"d":', 'recovery_token', 'activationToken', '/signin/reset-password']) expect(everything).not.toContain(secret);
  expect(samplePerson('mona').key).toBe('mona');
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Actor, AgentActor } from '#domain/actor.ts';
import { changeMembers, memberChanges } from '#domain/group/import.ts';
import type { App } from '#engine/app.ts';
import { call } from '#engine/call.ts';
import { execute } from '#engine/execute.ts';
import { transact } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { samplePerson } from '#sandbox/company.ts';
import { syncDirectory } from '../../src/jobs/sync-directory.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

const IT_ADMINS = '00gitadmins0000000h7';

let world: World;
/** The engine without a job runner: a test says when a call is tried, and what happens in between. */
let still: App;
beforeAll(async () => {
  world = await openWorld();
  const nothing = { enqueue: async () => {}, enqueueAll: async () => {}, send: async () => {} };
  still = { ...world.app, queue: { ...world.app.queue, ...nothing } };
});
afterAll(() => world.close());
beforeEach(() => world.okta.clearFaults());

const uid = (key: string) => samplePerson(key).oktaId;
const atOkta = (key: string) => world.okta.org.users.get(uid(key))!;
const fault = (key: string, step: string, rule: Partial<Parameters<World['okta']['fault']>[0]>) =>
  world.okta.fault({ method: 'POST', path: `${uid(key)}/lifecycle/${step}`, ...rule });

async function ask(actor: Actor, tool: string, key: string): Promise<string> {
  const input = { person: samplePerson(key).email };
  const outcome = await call(still, { tenantId: world.tenantId, actor, tool, input });
  if (outcome.status !== 'running' && outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
  if (outcome.status === 'waiting') approvals.set(outcome.callId, outcome.approvalId);
  return outcome.callId;
}
const approvals = new Map<string, string>();
const approve = async (by: string, callId: string) => {
  const input = { approval_id: approvals.get(callId), decision: 'approve', version: 1 };
  const request = { tenantId: world.tenantId, actor: await world.actor(by), tool: 'approval_decide', input };
  expect(await call(still, request)).toMatchObject({ status: 'done' });
};

interface Row {
  readonly state: string;
  readonly attempt: number;
  readonly unanswered: boolean;
  readonly error: { code: string; message: string; detail?: Record<string, unknown> } | null;
  readonly result: Record<string, unknown> | null;
}
/** Makes one try, and returns the row after it. */
async function tryOnce(callId: string, app = still): Promise<Row> {
  await execute(app, world.tenantId, callId, AbortSignal.timeout(30_000));
  const [row] = await world.sql<
    Row[]
  >`select state, attempt, unanswered, error, result from calls where id = ${callId}`;
  return row!;
}

const enrol = (key: string) =>
  fetch(`${world.okta.url}/_sandbox/users/${uid(key)}/enroll`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ factor_type: 'sms' }),
  });
const here = async (key: string) => (await world.person(key)).status;
const eventsOf = async (callId: string) =>
  (await world.ledger())
    .filter((entry) => entry.event.startsWith('CALL_') && entry.data['call_id'] === callId)
    .map((entry) => entry.event);

/** Makes these people the members of IT Admins, as a sync would. */
async function itAdmins(...keys: string[]): Promise<void> {
  const [group] = await world.sql<
    { id: string; removals: number }[]
  >`select id, removals from groups where uid = ${IT_ADMINS}`;
  await transact(world.app, world.tenantId, async (ctx) =>
    changeMembers(ctx, group!, await memberChanges(ctx, 'okta', group!.id, keys.map(uid)), 'okta:system-log'),
  );
}

async function agentOf(
  principal: string,
  agent: TestAgent,
  mandateId: string,
  scope: string,
): Promise<AgentActor> {
  const { id: personId } = await world.person(principal);
  const who = { kind: 'agent', surface: 'mcp', agentId: agent.id, personId, mandateId } as const;
  return { ...who, scopes: [scope], jti: 'test' };
}

describe('an act that has begun is not decided as if it were new', () => {
  test('the use that the call itself spent does not stop its own retry: the last use has its effect', async () => {
    const bot = await world.agent('last-use', 'bob');
    const mandateId = await world.mandate('bob', bot, { scopes: ['okta.mfa.reset'], max_uses: 1 });
    const callId = await ask(await agentOf('bob', bot, mandateId, 'okta.mfa.reset'), 'okta_reset_mfa', 'ann');
    await approve('mona', callId);
    fault('ann', 'reset_factors', { status: 500 });
    expect(await tryOnce(callId)).toMatchObject({ state: 'running', attempt: 1, unanswered: true });
    expect(await tryOnce(callId)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(atOkta('ann').factors).toEqual([]);
    const [mandate] = await world.sql`select uses, state from mandates where id = ${mandateId}`;
    expect(mandate).toEqual({ uses: 1, state: 'expired' });
  });

  test('another call that spends the last use in between takes nothing from it, and gets no more itself', async () => {
    const bot = await world.agent('two-uses', 'bob');
    const mandateId = await world.mandate('bob', bot, { scopes: ['okta.mfa.reset'], max_uses: 2 });
    const actor = await agentOf('bob', bot, mandateId, 'okta.mfa.reset');
    const [first, second, third] = [
      await ask(actor, 'okta_reset_mfa', 'ann'),
      await ask(actor, 'okta_reset_mfa', 'carl'),
      await ask(await world.actor('bob'), 'okta_reset_mfa', 'ann'),
    ];
    for (const one of [first, second]) await approve('mona', one);
    fault('ann', 'reset_factors', { status: 500 });
    expect(await tryOnce(first)).toMatchObject({ state: 'running' });
    expect(await tryOnce(second)).toMatchObject({ state: 'succeeded' });
    expect(await tryOnce(first)).toMatchObject({ state: 'succeeded' });
    expect(await tryOnce(third)).toMatchObject({ state: 'succeeded' });
    const [mandate] = await world.sql`select uses from mandates where id = ${mandateId}`;
    expect(mandate).toEqual({ uses: 2 });
  });

  const CHANGES = {
    'everything is frozen': {
      asker: async () => ask(await world.actor('dana'), 'okta_suspend_user', 'faye'),
      change: async () => {
        await world.as(await world.actor('dana'), 'freeze_apply', {
          target: 'organisation',
          reason: 'incident',
        });
      },
      back: async () => {
        await world.sql`update tenants set status = 'active' where id = ${world.tenantId}`;
      },
    },
    'the asker leaves the IT admins': {
      asker: async () => ask(await world.actor('ivan'), 'okta_suspend_user', 'faye'),
      change: () => itAdmins('dana'),
      back: () => itAdmins('dana', 'ivan'),
    },
    'the mandate of the agent had one use': {
      asker: async () => {
        const bot = await world.agent('suspender', 'dana');
        const scopes = ['okta.users.suspend'];
        const mandateId = await world.mandate('dana', bot, { scopes, resources: ['*'], max_uses: 1 });
        const actor = await agentOf('dana', bot, mandateId, 'okta.users.suspend');
        const callId = await ask(actor, 'okta_suspend_user', 'faye');
        await approve('erin', callId);
        return callId;
      },
      change: async () => {},
      back: async () => {},
    },
  };
  test.each(Object.entries(CHANGES))(
    'a suspension that is held here lands at Okta though %s, and no import loosens it before',
    async (_, { asker, change, back }) => {
      atOkta('faye').status = 'ACTIVE';
      await syncDirectory(world.app, world.tenantId);
      expect(await here('faye')).toBe('ACTIVE');
      const callId = await asker();
      fault('faye', 'suspend', { status: 503, times: 2 });
      expect(await tryOnce(callId)).toMatchObject({ state: 'running', attempt: 1 });
      expect(await here('faye')).toBe('SUSPENDED');
      await change();
      expect(await tryOnce(callId)).toMatchObject({ state: 'running', attempt: 2 });
      await syncDirectory(world.app, world.tenantId);
      expect([await here('faye'), atOkta('faye').status]).toEqual(['SUSPENDED', 'ACTIVE']);
      expect(await tryOnce(callId)).toMatchObject({ state: 'succeeded', result: { status: 'SUSPENDED' } });
      await syncDirectory(world.app, world.tenantId);
      expect([await here('faye'), atOkta('faye').status]).toEqual(['SUSPENDED', 'SUSPENDED']);
      await back();
    },
    60_000,
  );
});

describe('what may have happened is never called denied or failed', () => {
  test('refused after a try that had no answer: unknown, with the reason of the refusal', async () => {
    atOkta('carl').status = 'RECOVERY';
    const callId = await ask(await world.actor('ivan'), 'okta_reset_password', 'carl');
    fault('carl', 'reset_password', { drop_after_apply: true });
    expect(await tryOnce(callId)).toMatchObject({ state: 'running', unanswered: true });
    await itAdmins('dana');
    const row = await tryOnce(callId);
    await itAdmins('dana', 'ivan');
    expect(row).toMatchObject({ state: 'unknown', error: { detail: { refused: 'no_policy_allows' } } });
    expect(await eventsOf(callId)).toEqual(['CALL_UNKNOWN']);
  });

  test('refused after tries in which Okta said that it did nothing: denied', async () => {
    atOkta('carl').status = 'RECOVERY';
    const callId = await ask(await world.actor('ivan'), 'okta_reset_password', 'carl');
    fault('carl', 'reset_password', { status: 429, times: 9 });
    expect(await tryOnce(callId)).toMatchObject({ state: 'running', unanswered: false });
    await itAdmins('dana');
    const row = await tryOnce(callId);
    await itAdmins('dana', 'ivan');
    expect(row).toMatchObject({ state: 'denied', error: { code: 'no_policy_allows' } });
  });

  test('a later refusal by Okta does not turn it into a failure', async () => {
    atOkta('carl').status = 'RECOVERY';
    const callId = await ask(await world.actor('ivan'), 'okta_reset_password', 'carl');
    fault('carl', 'reset_password', { drop_after_apply: true });
    await tryOnce(callId);
    fault('carl', 'reset_password', { status: 403, okta_code: 'E0000006' });
    expect(await tryOnce(callId)).toMatchObject({ state: 'unknown', error: { code: 'forbidden' } });
    expect(await eventsOf(callId)).toEqual(['CALL_UNKNOWN']);
  });

  test('done, and the look after it is refused for good: unknown', async () => {
    atOkta('carl').status = 'ACTIVE';
    const callId = await ask(await world.actor('ivan'), 'okta_reset_password', 'carl');
    const refusing: App = {
      ...still,
      provider: async (tenantId) => {
        const link = await still.provider(tenantId);
        const person: typeof link.directory.person = async (...asked) => {
          if (atOkta('carl').status === 'RECOVERY') throw new Fault('forbidden', 'No look at all.');
          return link.directory.person(...asked);
        };
        return { ...link, directory: { ...link.directory, person } };
      },
    };
    const row = await tryOnce(callId, refusing);
    expect(atOkta('carl').status).toBe('RECOVERY');
    expect(row).toMatchObject({ state: 'unknown', error: { code: 'forbidden' } });
  });

  test('Okta says yes and every factor is still there: tried again, and never a success that removed nothing', async () => {
    atOkta('nina').factors.length = 0;
    await enrol('nina');
    const callId = await ask(await world.actor('ivan'), 'okta_reset_mfa', 'nina');
    fault('nina', 'reset_factors', { only_says_done: true });
    expect(await tryOnce(callId)).toMatchObject({ state: 'running', attempt: 1, unanswered: true });
    expect(await tryOnce(callId)).toMatchObject({ state: 'succeeded', result: { removed: ['sms'] } });

    await enrol('nina');
    const never = await ask(await world.actor('ivan'), 'okta_reset_mfa', 'nina');
    fault('nina', 'reset_factors', { only_says_done: true, times: 9 });
    let row = await tryOnce(never);
    while (row.state === 'running') row = await tryOnce(never);
    expect(row).toMatchObject({ state: 'unknown', attempt: 5, result: null });
    expect(row.error?.message).toContain('still lists every factor');
  });
});

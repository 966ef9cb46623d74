import type postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadCrowd } from '../support/many.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

/** The statements that the server has sent, by connection, with their parameters. */
const sent = vi.hoisted(() => ({
  statements: [] as { readonly on: number; readonly text: string; readonly parameters: unknown[] }[],
  parameters: 0,
}));
vi.mock('postgres', async (original) => {
  const { default: real } = await original<{ default: typeof postgres }>();
  const counting = (url: string, options: object) =>
    real(url, {
      ...options,
      debug: (on: number, text: string, parameters: unknown[]) => {
        sent.statements.push({ on, text, parameters });
        sent.parameters = Math.max(sent.parameters, parameters.length);
      },
    });
  return { default: Object.assign(counting, real) };
});

let world: World;
let agent: TestAgent;
beforeAll(async () => {
  world = await openWorld();
  agent = await world.agent('crowd-bot', 'carl', ['okta.users.read']);
  // Nobody in the crowd has Slack. Another test covers the notices about mandates.
  Object.assign(world.app, { subscribers: {} });
}, 120_000);
afterAll(() => world.close());

/** Two admins remove the mapping. Returns the call's row once it is done. */
async function unmap(group: string, role: string) {
  const asked = await world.as(await world.actor('dana'), 'group_unmap', { group, role });
  if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
  sent.parameters = 0;
  await world.vote('ivan', asked.approvalId);
  return eventually(
    async () =>
      (
        await world.sql<{ state: string; result: Record<string, unknown> }[]>`
          select state, result from calls where id = ${asked.callId} and state not in ('waiting', 'ready', 'running')`
      )[0],
    'the mapping is taken away',
    180_000,
  );
}

test('a group with 72,000 mandates is unmapped at once, and its mandates freeze in pieces', async () => {
  const crowd = await loadCrowd(world, {
    name: 'huge',
    people: 6000,
    each: 12,
    agent: agent.id,
    role: 'huge_role',
    scope: 'okta.users.read',
  });
  const before = (await world.ledger()).at(-1)!.seq;
  const row = await unmap(crowd.group, 'huge_role');
  expect(row).toMatchObject({ state: 'succeeded', result: { frozen: 3000, thawed: 0, people_left: 5750 } });
  expect(row.result['frozen_mandates']).toHaveLength(20);
  const frozen = await eventually(
    async () => {
      const [count] = await world.sql<{ n: number }[]>`
        select count(*)::int as n from mandates m where purpose = 'a crowd' and state = 'frozen' and reason = 'authority_lost'`;
      return count?.n === crowd.mandates ? count.n : null;
    },
    'every mandate freezes',
    420_000,
  );
  expect(frozen).toBe(72_000);
  const [said] = await world.sql`
    select count(*) filter (where event = 'MANDATE_FROZEN')::int as frozen,
           count(*) filter (where event = 'authority_changed')::int as changed,
           count(distinct data->>'part') filter (where event = 'authority_reevaluated')::int as parts,
           max(length(data::text))::int as longest
      from ledger where seq > ${before}`;
  expect(said).toMatchObject({ frozen: 72_000, changed: 12, parts: 23 });
  expect(Number(said!['longest'])).toBeLessThan(20_000);
  expect(sent.parameters).toBeLessThan(100);
}, 900_000);

test('the members of a large group are noted in entries of at most 500 each', async () => {
  const crowd = await loadCrowd(world, {
    name: 'past',
    people: 1100,
    each: 0,
    agent: agent.id,
    role: 'past_role',
    scope: 'okta.users.read',
  });
  await unmap(crowd.group, 'past_role');
  const parts = (await world.ledger('authority_changed')).filter(
    (entry) => entry.data['group'] === crowd.group,
  );
  expect(
    parts.map(({ data }) => [data['part'], data['parts'], (data['members'] as string[]).length]),
  ).toEqual([
    [1, 3, 500],
    [2, 3, 500],
    [3, 3, 100],
  ]);
}, 120_000);

/** How many statements of that transaction changed something with a statement like this. */
function statementsAround(mark: RegExp): number {
  const at = sent.statements.findLastIndex(({ text }) => mark.test(text));
  const connection = sent.statements[at]?.on;
  const there = sent.statements
    .map((one, index) => ({ ...one, index }))
    .filter(({ on }) => on === connection);
  const begun = there.findLast(({ index, text }) => index < at && /^begin/i.test(text));
  const ended = there.find(({ index, text }) => index > at && /^commit/i.test(text));
  if (begun === undefined || ended === undefined) throw new Error('no transaction around it');
  return there.filter(({ index }) => index > begun.index && index < ended.index).length;
}

/** Copies a mandate of Bob's and a call that waits on it this many times. */
async function plant(mandate: string, call: string, count: number): Promise<void> {
  await world.sql`insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, call_id, starts_at, expires_at)
    select tenant_id, id || '_' || lpad(n::text, 6, '0'), principal_id, agent_id, scopes, resources, 'planted', call_id, starts_at, expires_at
      from mandates, generate_series(1, ${count}::int) n where id = ${mandate}`;
  await world.sql`insert into calls (tenant_id, id, tool, summary, actor, principal_id, agent_id, mandate_id, targets, input, input_digest, state)
    select tenant_id, id || '_' || lpad(n::text, 6, '0'), tool, summary, actor, principal_id, agent_id, mandate_id, targets, input, input_digest || n, 'waiting'
      from calls, generate_series(1, ${count}::int) n where id = ${call}`;
}

test('the kill switch commits by as many statements for thousands as for one; what waits cannot pass before the rest has followed', async () => {
  const bot = await world.agent('stopped-bot', 'carl', ['okta.mfa.reset']);
  const mandate = await world.mandate('bob', bot, { scopes: ['okta.mfa.reset'] });
  const { id: bob } = await world.person('bob');
  const token = await world.token(bot, 'bob', mandate, { audience: `${world.app.baseUrl}/v1` });
  const knock = async () =>
    (await fetch(`${world.url}/v1/tools`, { headers: { authorization: `Bearer ${token}` } })).status;
  const asked = await world.as(
    {
      kind: 'agent',
      surface: 'mcp',
      agentId: bot.id,
      personId: bob,
      mandateId: mandate,
      scopes: ['okta.mfa.reset'],
      jti: 'test',
    },
    'okta_reset_mfa',
    { person: 'ann@acme.example' },
  );
  if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
  const dana = await world.actor('dana');
  const freeze = async (target: string) => {
    sent.statements.length = 0;
    const outcome = await world.as(dana, 'freeze_apply', { target });
    if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
    return {
      ...outcome.output,
      statements: statementsAround(/^update "people" set .*"delegation_frozen_by"/),
    };
  };
  const counted = async (state: string) => {
    const [row] = await world.sql<{ mandates: number; calls: number }[]>`
      select (select count(*)::int from mandates where principal_id = ${bob} and state = ${state}) as mandates,
             (select count(*)::int from calls where mandate_id = ${mandate} and state = 'waiting') as calls`;
    return row!;
  };

  expect(await knock()).toBe(200);
  await plant(mandate, asked.callId, 1500);
  const release = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  // The follow-up job waits here, so the commit alone must be enough.
  const holding = world.sql.begin(async (tx) => {
    await tx`select 1 from mandates where id = ${mandate} for update`;
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  const first = await freeze(bob);
  expect(first).toMatchObject({ mandates: 1000, pending_approvals: 1000, at_least: true });
  expect(await counted('active')).toEqual({ mandates: 1501, calls: 1501 });
  expect(await knock()).toBe(401);
  expect((await world.exchange(bot, 'bob', mandate)).status).toBe(400);
  release.resolve();
  await holding;
  await eventually(
    async () => (await world.ledger('FREEZE_COMPLETED')).at(-1),
    'the rest has followed',
    240_000,
  );
  expect(await counted('frozen')).toEqual({ mandates: 1501, calls: 0 });
  expect((await world.ledger('FREEZE_COMPLETED')).at(-1)?.data).toMatchObject({
    target: bob,
    doing: 'freeze',
    mandates: 1501,
    calls: 1501,
  });

  const lifted = await world.as(dana, 'freeze_lift', { target: bob });
  expect(lifted).toMatchObject({ status: 'done', output: { thawed_count: 0, later: true } });
  await eventually(
    async () => (await counted('active')).mandates === 1501,
    'everything works again',
    240_000,
  );
  const twice = await freeze(bob);
  expect(twice.statements).toBe(first.statements);
  expect(first.statements).toBeLessThan(40);
}, 600_000);

test('an approval that was given after the commit of a freeze, and before the rest has followed, carries nothing out', async () => {
  const bot = await world.agent('raced-bot', 'faye', ['okta.mfa.reset']);
  const mandate = await world.mandate('faye', bot, { scopes: ['okta.mfa.reset'] });
  const { id: faye } = await world.person('faye');
  const asked = await world.as(
    {
      kind: 'agent',
      surface: 'mcp',
      agentId: bot.id,
      personId: faye,
      mandateId: mandate,
      scopes: ['okta.mfa.reset'],
      jti: 'test',
    },
    'okta_reset_mfa',
    { person: 'nina@acme.example' },
  );
  if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
  await world.sql`insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, call_id, starts_at, expires_at)
    select tenant_id, 'mdt_00' || lpad(n::text, 6, '0'), principal_id, agent_id, scopes, resources, 'planted', call_id, starts_at, expires_at
      from mandates, generate_series(1, 300) n where id = ${mandate}`;
  const release = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holding = world.sql.begin(async (tx) => {
    await tx`select 1 from mandates where id = 'mdt_00000001' for update`;
    locked.resolve();
    await release.promise;
  });
  await locked.promise;
  const frozen = await world.as(await world.actor('dana'), 'freeze_apply', { target: faye });
  expect(frozen).toMatchObject({ status: 'done' });
  const [row] = await world.sql`select state from mandates where id = ${mandate}`;
  expect(row).toEqual({ state: 'active' });
  const [approver] = await world.sql<
    { state: string }[]
  >`select state from approvals where id = ${asked.approvalId}`;
  expect(approver).toEqual({ state: 'pending' });
  await world.vote('erin', asked.approvalId).catch(() => null);
  await eventually(
    async () => (await world.sql`select from calls where id = ${asked.callId} and state = 'denied'`)[0],
    'the execution is denied',
    60_000,
  );
  release.resolve();
  await holding;
  await eventually(
    async () => (await world.sql`select from mandates where id = ${mandate} and state = 'frozen'`)[0],
    'the rest has followed',
    120_000,
  );
}, 300_000);

test('the cost of a status list depends on its own entries, not on the size of the tenant', async () => {
  sent.statements.length = 0;
  world.server.kernel.flushCaches();
  const answer = await fetch(`${world.app.baseUrl}/t/${world.tenantId}/oauth2/status/0`);
  expect(answer.status).toBe(200);
  const asked = sent.statements.find(({ text }) => text.includes('below_unfit'))!;
  const plan = await world.sql.begin(async (tx) => {
    await tx`set local role prokura_server`;
    await tx`select set_config('app.tenant_id', ${world.tenantId}, true)`;
    const [row] = await tx.unsafe(
      `explain (analyze, format json) ${asked.text}`,
      asked.parameters as never[],
    );
    return row!['QUERY PLAN'] as { Plan: Node }[];
  });
  interface Node {
    'Relation Name'?: string;
    'Actual Rows': number;
    'Actual Loops': number;
    'Rows Removed by Filter'?: number;
    Plans?: Node[];
  }
  const read = (node: Node): number =>
    (node['Relation Name'] === 'mandates'
      ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
      : 0) + (node.Plans ?? []).reduce((sum, below) => sum + read(below), 0);
  const [all] = await world.sql<{ n: number }[]>`select count(*)::int as n from mandates`;
  const [listed] = await world.sql<
    { n: number }[]
  >`select count(*)::int as n from mandates where status_index is not null`;
  expect(all!.n).toBeGreaterThan(70_000);
  expect(read(plan[0]!.Plan)).toBeLessThanOrEqual(listed!.n * 3);
}, 120_000);

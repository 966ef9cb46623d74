import type postgres from 'postgres';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openWorld, type World } from '../support/world.ts';

/** Who can, and what another text would decide, in an organisation in which much has happened. */

const sent = vi.hoisted(() => ({ statements: 0 }));
vi.mock('postgres', async (original) => {
  const { default: real } = await original<{ default: typeof postgres }>();
  const counting = (url: string, options: object) =>
    real(url, { ...options, debug: () => void (sent.statements += 1) });
  return { default: Object.assign(counting, real) };
});

let world: World;
let mandate: string;
let ann: string;
beforeAll(async () => {
  world = await openWorld();
  mandate = await world.mandate('bob', await world.agent('pages-bot', 'bob'));
  ann = (await world.person('ann')).id;
}, 120_000);
afterAll(() => world.close());

interface Answer {
  people: { name: string; person_id: string }[];
  agents: { mandate_id: string }[];
  asked: { people: number; mandates: number };
  next_cursor: string | null;
}

async function ask(more: Record<string, unknown> = {}): Promise<Answer> {
  const outcome = await world.as(await world.actor('dana'), 'who_can', {
    tool: 'okta_reset_mfa',
    input: { person: ann },
    ...more,
  });
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.output as unknown as Answer;
}

/** Copies the mandate, so that its copies come before it. */
const copies = (count: number, prefix: string, resource: string) => world.sql`
  insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, call_id, starts_at, expires_at, created_at)
  select tenant_id, ${prefix} || lpad(n::text, 23, '0'), principal_id, agent_id, scopes, array[${resource}], 'planted', call_id, starts_at, expires_at, created_at
    from mandates, generate_series(1, ${count}::int) n where id = ${mandate}`;

/** The state of the mandate, as who_can tells it at a moment. */
const couldAt = async (at: string) => (await ask({ at })).agents.some(({ mandate_id: id }) => id === mandate);
const moment = async () => {
  const [row] = await world.sql<
    { at: Date }[]
  >`select max(at) as at from ledger where tenant_id = ${world.tenantId}`;
  return row!.at;
};

test('a past time is answered however often mandates were frozen before it, to the millisecond', async () => {
  const given = await moment();
  const bob = await world.actor('bob');
  const change = async (tool: string) => {
    const outcome = await world.as(bob, tool, { mandate_id: mandate, reason: 'a test' });
    expect(outcome.status).toBe('done');
    const [row] = await world.sql<{ at: Date }[]>`
      select max(at) as at from ledger where event in ('MANDATE_FROZEN', 'MANDATE_THAWED') and data->>'mandate_id' = ${mandate}`;
    return row!.at;
  };
  const frozen = await change('mandate_freeze');
  const thawed = await change('mandate_thaw');
  // Other mandates, more often than one answer could go through; the last entries name this one beside.
  const [head] = await world.sql<
    { seq: number }[]
  >`select seq::int as seq from ledger_heads where tenant_id = ${world.tenantId}`;
  await world.sql`
    insert into ledger (tenant_id, seq, id, at, event, actor, data, prev_hash, hash, things)
    select ${world.tenantId}, ${head!.seq}::int + n, 'evt_planted' || n, ${thawed}::timestamptz, 'MANDATE_FROZEN', 'planted',
           jsonb_build_object('mandate_id', 'mdt_' || n, 'because_of', ${mandate}::text), '', '', array['by planted', 'mdt_' || n, ${mandate}]
      from generate_series(1, 50100) n`;
  await world.sql`update ledger_heads set seq = ${head!.seq + 50_100} where tenant_id = ${world.tenantId}`;
  await world.sql`select ledger_index(${world.tenantId}, 1000)`;
  const at = (date: Date, ms: number) => couldAt(new Date(date.getTime() + ms).toISOString());
  expect(await at(given, 0)).toBe(true);
  expect(await at(frozen, -1)).toBe(true);
  expect(await at(frozen, 0)).toBe(false);
  expect(await at(thawed, -1)).toBe(false);
  expect(await at(thawed, 0)).toBe(true);
}, 180_000);

test('only people whom a policy could mean are decided', async () => {
  const { people, asked } = await ask();
  expect(people.map(({ name }) => name).sort()).toEqual(['Bob Meyer', 'Dana Ruiz', 'Ivan Novak']);
  expect(asked.people).toBe(3);
});

test('mandates for others do not crowd out the one for this target, and every agent is on one of the pages', async () => {
  await copies(300, 'mdt', 'person:usr_00000000000000000000000000');
  const all = await ask();
  expect(all.agents.map(({ mandate_id: id }) => id)).toContain(mandate);
  expect(all.next_cursor).toBeNull();
  await copies(250, 'mdt_01', '*');
  const [agents, people]: [string[], string[]] = [[], []];
  let cursor: string | null = null;
  for (let nth = 0; nth < 5; nth += 1) {
    sent.statements = 0;
    const page: Answer = await ask(cursor === null ? {} : { cursor });
    agents.push(...page.agents.map(({ mandate_id: id }) => id));
    people.push(...page.people.map(({ name }) => name));
    expect(page.asked.mandates).toBeLessThanOrEqual(200);
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  expect(cursor).toBeNull();
  expect(new Set(agents).size).toBe(agents.length);
  expect(agents).toHaveLength(all.agents.length + 250);
  expect(people.toSorted()).toEqual(['Bob Meyer', 'Dana Ruiz', 'Ivan Novak']);
}, 120_000);

test('another text is tried on a sample over all days, and equal questions are read once', async () => {
  const bob = await world.actor('bob');
  await world.as(bob, 'okta_reset_mfa', { person: ann, reason: 'lost phone' });
  await world.sql`
    insert into calls
    select (jsonb_populate_record(null::calls, to_jsonb(c) || jsonb_build_object('id', 'call_0' || lpad(n::text, 25, '0'), 'state', 'failed', 'approval_id', null,
            'created_at', now() - n * interval '10 minutes'))).*
      from (select * from calls where tool = 'okta_reset_mfa' order by id desc limit 1) c, generate_series(1, 4100) n`;
  sent.statements = 0;
  const outcome = await world.as(await world.actor('dana'), 'policy_try', { version: 0, days: 30 });
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  const { calls, total, cut } = outcome.output as { calls: number; total: number; cut: boolean };
  expect(cut).toBe(true);
  expect(total).toBeGreaterThanOrEqual(4100);
  expect(calls).toBeLessThanOrEqual(2000);
  expect(calls).toBeGreaterThan(1300);
  expect(sent.statements).toBeLessThan(60);
}, 120_000);

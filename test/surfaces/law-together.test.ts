import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PersonActor } from '#domain/actor.ts';
import { verifyLedger } from '#domain/ledger/verify.ts';
import type { RunningServer } from '../../src/main/server.ts';
import { call } from '#engine/call.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let second: RunningServer;
let agents: TestAgent[];
let actors: PersonActor[];
beforeAll(async () => {
  world = await openWorld();
  second = await world.second();
  agents = [];
  for (const owner of ['bob', 'mona', 'carl']) agents.push(await world.agent(`${owner}-bot`, owner));
  actors = await Promise.all(PEOPLE.map((key) => world.actor(key)));
  // From now on the database fails at random in the middle of statements: as a deadlock's victim that is
  // retried, cancelled, or broken.
  await world.sql.unsafe(`
    create table flaky (percent int not null); insert into flaky values (0); grant select on flaky to public;
    create function flaky() returns trigger language plpgsql as $$
    begin
      if random() * 100 < (select percent from public.flaky) then
        raise exception 'a fault' using errcode = (array['40P01', '57014', 'XX000', '53300'])[1 + floor(random() * 4)::int];
      end if;
      return new;
    end $$`);
  for (const table of ['calls', 'mandates', 'mandate_freezes', 'ledger', 'pgboss.job_common'])
    await world.sql.unsafe(
      `create trigger flaky before insert or update on ${table} for each row execute function public.flaky()`,
    );
});
afterAll(() => world.close());

const PEOPLE = ['bob', 'mona', 'carl'] as const;
const command = fc.record({
  who: fc.nat(2),
  do: fc.constantFrom('create', 'create', 'freeze', 'thaw', 'narrow', 'revoke'),
  of: fc.nat(20),
  delayMs: fc.nat(60),
});
const plan = fc.record({
  commands: fc.array(command, { minLength: 10, maxLength: 20 }),
  percent: fc.constantFrom(0, 3, 12),
  kills: fc.nat(4),
});
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

async function run({ who, of, delayMs, ...one }: Command, nth: number): Promise<'done' | 'not'> {
  const { app } = nth % 2 === 0 ? world.server : second;
  await sleep(delayMs);
  const [key, actor] = [PEOPLE[who]!, actors[who]!];
  const rows = await world.sql<
    { id: string }[]
  >`select m.id from mandates m where principal_id = ${actor.personId} order by id`;
  const mandate_id = rows[of % Math.max(1, rows.length)]?.id ?? '';
  const scopes = key === 'carl' ? ['okta.users.read'] : ['okta.users.read', 'okta.mfa.reset'];
  const input = {
    create: { agent: agents[who]!.id, scopes, resources: ['*'], days: 7, purpose: `nth ${nth}` },
    freeze: { mandate_id },
    thaw: { mandate_id },
    narrow: { mandate_id, scopes: ['okta.users.read'] },
    revoke: { mandate_id },
  }[one.do];
  try {
    const request = { tenantId: world.tenantId, actor, tool: `mandate_${one.do}`, input };
    return (await call(app, request)).status === 'done' ? 'done' : 'not';
  } catch {
    return 'not';
  }
}

/** Ends connections that are in the middle of a transaction. */
async function killer(times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await sleep(15);
    await world.sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'prokura' and xact_start is not null order by random() limit 1`;
  }
}

/**
 * Collects each change by its traces: row, ledger entry, the job that an event becomes, and call. All must
 * name the same changes.
 */
async function apart(): Promise<string[]> {
  const rows = await world.sql<{ what: string; id: string }[]>`
    with ledger_of as (select event, coalesce(data->>'mandate_id', '') as mandate, coalesce(data->>'call_id', '') as call from ledger),
         event_of as (select data->>'fact' as name, data->>'thing' as thing from pgboss.job where name = 'slack-project')
    select 'mandate without its line' as what, m.id from mandates m where not exists (select from ledger_of l where l.event = 'MANDATE_CREATED' and l.mandate = m.id)
    union all select 'line without its mandate', l.mandate from ledger_of l where l.event = 'MANDATE_CREATED' and not exists (select from mandates m where m.id = l.mandate)
    union all select 'mandate without its event', m.id from mandates m where not exists (select from event_of e where e.name = 'mandate.created' and e.thing = m.id)
    union all select 'event without its mandate', e.thing from event_of e where e.name = 'mandate.created' and not exists (select from mandates m where m.id = e.thing)
    union all select 'mandate without its call', m.id from mandates m where not exists (select from calls c where c.id = m.call_id and c.state = 'succeeded')
    union all select 'call without its line', c.id from calls c where c.state = 'succeeded' and (select count(*) from ledger_of l where l.event = 'CALL_SUCCEEDED' and l.call = c.id) <> 1
    union all select 'line without its call', l.call from ledger_of l where l.event = 'CALL_SUCCEEDED' and l.call like 'call_%' and not exists (select from calls c where c.id = l.call and c.state = 'succeeded')
    union all select 'ended without its line', m.id from mandates m where m.state = 'revoked' and (select count(*) from ledger_of l where l.event = 'MANDATE_REVOKED' and l.mandate = m.id) <> 1
    union all select 'line without its end', l.mandate from ledger_of l where l.event = 'MANDATE_REVOKED' and not exists (select from mandates m where m.id = l.mandate and m.state = 'revoked')
    union all select 'ended without its event', m.id from mandates m where m.state = 'revoked' and (select count(*) from event_of e where e.name = 'mandate.revoked' and e.thing = m.id) <> 1
    union all select 'event without its end', e.thing from event_of e where e.name = 'mandate.revoked' and not exists (select from mandates m where m.id = e.thing and m.state = 'revoked')
    union all select 'frozen and not its cause', m.id from mandates m where (m.state = 'frozen') <> exists (select from mandate_freezes z where z.mandate_id = m.id) and m.state in ('active', 'frozen')`;
  return rows.map((row) => `${row.what}: ${row.id}`);
}

test('law 3: whatever fails or is killed in the middle, state, ledger, events and call are there together or not at all', async () => {
  const seen = { done: 0, not: 0 };
  await fc.assert(
    fc.asyncProperty(plan, async ({ commands, percent, kills }) => {
      await world.sql`update flaky set percent = ${percent}`;
      const [outcomes] = await Promise.all([Promise.all(commands.map(run)), killer(kills)]);
      await world.sql`update flaky set percent = 0`;
      for (const outcome of outcomes) seen[outcome] += 1;
      expect(await apart()).toEqual([]);
    }),
    { numRuns: 8, endOnFailure: true },
  );
  const lines = (await world.ledger()).map((entry) => JSON.stringify(entry));
  expect(verifyLedger(lines)).toMatchObject({ problems: [], lastSeq: lines.length });
  // A run in which everything fails, or nothing does, proves nothing.
  expect(Math.min(seen.done, seen.not)).toBeGreaterThan(10);
});

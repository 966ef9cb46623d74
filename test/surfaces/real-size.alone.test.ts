import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { verifyLedger } from '#domain/ledger/verify.ts';
import { transact } from '#engine/transact.ts';
import { fillCompany } from '../../bench/company/fill.ts';
import type { CompanySize } from '../../bench/company/sizes.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

/** The statements that the server has sent, with their parameters. */
const sent = vi.hoisted(() => [] as { readonly text: string; readonly parameters: unknown[] }[]);
vi.mock('postgres', async (original) => {
  const { default: real } = await original<{ default: typeof postgres }>();
  const noting = (url: string, options: object) =>
    real(url, {
      ...options,
      debug: (_: number, text: string, parameters: unknown[]) => void sent.push({ text, parameters }),
    });
  return { default: Object.assign(noting, real) };
});

const SIZE: CompanySize = {
  people: 2000,
  groups: 2000,
  mappedGroups: 200,
  agents: 2000,
  mandates: 5000,
  waiting: 300,
  calls: 2000,
  entries: 12_000,
};

let world: World;
let agent: TestAgent;
let mandate: string;
let keys: { introspect: string; verify: string };
beforeAll(async () => {
  world = await openWorld();
  agent = await world.agent('size-bot', 'carl');
  mandate = await world.mandate('bob', agent, { scopes: ['okta.users.read', 'okta.mfa.reset'] });
  const keyFor = async (scope: string) =>
    (
      await transact(world.app, world.tenantId, (ctx) =>
        createApiKey(ctx, 'sandbox', { name: scope, scopes: [scope] }),
      )
    ).presented;
  keys = { introspect: await keyFor('introspect'), verify: await keyFor('verify') };
}, 120_000);
afterAll(() => world.close());

const post = async (path: string, key: string, body: URLSearchParams | object) => {
  const isForm = body instanceof URLSearchParams;
  const answer = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, ...(isForm ? {} : { 'content-type': 'application/json' }) },
    body: isForm ? body : JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, unknown>;
};

/** What agents and resource servers ask all day. Each throws unless it is answered with yes. */
const HOT: Readonly<Record<string, () => Promise<void>>> = {
  exchange: async () => void (await world.token(agent, 'bob', mandate)),
  introspection: async () => {
    const token = await world.token(agent, 'bob', mandate);
    sent.length = 0;
    const path = `/t/${world.tenantId}/oauth2/introspect`;
    const answer = await post(path, keys.introspect, new URLSearchParams({ token }));
    expect(answer).toMatchObject({ active: true });
  },
  verify: async () => {
    const check = { mandate_id: mandate, action: 'okta.users.read' };
    expect(await post('/v1/verify', keys.verify, check)).toMatchObject({ decision: 'allow' });
  },
};

/** The statements that the server sends for one of these: the fewest of some tries, since jobs run beside. */
async function statementsOf(name: string) {
  const tries: (typeof sent)[] = [];
  for (let time = 0; time < 4; time += 1) {
    sent.length = 0;
    await HOT[name]?.();
    tries.push(sent.filter(({ text }) => /^\s*(?:select|with|insert|update|delete)/i.test(text)));
  }
  return tries.reduce((fewest, one) => (one.length < fewest.length ? one : fewest));
}

/** More rows of one table than any of them may read. The tables have thousands. */
const MANY = 100;

/**
 * Runs them again as the server's role, on a connection of its own, since the counts are those of a
 * connection. Returns the tables of which they read many rows, by whatever plan.
 */
async function readInBulk(statements: Awaited<ReturnType<typeof statementsOf>>): Promise<string[]> {
  const session = postgres(world.ownerUrl, { max: 1, onnotice: () => {} });
  try {
    await session`begin`;
    await session`set local role prokura_server`;
    await session`select set_config('app.tenant_id', ${world.tenantId}, true)`;
    for (const { text, parameters } of statements) await session.unsafe(text, parameters as never[]);
    const rows = await session<{ table: string }[]>`
      select relname as table from pg_stat_xact_user_tables
       where coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) > ${MANY} order by 1`;
    return rows.map(({ table }) => table);
  } finally {
    await session.end();
  }
}

describe('in a company of 2,000 people', () => {
  beforeAll(() => fillCompany(world.sql, world.tenantId, SIZE), 300_000);

  test.each([
    ['exchange', 2],
    ['introspection', 2],
    ['verify', 4],
  ])('%s takes %i statements, and they read few rows', async (name, count) => {
    const statements = await statementsOf(name);
    expect(statements.map(({ text }) => text)).toHaveLength(count);
    expect(await readInBulk(statements)).toEqual([]);
  });

  test('reading many rows would be seen, whatever the plan', async () => {
    const text = `select count(*) from mandates where purpose = 'nothing'`;
    expect(await readInBulk([{ text, parameters: [] }])).toEqual(['mandates']);
  });

  test('what was filled in is there for everybody who looks, and the ledger is a chain', async () => {
    const dana = await world.actor('dana');
    const [counted] = await world.sql`
      select (select count(*)::int from people where employee_number like 'F%') as people,
             (select count(*)::int from mandates where state = 'frozen') as frozen,
             (select count(*)::int from mandates where state in ('revoked', 'expired')) as ended,
             (select max(length(display_name)) from people) as longest`;
    expect(counted).toEqual({ people: 2000, frozen: 850, ended: 750, longest: 200 });
    const [deep] = await world.sql<{ id: string }[]>`
      select c.id from mandates c join mandates b on b.id = c.parent_id join mandates a on a.id = b.parent_id
       where a.parent_id is not null limit 1`;
    const shown = await world.as(dana, 'mandate_show', { mandate_id: deep?.id });
    expect(shown).toMatchObject({ status: 'done' });
    const listed = await world.as(dana, 'mandate_list', { limit: 25 });
    expect(listed).toMatchObject({ status: 'done' });
    const lines = (await world.ledger()).map((entry) => JSON.stringify(entry));
    expect(lines.length).toBeGreaterThanOrEqual(SIZE.entries);
    expect(verifyLedger(lines).problems).toEqual([]);
    const times = await world.sql`
      select count(*) as n from ledger a join ledger b on b.seq = a.seq + 1 where b.at < a.at`;
    expect(times[0]?.['n']).toBe('0');
  });
});

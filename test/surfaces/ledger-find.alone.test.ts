import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LedgerEntry } from '#domain/ledger/entry.ts';
import { transact } from '#engine/transact.ts';
import { PLANTED_FROM, plantEntries } from '../support/many-entries.ts';
import { openWorld, type World } from '../support/world.ts';

/** Pages of a long ledger: right at each border, and no dearer than those of a short one. */

/** The statements that the server has sent, with their parameters. */
const sent = vi.hoisted(() => ({
  statements: [] as { readonly text: string; readonly parameters: unknown[] }[],
}));
vi.mock('postgres', async (original) => {
  const { default: real } = await original<{ default: typeof postgres }>();
  const telling = (url: string, options: object) =>
    real(url, {
      ...options,
      debug: (_: number, text: string, parameters: unknown[]) =>
        void sent.statements.push({ text, parameters }),
    });
  return { default: Object.assign(telling, real) };
});

const MANY = 30_000;
const BUSY = 'usr_00000000000000000000000000';
const MANDATE = 'mdt_00000000000000000000000007';
const CALL = 'call_00000000000000000000000003';
const moment = (minutes: number) => new Date(PLANTED_FROM.getTime() + minutes * 60_000).toISOString();

let world: World;
let first: number;
let all: LedgerEntry[];
beforeAll(async () => {
  world = await openWorld();
  first = await plantEntries(world, world.tenantId, MANY);
  all = await world.ledgerOf(world.tenantId);
}, 240_000);
afterAll(() => world.close());

type Asked = Readonly<Record<string, string>>;

async function page(asked: Asked) {
  const query = new URLSearchParams(asked).toString();
  const response = await fetch(`${world.url}/v1/ledger?${query}`, {
    headers: { authorization: `Bearer ${world.company.api_keys.admin}` },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as { entries: LedgerEntry[]; next_cursor: string | null };
}

/** What the page should hold, from all entries. */
async function wanted(asked: Asked): Promise<number[]> {
  const named = new Map(
    (await world.sql<{ seq: number; things: string[] }[]>`select seq::int as seq, things from ledger`).map(
      (row) => [row.seq, row.things],
    ),
  );
  const things = ['person', 'mandate', 'call'].flatMap((name) => asked[name] ?? []);
  return all
    .filter(
      (entry) =>
        (asked['from'] === undefined || entry.at >= asked['from']) &&
        (asked['to'] === undefined || entry.at < asked['to']) &&
        (asked['actor'] === undefined || entry.actor === asked['actor']) &&
        (asked['event'] === undefined || asked['event'].split(',').includes(entry.event)) &&
        things.every((thing) => named.get(entry.seq)!.includes(thing)),
    )
    .map((entry) => entry.seq);
}

/** How many blocks of 8 kB the database touches to answer, as the server's role and with its statement. */
async function blocks(asked: Asked): Promise<number> {
  sent.statements.length = 0;
  await page(asked);
  const statement = sent.statements.find(({ text }) => text.includes('from "ledger"'))!;
  const plan = await world.sql.begin(async (tx) => {
    await tx`set local role prokura_server`;
    await tx`select set_config('app.tenant_id', ${world.tenantId}, true)`;
    const [row] = await tx.unsafe(
      `explain (analyze, buffers, format json) ${statement.text}`,
      statement.parameters as never[],
    );
    return (row!['QUERY PLAN'] as { Plan: Record<string, number> }[])[0]!.Plan;
  });
  return plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!;
}

const FILTERS: Asked[] = [
  { from: moment(29_000) },
  { to: moment(500) },
  { from: moment(10_000), to: moment(10_200) },
  { from: moment(10_080), to: moment(10_081) },
  { actor: 'busy' },
  { person: BUSY },
  { mandate: MANDATE },
  { person: BUSY, mandate: MANDATE },
  { person: BUSY, actor: 'busy', event: 'CALL_DENIED' },
  { event: 'CALL_DENIED' },
  { event: 'CALL_DENIED,AGENT_REGISTERED' },
  { call: CALL, from: moment(16_000), to: moment(19_000) },
  { person: BUSY, from: moment(20_000), to: moment(20_050) },
  { person: BUSY, mandate: MANDATE, from: moment(50_000) },
];

describe.each(['oldest', 'newest'] as const)('%s first', (order) => {
  it.each(FILTERS)('%o finds what matches, page by page', async (asked) => {
    const expected = await wanted(asked);
    if (order === 'newest') expected.reverse();
    const found: number[] = [];
    // At most so many pages; the last one is reached where there are fewer.
    for (let cursor: string | null = null, nth = 0; nth < 6; nth += 1) {
      const one: Awaited<ReturnType<typeof page>> = await page({
        ...asked,
        order,
        limit: '40',
        ...(cursor === null ? {} : { cursor }),
      });
      found.push(...one.entries.map((entry) => entry.seq));
      cursor = one.next_cursor;
      if (cursor === null) break;
    }
    expect(found).toEqual(expected.slice(0, 240));
    // From the middle on.
    const middle = expected[Math.floor(expected.length / 2)];
    if (middle === undefined) return;
    const rest = await page({ ...asked, order, limit: '10', cursor: String(middle) });
    const after = expected.slice(Math.floor(expected.length / 2) + 1);
    expect(rest.entries.map((entry) => entry.seq)).toEqual(after.slice(0, 10));
  });

  it.each(FILTERS)('%o reads about a page and not the ledger', async (asked) => {
    expect(await blocks({ ...asked, order, limit: '40' })).toBeLessThan(700);
  });
});

it('a page still ends where entries follow that have no chapter yet', async () => {
  const last = all.at(-1)!;
  await transact(world.app, world.tenantId, (ctx) =>
    Promise.resolve(ctx.record({ event: 'CALL_DENIED', actor: 'busy', data: { person: BUSY } })),
  );
  const { entries } = await page({ person: BUSY, actor: 'busy', order: 'newest', limit: '2' });
  expect(entries[0]!.seq).toBeGreaterThan(last.seq);
  const { entries: since } = await page({ from: entries[0]!.at, limit: '10' });
  expect(since.map((entry) => entry.seq)).toContain(entries[0]!.seq);
});

it('a chapter is added with its last entry, and nobody but the owner can change it', async () => {
  const chapters = async () => {
    const [row] = await world.sql<
      { chapters: number; head: number; named: number }[]
    >`select (select count(*)::int from ledger_chapters where tenant_id = ${world.tenantId}) as chapters,
             (select count(*)::int from ledger_mentions where thing = 'by chapter test') as named,
             (select seq::int from ledger_heads where tenant_id = ${world.tenantId}) as head`;
    return row!;
  };
  const before = await chapters();
  const missing = 256 - (before.head % 256);
  const record = (count: number) =>
    transact(world.app, world.tenantId, async (ctx) => {
      for (let n = 0; n < count; n += 1)
        ctx.record({ event: 'VERIFIED', actor: 'chapter test', data: { person: BUSY } });
    });
  await record(missing - 1);
  expect(await chapters()).toMatchObject({ chapters: before.chapters, named: 0 });
  await record(1);
  expect(await chapters()).toMatchObject({ chapters: before.chapters + 1, named: 1 });
  await record(600);
  expect(await chapters()).toMatchObject({ chapters: before.chapters + 3, named: 3 });
  const found = await page({ actor: 'chapter test', limit: '1000' });
  expect(found.entries).toHaveLength(missing + 600);
  for (const change of [
    'update ledger_mentions set seqs = array[1]',
    'delete from ledger_mentions',
    "update ledger_chapters set latest = 'epoch'",
    'delete from ledger_chapters',
  ])
    await expect(
      world.sql.begin(async (tx) => {
        await tx`set local role prokura_server`;
        await tx`select set_config('app.tenant_id', ${world.tenantId}, true)`;
        await tx.unsafe(change);
      }),
    ).rejects.toMatchObject({ code: '42501' });
  expect(first).toBeGreaterThan(1);
});

it('an actor whose name is longer than an index takes is recorded and found', async () => {
  const actor = `the longest name ${'ä'.repeat(6000)}`;
  const [head] = await world.sql<
    { seq: number }[]
  >`select seq::int as seq from ledger_heads where tenant_id = ${world.tenantId}`;
  await transact(world.app, world.tenantId, async (ctx) => {
    for (let n = 0; n < 300; n += 1) ctx.record({ event: 'VERIFIED', actor, data: {} });
  });
  const [row] = await world.sql<
    { n: number }[]
  >`select count(*)::int as n from ledger_mentions where thing like 'by the longest name%' and tenant_id = ${world.tenantId}`;
  expect(row!.n).toBeGreaterThan(0);
  expect(head!.seq).toBeGreaterThan(0);
});

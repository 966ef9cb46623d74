import { and, asc, desc, eq, gt, lt, sql, type SQL } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { actorThing } from './append.ts';
import type { LedgerEntry } from './entry.ts';
import { ledger } from './tables.ts';

/** Which entries to find. All given conditions must hold. */
export interface LedgerFilter {
  /** Names of events, any of which may match. Undefined: all events. */
  readonly events?: readonly string[] | undefined;
  /** The actor, exactly as in the entry. */
  readonly actor?: string | undefined;
  /**
   * Ids of people, agents, mandates, calls and so on. An entry must mention all of them. It is fastest with
   * the
   * rarest first.
   */
  readonly things?: readonly string[] | undefined;
  /** From this moment on. */
  readonly from?: Date | undefined;
  /** Before this moment. */
  readonly to?: Date | undefined;
}

/** Where a page begins: after the number `cursor`, or before it if the order is `newest`. */
export interface LedgerPage {
  readonly cursor: number | null;
  readonly order: 'oldest' | 'newest';
  readonly limit: number;
}

/**
 * One page of the entries that match, read through the chapters of the ledger: its work follows the page, not
 * the ledger. An unknown event or id matches nothing. Does not check who may see them.
 */
export async function findLedger(
  reader: TenantReader,
  filter: LedgerFilter,
  page: LedgerPage,
): Promise<LedgerEntry[]> {
  const newest = page.order === 'newest';
  const rows = await reader.db
    .select()
    .from(ledger)
    .where(and(eq(ledger.tenantId, reader.tenantId), ...matching(reader, filter, page)))
    .orderBy(newest ? desc(ledger.seq) : asc(ledger.seq))
    .limit(page.limit);
  return rows.map((row) => ({
    tenant: row.tenantId,
    seq: row.seq,
    id: row.id,
    at: row.at.toISOString(),
    event: row.event,
    actor: row.actor,
    data: row.data,
    prev_hash: row.prevHash,
    hash: row.hash,
  }));
}

/** The conditions of a page. Without a filter the numbers themselves lead to it. */
function matching({ tenantId }: TenantReader, filter: LedgerFilter, page: LedgerPage): (SQL | undefined)[] {
  const newest = page.order === 'newest';
  const after = newest ? 0 : (page.cursor ?? 0);
  const before = newest ? page.cursor : null;
  const [from, to] = [filter.from?.toISOString() ?? null, filter.to?.toISOString() ?? null];
  // In this order the rarest comes first, as `ledger_find` wishes: a mandate, then a person, then an actor.
  const things = [
    ...(filter.things ?? []),
    ...(filter.actor === undefined ? [] : [actorThing(filter.actor)]),
  ];
  if (things.length === 0 && filter.events === undefined && from === null && to === null)
    return [gt(ledger.seq, after), before === null ? undefined : lt(ledger.seq, before)];
  const events = filter.events === undefined ? null : sql.param([...filter.events]);
  // Evaluated once, before a row is looked at.
  const found = sql`select ledger_find(
    ${tenantId}, ${sql.param(things)}::text[], ${events}::text[], ${from}::timestamptz, ${to}::timestamptz,
    ${after}::bigint, ${before}::bigint, ${newest}, ${page.limit}::int, null)`;
  return [sql`${ledger.seq} = any(array(${found}))`];
}

/** What an entry says of a thing. */
export interface LastEntry {
  readonly event: string;
  readonly at: Date;
  readonly data: Record<string, unknown>;
}

/**
 * The last entry of each of these things that is one of these events and from before a moment (null: until
 * now), in one statement. It is the thing's own if the member `subject` of its data is the thing: other
 * entries may name it too. A thing without such an entry is left out.
 */
export async function lastEntries(
  reader: TenantReader,
  subject: string,
  things: readonly string[],
  events: readonly string[],
  before: Date | null,
): Promise<Map<string, LastEntry>> {
  if (things.length === 0) return new Map();
  const rows = await reader.db
    .select({ thing: sql<string>`t.thing`, event: ledger.event, at: ledger.at, data: ledger.data })
    .from(
      sql`unnest(${sql.param([...things])}::text[]) as t(thing)
        cross join lateral ledger_find(${reader.tenantId}, array[t.thing], ${sql.param([...events])}::text[], null,
          ${before?.toISOString() ?? null}::timestamptz, 0, null, true, 1, ${subject}) as f(seq)`,
    )
    .innerJoin(ledger, and(eq(ledger.tenantId, reader.tenantId), sql`${ledger.seq} = f.seq`));
  return new Map(rows.map(({ thing, ...entry }) => [thing, entry]));
}

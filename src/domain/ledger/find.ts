import { and, asc, desc, eq, gt, gte, lt, sql, type SQL } from 'drizzle-orm';
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
   * Ids of people, agents, mandates, calls and so on. An entry must mention all of them. It is fastest with the
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

/** The conditions of a page. Subqueries without a row of the page are evaluated once, before anything else. */
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
  if (things.length > 0 || filter.events !== undefined) {
    const events = filter.events === undefined ? null : sql.param([...filter.events]);
    const found = sql`select ledger_find(
      ${tenantId}, ${sql.param(things)}::text[], ${events}::text[], ${from}::timestamptz, ${to}::timestamptz,
      ${after}::bigint, ${before}::bigint, ${newest}, ${page.limit}::int)`;
    return [sql`${ledger.seq} = any(array(${found}))`];
  }
  return [
    gt(ledger.seq, after),
    before === null ? undefined : lt(ledger.seq, before),
    from === null ? undefined : sql`${ledger.seq} > (select ledger_after(${tenantId}, ${from}::timestamptz))`,
    to === null ? undefined : sql`${ledger.seq} <= (select ledger_until(${tenantId}, ${to}::timestamptz))`,
    filter.from === undefined ? undefined : gte(ledger.at, filter.from),
    filter.to === undefined ? undefined : lt(ledger.at, filter.to),
  ];
}

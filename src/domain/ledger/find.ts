import { and, asc, desc, eq, gt, gte, inArray, lt, sql } from 'drizzle-orm';
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
  /** Ids of people, agents, mandates, calls and so on. An entry must mention all of them. */
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
 * One page of the entries that match. An unknown event or id matches nothing. Does not check who may see
 * them.
 */
export async function findLedger(
  reader: TenantReader,
  filter: LedgerFilter,
  page: LedgerPage,
): Promise<LedgerEntry[]> {
  const newest = page.order === 'newest';
  const after = newest ? 0 : (page.cursor ?? 0);
  const before = newest ? page.cursor : null;
  const by = filter.actor === undefined ? [] : [actorThing(filter.actor)];
  const things = [...by, ...(filter.things ?? [])];
  const found =
    things.length === 0
      ? null
      : await seqsAbout(reader, filter, things, { after, before, newest }, page.limit);
  if (found?.length === 0) return [];
  const where =
    found === null
      ? and(
          gt(ledger.seq, after),
          before === null ? undefined : lt(ledger.seq, before),
          filter.events === undefined ? undefined : inArray(ledger.event, [...filter.events]),
          filter.from === undefined ? undefined : gte(ledger.at, filter.from),
          filter.to === undefined ? undefined : lt(ledger.at, filter.to),
        )
      : inArray(ledger.seq, found);
  const rows = await reader.db
    .select()
    .from(ledger)
    .where(and(eq(ledger.tenantId, reader.tenantId), where))
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

async function seqsAbout(
  reader: TenantReader,
  filter: LedgerFilter,
  things: readonly string[],
  range: { after: number; before: number | null; newest: boolean },
  limit: number,
): Promise<number[]> {
  const events = filter.events === undefined ? null : sql.param([...filter.events]);
  const rows = await reader.db.execute<{ seq: string }>(sql`
    select ledger_about(
      ${sql.param([...things])}::text[], ${events}::text[], ${filter.from?.toISOString() ?? null}::timestamptz,
      ${filter.to?.toISOString() ?? null}::timestamptz, ${range.after}::bigint, ${range.before}::bigint, ${range.newest}, ${limit}::int
    ) as seq`);
  return rows.map((row) => Number(row.seq));
}

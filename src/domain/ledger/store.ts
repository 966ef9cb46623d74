import { eq, sql } from 'drizzle-orm';
import type { TenantReader, WriteDb } from '../context.ts';
import { chainOn, thingsOf, type Head } from './append.ts';
import { GENESIS_HASH, type LedgerEntry, type NewEntry } from './entry.ts';
import { findLedger } from './find.ts';
import { ledgerHeads } from './tables.ts';

/** Begins a tenant's chain; once, in the transaction that makes the tenant. */
export async function beginLedger(db: WriteDb, tenantId: string): Promise<void> {
  await db.insert(ledgerHeads).values({ tenantId, seq: 0, hash: GENESIS_HASH });
}

/** Where the tenant's chain ends in what this transaction sees, or null where the tenant has none. */
export async function ledgerHead(reader: TenantReader): Promise<Head | null> {
  const [head] = await reader.db
    .select({ seq: ledgerHeads.seq, hash: ledgerHeads.hash })
    .from(ledgerHeads)
    .where(eq(ledgerHeads.tenantId, reader.tenantId));
  return head ?? null;
}

/**
 * Appends entries in order. Locks the chain's head until the transaction ends: the last thing that a transaction does (law 11).
 * Times never run backwards within a chain's transaction, but two servers' clocks may differ: order is `seq`. Any number of
 * entries is one statement: a cascade may record thousands.
 */
export async function appendLedger(
  db: WriteDb,
  tenantId: string,
  at: Date,
  entries: readonly NewEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const [before] = await db
    .select()
    .from(ledgerHeads)
    .where(eq(ledgerHeads.tenantId, tenantId))
    .for('update');
  if (before === undefined) throw new Error('the tenant has no ledger head');
  const { links, head } = chainOn(tenantId, before, at, entries);
  const data = links.map((link) => JSON.stringify(link.data));
  const column = (values: readonly string[]) => sql.param([...values]);
  await db.execute(sql`
    with head as (
      update ledger_heads set seq = ${head.seq}, hash = ${head.hash} where tenant_id = ${tenantId}
    )
    insert into ledger (tenant_id, seq, id, at, event, actor, data, prev_hash, hash, things)
    select ${tenantId}, ${before.seq}::bigint + n, i, ${at.toISOString()}::timestamptz, e, a, d::jsonb, p, h, string_to_array(t, chr(31))
      from unnest(
        ${column(links.map((link) => link.id))}::text[],
        ${column(links.map((link) => link.event))}::text[], ${column(links.map((link) => link.actor))}::text[],
        ${column(data)}::text[], ${column(links.map((link) => link.prev_hash))}::text[],
        ${column(links.map((link) => link.hash))}::text[],
        ${column(links.map((link, index) => thingsOf(link.actor, data[index] ?? '').join('\u001F')))}::text[]
      ) with ordinality as row(i, e, a, d, p, h, t, n)`);
}

/** Entries after `afterSeq`, oldest first, at most `limit`; optionally of one event. */
export async function ledgerEntries(
  reader: TenantReader,
  afterSeq: number,
  limit: number,
  event?: string,
): Promise<LedgerEntry[]> {
  const filter = event === undefined ? {} : { events: [event] };
  return findLedger(reader, filter, { cursor: afterSeq, order: 'oldest', limit });
}

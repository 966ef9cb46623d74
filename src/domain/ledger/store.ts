import { and, asc, eq, gt } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import type { TenantReader, WriteDb } from '../context.ts';
import { entryHash, GENESIS_HASH, type LedgerEntry, type NewEntry } from './entry.ts';
import { ledger, ledgerHeads } from './tables.ts';

/** Begins a tenant's chain; once, in the transaction that makes the tenant. */
export async function beginLedger(db: WriteDb, tenantId: string): Promise<void> {
  await db.insert(ledgerHeads).values({ tenantId, seq: 0, hash: GENESIS_HASH });
}

/**
 * Appends entries in order. Locks the chain's head until the transaction ends: the last thing that a transaction does (law 11).
 * Times never run backwards within a chain's transaction, but two servers' clocks may differ: order is `seq`.
 */
export async function appendLedger(
  db: WriteDb,
  tenantId: string,
  at: Date,
  entries: readonly NewEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const [head] = await db.select().from(ledgerHeads).where(eq(ledgerHeads.tenantId, tenantId)).for('update');
  if (head === undefined) throw new Error('the tenant has no ledger head');
  let { seq, hash } = head;
  const rows = entries.map((entry) => {
    seq += 1;
    // What JSON drops must not be hashed: the entry is hashed as it will be read back.
    const data = JSON.parse(JSON.stringify(entry.data)) as Record<string, unknown>;
    const link = {
      tenant: tenantId,
      seq,
      id: newId('evt', at.getTime()),
      at: at.toISOString(),
      event: entry.event,
      actor: entry.actor,
      data,
      prev_hash: hash,
    };
    hash = entryHash(link);
    return {
      tenantId,
      seq,
      id: link.id,
      at,
      event: entry.event,
      actor: entry.actor,
      data,
      prevHash: link.prev_hash,
      hash,
    };
  });
  // A cascade may record thousands at once, and one statement holds at most 65,535 parameters.
  for (let start = 0; start < rows.length; start += 5000)
    await db.insert(ledger).values(rows.slice(start, start + 5000));
  await db.update(ledgerHeads).set({ seq, hash }).where(eq(ledgerHeads.tenantId, tenantId));
}

/** Entries after `afterSeq`, oldest first, at most `limit`; optionally of one event. */
export async function ledgerEntries(
  reader: TenantReader,
  afterSeq: number,
  limit: number,
  event?: string,
): Promise<LedgerEntry[]> {
  const rows = await reader.db
    .select()
    .from(ledger)
    .where(
      and(
        eq(ledger.tenantId, reader.tenantId),
        gt(ledger.seq, afterSeq),
        event === undefined ? undefined : eq(ledger.event, event),
      ),
    )
    .orderBy(asc(ledger.seq))
    .limit(limit);
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

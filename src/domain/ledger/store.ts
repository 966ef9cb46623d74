import { eq, sql } from 'drizzle-orm';
import type { Sql } from 'postgres';
import type { TenantReader, WriteDb } from '../context.ts';
import { ledgerLines } from './append.ts';
import { GENESIS_HASH, type LedgerEntry, type NewEntry } from './entry.ts';
import { findLedger } from './find.ts';
import { ledgerHeads } from './tables.ts';

/** The end of a chain: number and hash of its last entry. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** Begins a tenant's chain. Must be called once, in the transaction that creates the tenant. */
export async function beginLedger(db: WriteDb, tenantId: string): Promise<void> {
  await db.insert(ledgerHeads).values({ tenantId, seq: 0, hash: GENESIS_HASH });
}

/** The end of the tenant's chain as this transaction sees it; null if the tenant has none. */
export async function ledgerHead(reader: TenantReader): Promise<Head | null> {
  const [head] = await reader.db
    .select({ seq: ledgerHeads.seq, hash: ledgerHeads.hash })
    .from(ledgerHeads)
    .where(eq(ledgerHeads.tenantId, reader.tenantId));
  return head ?? null;
}

/**
 * Appends entries in order, in one statement for any number, since a cascade may record thousands. Locks the
 * chain's head until the transaction ends, so it must be the last step of a transaction (law 11). The clocks
 * of two servers may differ: `seq` defines the order, not the time.
 */
export async function appendLedger(
  db: WriteDb,
  tenantId: string,
  at: Date,
  entries: readonly NewEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const lines = ledgerLines(at, entries);
  await db.execute(sql`select ledger_append(${tenantId}, ${lines.at}, ${lines.json}::text::json)`);
}

/**
 * An entry that is appended on its own, with the keys that allow it only once. Without keys it is always
 * appended.
 */
export interface LoneEntry {
  readonly entry: NewEntry;
  readonly once: readonly Once[];
}

/**
 * Something that may happen only once: the use of a client assertion's `jti` or of a subject token. `key` is
 * a digest.
 */
export interface Once {
  readonly key: string;
  readonly expiresAt: Date;
}

/**
 * Appends entries in a transaction of its own, in one round trip. Returns for each entry null if it was
 * written, and then all its keys are used up; or the first of its keys that was used before, and then it was
 * not written and none of its other keys is used up.
 */
export async function appendAlone(
  client: Sql,
  tenantId: string,
  at: Date,
  entries: readonly LoneEntry[],
): Promise<(string | null)[]> {
  const lines = ledgerLines(
    at,
    entries.map(({ entry }) => entry),
  );
  const once = entries.flatMap((one, index) =>
    one.once.map(({ key, expiresAt }) => ({ n: index + 1, k: key, x: expiresAt })),
  );
  const [row] = await client<{ used: (string | null)[] }[]>`
    select ledger_batch(${tenantId}, ${lines.at}, ${lines.json}::text::json, ${JSON.stringify(once)}::text::json) as used`;
  if (row === undefined) throw new Error('a batch of the ledger was not answered');
  return row.used;
}

/** Entries after `afterSeq`, oldest first, at most `limit`; only of one event if given. */
export async function ledgerEntries(
  reader: TenantReader,
  afterSeq: number,
  limit: number,
  event?: string,
): Promise<LedgerEntry[]> {
  const filter = event === undefined ? {} : { events: [event] };
  return findLedger(reader, filter, { cursor: afterSeq, order: 'oldest', limit });
}

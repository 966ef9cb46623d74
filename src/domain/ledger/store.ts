import { eq, sql } from 'drizzle-orm';
import type { Sql } from 'postgres';
import type { TenantReader, WriteDb } from '../context.ts';
import { ledgerLines } from './append.ts';
import { GENESIS_HASH, type LedgerEntry, type NewEntry } from './entry.ts';
import { findLedger } from './find.ts';
import { ledgerHeads } from './tables.ts';

/** The end of a chain: the number of its last entry and that entry's hash. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

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
  const lines = ledgerLines(at, entries);
  await db.execute(sql`select ledger_append(${tenantId}, ${lines.at}, ${lines.json}::text::json)`);
}

/** An entry that stands alone, with the keys that it may be written for once only; none: as often as it comes. */
export interface LoneEntry {
  readonly entry: NewEntry;
  readonly once: readonly Once[];
}

/** Something that may happen once only: a client assertion's `jti`, a subject token. `key` is a digest. */
export interface Once {
  readonly key: string;
  readonly expiresAt: Date;
}

/**
 * Appends entries in a transaction of their own, in one round trip. Answers for each null where it was written, and all its keys are used up; or the first
 * of its keys that was used before: then it was not written, and none of the others is used up.
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

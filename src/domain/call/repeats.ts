import { and, eq, lt } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { repeats } from './tables.ts';

/** A caller's idempotency key and its request. Both are digests, so they reveal neither. */
export interface Repeatable {
  /** The same for the same key of the same caller. */
  readonly key: string;
  /** The same for the same request. */
  readonly request: string;
}

/** A row of `repeats`. */
export type Repeat = typeof repeats.$inferSelect;

/**
 * What was started under the key, or null. Throws Fault `conflict` if the key was sent with another request.
 */
export async function findRepeat(reader: TenantReader, { key, request }: Repeatable): Promise<Repeat | null> {
  const [row] = await reader.db
    .select()
    .from(repeats)
    .where(and(eq(repeats.tenantId, reader.tenantId), eq(repeats.key, key)));
  if (row === undefined) return null;
  if (row.request !== request)
    throw new Fault(
      'conflict',
      'This Idempotency-Key was already used for a different request. Use a new key for each request.',
      { detail: { reason: 'idempotency_key_reused' } },
    );
  return row;
}

/**
 * Claims the key in this transaction. Waits for another transaction that is claiming it. False if it was
 * claimed before.
 */
export async function claimRepeat(
  ctx: TenantWriter,
  { key, request }: Repeatable,
  callId: string | null,
): Promise<boolean> {
  const fresh = await ctx.db
    .insert(repeats)
    .values({ tenantId: ctx.tenantId, key, request, callId, createdAt: ctx.now })
    .onConflictDoNothing()
    .returning({ key: repeats.key });
  return fresh.length > 0;
}

/** Stores the encrypted answer to a request that is not a call. */
export async function keepRepeat(ctx: TenantWriter, { key }: Repeatable, answer: string): Promise<void> {
  await ctx.db
    .update(repeats)
    .set({ answer })
    .where(and(eq(repeats.tenantId, ctx.tenantId), eq(repeats.key, key)));
}

/** Releases a key whose request was refused before it changed anything. */
export async function freeRepeat(ctx: TenantWriter, { key }: Repeatable): Promise<void> {
  await ctx.db.delete(repeats).where(and(eq(repeats.tenantId, ctx.tenantId), eq(repeats.key, key)));
}

/** How long a key is remembered, in milliseconds. */
const KEPT_MS = 2 * 86_400_000;

/** Deletes keys that are older than that. */
export async function forgetRepeats(ctx: TenantWriter): Promise<void> {
  const before = new Date(ctx.now.getTime() - KEPT_MS);
  await ctx.db.delete(repeats).where(and(eq(repeats.tenantId, ctx.tenantId), lt(repeats.createdAt, before)));
}

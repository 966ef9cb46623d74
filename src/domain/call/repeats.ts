import { and, eq, lt } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { repeats } from './tables.ts';

/** A caller's idempotency key, and what it was sent with. Both are digests: neither tells what was sent. */
export interface Repeatable {
  /** Equal for the same key of the same caller. */
  readonly key: string;
  /** Equal for the same request. */
  readonly request: string;
}

export type Repeat = typeof repeats.$inferSelect;

/** What was begun under the key, or null. Throws Fault `conflict` where the key came with another request. */
export async function findRepeat(reader: TenantReader, { key, request }: Repeatable): Promise<Repeat | null> {
  const [row] = await reader.db
    .select()
    .from(repeats)
    .where(and(eq(repeats.tenantId, reader.tenantId), eq(repeats.key, key)));
  if (row === undefined) return null;
  if (row.request !== request)
    throw new Fault(
      'conflict',
      'This Idempotency-Key was sent with another request before. Use a new key for each request.',
      { detail: { reason: 'idempotency_key_reused' } },
    );
  return row;
}

/** Claims the key in this transaction; waits for another transaction that is claiming it. False where it was claimed before. */
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

/** Keeps the sealed answer of what has no call of its own. */
export async function keepRepeat(ctx: TenantWriter, { key }: Repeatable, answer: string): Promise<void> {
  await ctx.db
    .update(repeats)
    .set({ answer })
    .where(and(eq(repeats.tenantId, ctx.tenantId), eq(repeats.key, key)));
}

/** Frees a key whose request was refused before it changed anything. */
export async function freeRepeat(ctx: TenantWriter, { key }: Repeatable): Promise<void> {
  await ctx.db.delete(repeats).where(and(eq(repeats.tenantId, ctx.tenantId), eq(repeats.key, key)));
}

/** How long a request may be repeated under its key. */
const KEPT_MS = 2 * 86_400_000;

/** Forgets requests that nobody repeats any more. */
export async function forgetRepeats(ctx: TenantWriter): Promise<void> {
  const before = new Date(ctx.now.getTime() - KEPT_MS);
  await ctx.db.delete(repeats).where(and(eq(repeats.tenantId, ctx.tenantId), lt(repeats.createdAt, before)));
}

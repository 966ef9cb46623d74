import { and, eq, lt } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantWriter } from '../context.ts';
import { verifiedUses } from './tables.ts';

/**
 * Claims a caller's idempotency key for one check, and waits for a concurrent claim. Null: the key is new,
 * and `keepAnswer` must follow in this transaction. Otherwise returns the first answer. Throws Fault
 * `conflict` if the key was used for another check.
 */
export async function claimKey(
  ctx: TenantWriter,
  key: string,
  requestDigest: string,
): Promise<Record<string, unknown> | null> {
  const fresh = await ctx.db
    .insert(verifiedUses)
    .values({ tenantId: ctx.tenantId, key, requestDigest, createdAt: ctx.now })
    .onConflictDoNothing()
    .returning({ key: verifiedUses.key });
  if (fresh.length > 0) return null;
  const [row] = await ctx.db.select().from(verifiedUses).where(same(ctx, key));
  if (row === undefined || row.answer === null) throw new Error('a claimed key has no answer');
  if (row.requestDigest !== requestDigest)
    throw new Fault(
      'conflict',
      'This idempotency_key was already used for a different check. Use a new one for each check.',
    );
  return row.answer;
}

/** Stores the answer for later requests with the same key. */
export async function keepAnswer(
  ctx: TenantWriter,
  key: string,
  answer: Readonly<Record<string, unknown>>,
): Promise<void> {
  await ctx.db
    .update(verifiedUses)
    .set({ answer: { ...answer } })
    .where(same(ctx, key));
}

const same = (ctx: TenantWriter, key: string) =>
  and(eq(verifiedUses.tenantId, ctx.tenantId), eq(verifiedUses.key, key));

/** How long a key is remembered, in milliseconds. */
const KEPT_MS = 7 * 86_400_000;

/** Deletes keys that are older than that. */
export async function forgetVerifiedUses(ctx: TenantWriter): Promise<void> {
  await ctx.db
    .delete(verifiedUses)
    .where(
      and(
        eq(verifiedUses.tenantId, ctx.tenantId),
        lt(verifiedUses.createdAt, new Date(ctx.now.getTime() - KEPT_MS)),
      ),
    );
}

import { and, eq, inArray, notExists, sql } from 'drizzle-orm';
import type { TenantWriter } from '../context.ts';
import { mandateFreezes, mandates } from './tables.ts';

/**
 * Lifts one cause from a principal's mandates; those left without any cause are active again, with a new epoch: tokens from before
 * the freeze stay dead. Lifting one cause never lifts another, and nothing that has ended comes back. Returns the thawed ids.
 */
export async function thawMandatesOf(
  ctx: TenantWriter,
  principalId: string,
  cause: string,
  actor: string,
): Promise<string[]> {
  const frozen = await ctx.db
    .select({ id: mandates.id })
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        eq(mandates.principalId, principalId),
        eq(mandates.state, 'frozen'),
      ),
    )
    .orderBy(mandates.id)
    .for('update');
  const ids = frozen.map((row) => row.id);
  if (ids.length === 0) return [];
  await ctx.db
    .delete(mandateFreezes)
    .where(
      and(
        eq(mandateFreezes.tenantId, ctx.tenantId),
        inArray(mandateFreezes.mandateId, ids),
        eq(mandateFreezes.cause, cause),
      ),
    );
  const causes = ctx.db
    .select({ one: sql`1` })
    .from(mandateFreezes)
    .where(and(eq(mandateFreezes.tenantId, mandates.tenantId), eq(mandateFreezes.mandateId, mandates.id)));
  const thawed = await ctx.db
    .update(mandates)
    .set({ state: 'active', reason: null, epoch: sql`${mandates.epoch} + 1` })
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        inArray(mandates.id, ids),
        eq(mandates.state, 'frozen'),
        notExists(causes),
      ),
    )
    .returning({ id: mandates.id });
  for (const { id } of thawed) {
    ctx.record({
      event: 'MANDATE_THAWED',
      actor,
      data: { mandate_id: id, principal: principalId, lifted: cause },
    });
    ctx.emit({ name: 'mandate.thawed', thing: id });
  }
  return thawed.map((row) => row.id);
}

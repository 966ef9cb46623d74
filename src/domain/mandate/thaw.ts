import { and, eq, inArray, notExists, sql } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantWriter } from '../context.ts';
import { PARENT_FROZEN } from './freeze.ts';
import { freezeCauses, openMandateTree } from './store.ts';
import { mandateFreezes, mandates } from './tables.ts';

/**
 * Lifts one cause from a principal's mandates; those left without any cause are active again, with a new epoch: tokens from before
 * the freeze stay dead. Lifting one cause never lifts another, and nothing that has ended comes back; what is below a mandate that
 * works again loses `parent_frozen`. Returns the thawed ids.
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
  return lift(
    ctx,
    frozen.map((row) => row.id),
    cause,
    actor,
  );
}

/**
 * Lifts one cause from one mandate. Returns the ids that work again, and the causes that hold it still. Throws Fault `conflict`
 * where it has ended, or is not frozen for that cause.
 */
export async function thawMandate(
  ctx: TenantWriter,
  mandateId: string,
  cause: string,
  actor: string,
): Promise<{ thawed: string[]; left: string[] }> {
  await openMandateTree(ctx, mandateId);
  const causes = (await freezeCauses(ctx, [mandateId])).get(mandateId) ?? [];
  if (!causes.includes(cause))
    throw new Fault(
      'conflict',
      causes.length === 0
        ? 'This mandate is not frozen.'
        : `This mandate is frozen for: ${causes.join(', ')}. You can lift "${cause}" only; the others go with what caused them, or by whoever set them.`,
      { detail: { causes } },
    );
  const thawed = await lift(ctx, [mandateId], cause, actor);
  return { thawed, left: causes.filter((one) => one !== cause) };
}

/** Lifts one cause from these mandates, whose rows must be locked, and `parent_frozen` from what is below those that work again. Returns the ids that work again. */
export async function lift(
  ctx: TenantWriter,
  ids: readonly string[],
  cause: string,
  actor: string,
): Promise<string[]> {
  if (ids.length === 0) return [];
  await ctx.db
    .delete(mandateFreezes)
    .where(
      and(
        eq(mandateFreezes.tenantId, ctx.tenantId),
        inArray(mandateFreezes.mandateId, [...ids]),
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
        inArray(mandates.id, [...ids]),
        eq(mandates.state, 'frozen'),
        notExists(causes),
      ),
    )
    .returning({ id: mandates.id, principal: mandates.principalId });
  for (const { id, principal } of thawed) {
    ctx.record({ event: 'MANDATE_THAWED', actor, data: { mandate_id: id, principal, lifted: cause } });
    ctx.emit({ name: 'mandate.thawed', thing: id });
  }
  const working = thawed.map((row) => row.id);
  return [...working, ...(await lift(ctx, await frozenBelow(ctx, working), PARENT_FROZEN, actor))];
}

/** Ids of the direct children of these mandates that are frozen, locked for change. */
async function frozenBelow(ctx: TenantWriter, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await ctx.db
    .select({ id: mandates.id })
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        inArray(mandates.parentId, [...ids]),
        eq(mandates.state, 'frozen'),
      ),
    )
    .orderBy(mandates.id)
    .for('update');
  return rows.map((row) => row.id);
}

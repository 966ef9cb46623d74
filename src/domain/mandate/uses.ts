import { sql } from 'drizzle-orm';
import type { TenantWriter } from '../context.ts';
import { expireMandateTree } from './expire.ts';
import { lockMandates, mandateChain } from './store.ts';

/** The reason of a mandate that ended because its last use was spent. */
const SPENT = 'every use is spent';

/**
 * A mandate as it applies to a call that has already spent its use. That use does not count against the
 * call. A mandate that ended because every use is spent has not ended for the calls that spent them.
 */
export function withoutOwnUse<M extends { state: string; reason: string | null; uses: number }>(
  mandate: M,
): M {
  const ended = mandate.state === 'expired' && mandate.reason === SPENT;
  return { ...mandate, uses: mandate.uses - 1, ...(ended ? { state: 'active', reason: null } : {}) };
}

/**
 * Counts one use of a mandate and of every mandate above it. A mandate whose last use this was ends, with
 * everything below it. Locks all of them until the commit, so concurrent calls cannot spend more uses than
 * there are. Does not check that a use is left: the caller has decided that under the same lock.
 */
export async function spendUseOf(ctx: TenantWriter, mandateId: string): Promise<void> {
  const chain = await lockMandates(ctx, await mandateChain(ctx, mandateId));
  if (chain.length === 0) return;
  const ids = sql.param(chain.map((mandate) => mandate.id));
  await ctx.db.execute(
    sql`update mandates set uses = uses + 1 where tenant_id = ${ctx.tenantId} and id = any(${ids}::text[])`,
  );
  for (const mandate of chain) {
    if (mandate.maxUses !== null && mandate.uses + 1 >= mandate.maxUses)
      await expireMandateTree(ctx, mandate.id, SPENT);
  }
}

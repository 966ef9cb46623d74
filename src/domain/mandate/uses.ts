import { sql } from 'drizzle-orm';
import type { TenantWriter } from '../context.ts';
import { expireMandateTree } from './expire.ts';
import { lockMandates, mandateChain } from './store.ts';

/** Why a mandate ended whose last use was spent. */
const SPENT = 'every use is spent';

/**
 * A mandate as it stands for a call that has spent its use of it already: that use does not count against the call, and a mandate that
 * ended because every use is spent has not ended for those who spent them.
 */
export function withoutOwnUse<M extends { state: string; reason: string | null; uses: number }>(
  mandate: M,
): M {
  const ended = mandate.state === 'expired' && mandate.reason === SPENT;
  return { ...mandate, uses: mandate.uses - 1, ...(ended ? { state: 'active', reason: null } : {}) };
}

/**
 * Counts one use of a mandate and of every mandate above it: what a child spends, its parents spend. Whichever that was the last
 * use of ends, with everything below. Locks them all until the commit, so of many at once no more get through than there are uses.
 * Whether there is a use left has been decided under the same lock.
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

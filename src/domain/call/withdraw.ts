import { and, eq, sql } from 'drizzle-orm';
import { withdrawApprovals } from '../approval/store.ts';
import type { TenantWriter } from '../context.ts';
import type { Call } from './store.ts';
import { calls } from './tables.ts';

/**
 * Withdraws waiting calls together with their approvals. Two statements for any number of calls, and
 * one ledger entry and one event for each. The caller must have locked the rows.
 */
export async function withdrawCalls(
  ctx: TenantWriter,
  waiting: readonly Call[],
  ending: { readonly actor: string; readonly reason: string },
): Promise<void> {
  if (waiting.length === 0) return;
  const error = { code: 'withdrawn', message: `Withdrawn: ${ending.reason}.` };
  const ids = waiting.map((call) => call.id);
  await ctx.db
    .update(calls)
    .set({ state: 'withdrawn', error, settledAt: ctx.now, updatedAt: ctx.now })
    .where(and(eq(calls.tenantId, ctx.tenantId), sql`${calls.id} = any(${sql.param(ids)}::text[])`));
  const approvals = waiting.flatMap(({ approvalId }) => (approvalId === null ? [] : [approvalId]));
  await withdrawApprovals(ctx, approvals, ending.reason);
  for (const call of waiting) {
    ctx.record({
      event: 'CALL_WITHDRAWN',
      actor: ending.actor,
      data: { call_id: call.id, tool: call.tool, approval_id: call.approvalId, reason: ending.reason },
    });
    ctx.emit({ name: 'call.settled', thing: call.id });
  }
}

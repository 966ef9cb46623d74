import type { TenantWriter } from '../context.ts';
import { findApproval, settleApproval } from '../approval/store.ts';
import { updateCall, type Call } from './store.ts';

/** Takes waiting calls back, with their approvals: nobody can approve them any more. The rows must be locked. */
export async function withdrawCalls(
  ctx: TenantWriter,
  waiting: readonly Call[],
  ending: { actor: string; reason: string },
): Promise<void> {
  for (const call of waiting) {
    const error = { code: 'withdrawn', message: `Withdrawn: ${ending.reason}.` };
    await updateCall(ctx, call.id, { state: 'withdrawn', error, settledAt: ctx.now });
    const approval = call.approvalId === null ? null : await findApproval(ctx, call.approvalId, 'update');
    if (approval?.state === 'pending') await settleApproval(ctx, approval, 'withdrawn', ending.reason);
    ctx.record({
      event: 'CALL_WITHDRAWN',
      actor: ending.actor,
      data: { call_id: call.id, tool: call.tool, approval_id: call.approvalId, reason: ending.reason },
    });
    ctx.emit({ name: 'call.settled', thing: call.id });
  }
}

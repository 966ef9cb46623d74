import { findApproval, settleApproval } from '#domain/approval/store.ts';
import { findCall, updateCall } from '#domain/call/store.ts';
import type { App } from '../app.ts';
import { transact } from '../transact.ts';

/**
 * Ends an approval that nobody decided in time. Does nothing if it is decided, withdrawn or not yet due, so
 * the job may run twice.
 */
export async function expireApproval(app: App, tenantId: string, approvalId: string): Promise<void> {
  await transact(app, tenantId, async (ctx) => {
    const peek = await findApproval(ctx, approvalId);
    const call = peek === null ? null : await findCall(ctx, peek.callId, 'update');
    const approval = await findApproval(ctx, approvalId, 'update');
    if (call === null || approval === null || approval.state !== 'pending' || approval.expiresAt > ctx.now)
      return;
    await settleApproval(ctx, approval, 'expired', null);
    const error = {
      code: 'approval_expired',
      message: 'Nobody decided in time. Make a new request, and tell an approver before you do.',
    };
    await updateCall(ctx, call.id, { state: 'expired', error, settledAt: ctx.now });
    ctx.record({
      event: 'APPROVAL_EXPIRED',
      actor: 'prokura',
      data: { approval_id: approval.id, call_id: call.id, tool: call.tool },
    });
    ctx.emit({ name: 'call.settled', thing: call.id });
  });
}

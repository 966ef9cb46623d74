import { findApproval, noteApproval, type Approval } from '#domain/approval/store.ts';
import { findCall } from '#domain/call/store.ts';
import type { App } from '../app.ts';
import { transact } from '../transact.ts';

/** The queue of the jobs that remind approvers and escalate. */
export const REMIND_APPROVAL = 'remind-approval';

/**
 * When an undecided approval is brought to mind and when it escalates: after half and after three quarters of
 * its time.
 */
export function stepsOf({ createdAt, expiresAt }: Pick<Approval, 'createdAt' | 'expiresAt'>): {
  readonly remindAt: Date;
  readonly escalateAt: Date;
} {
  const at = (part: number) =>
    new Date(createdAt.getTime() + Math.floor((expiresAt.getTime() - createdAt.getTime()) * part));
  return { remindAt: at(0.5), escalateAt: at(0.75) };
}

/**
 * Takes every step that is due and not taken. After the escalation the fallback's people may vote as well
 * (law 9). The approval keeps its version, because what is approved does not change, so clicks on earlier
 * messages still count. Does nothing if the approval is decided, withdrawn, expired or not yet due; jobs may
 * run twice and in any order.
 */
export async function remindApproval(app: App, tenantId: string, approvalId: string): Promise<void> {
  await transact(app, tenantId, async (ctx) => {
    const peek = await findApproval(ctx, approvalId);
    const call = peek === null ? null : await findCall(ctx, peek.callId, 'update');
    const approval = await findApproval(ctx, approvalId, 'update');
    if (call === null || approval?.state !== 'pending' || approval.expiresAt <= ctx.now) return;
    const { remindAt, escalateAt } = stepsOf(approval);
    const data = { approval_id: approval.id, call_id: call.id, tool: call.tool };
    const fallbacks = approval.requirements.flatMap(({ fallback }) => fallback ?? []);
    if (approval.escalatedAt === null && fallbacks.length > 0 && escalateAt <= ctx.now) {
      await noteApproval(ctx, approval.id, { escalatedAt: ctx.now });
      ctx.record({ event: 'APPROVAL_ESCALATED', actor: 'prokura', data: { ...data, to: fallbacks } });
      ctx.emit({ name: 'approval.escalated', thing: call.id });
    }
    if (approval.remindedAt === null && remindAt <= ctx.now) {
      await noteApproval(ctx, approval.id, { remindedAt: ctx.now });
      ctx.record({ event: 'APPROVAL_REMINDED', actor: 'prokura', data });
      ctx.emit({ name: 'approval.reminded', thing: call.id });
    }
  });
}

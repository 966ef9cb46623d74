import { findApproval, noteApproval, type Approval } from '#domain/approval/store.ts';
import { findCall } from '#domain/call/store.ts';
import type { App } from '../app.ts';
import { transact } from '../transact.ts';

/** The queue whose jobs remind those who have not voted, and escalate. */
export const REMIND_APPROVAL = 'remind-approval';

/** When an approval that nobody decides is brought to mind, and when others may decide too: at half and at three quarters of its time. */
export function stepsOf({ createdAt, expiresAt }: Pick<Approval, 'createdAt' | 'expiresAt'>): {
  readonly remindAt: Date;
  readonly escalateAt: Date;
} {
  const at = (part: number) =>
    new Date(createdAt.getTime() + Math.floor((expiresAt.getTime() - createdAt.getTime()) * part));
  return { remindAt: at(0.5), escalateAt: at(0.75) };
}

/**
 * Takes whichever steps are due and not taken. From the escalation on, the fallback's people may vote in addition (law 9); the version
 * stays, because what is approved does, so that a click on a message of before still counts. Decided, withdrawn, expired or not
 * yet due: nothing happens, so the timers may run twice and in any order.
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

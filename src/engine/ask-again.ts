import { actorName } from '#domain/actor.ts';
import { findApproval, settleApproval } from '#domain/approval/store.ts';
import type { SavedDecision } from '#domain/call/call.ts';
import { insertCall, waitingCall, type Call } from '#domain/call/store.ts';
import type { TenantWriter } from '#domain/context.ts';
import type { Impact } from '#domain/impact.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { App } from './app.ts';
import { ask, deadlock } from './approve/ask.ts';
import { deniedError, settle } from './settle-call.ts';
import { EXECUTE_CALL } from './saved-call.ts';

/** What is true now, and what policy asks for it. */
export interface NewQuestion {
  readonly requirements: SavedDecision['requirements'];
  readonly digest: string;
  readonly impact: Impact;
  readonly saved: SavedDecision;
}

const SUPERSEDED = {
  code: 'superseded',
  message: 'What was approved has changed meanwhile, so it is asked again.',
};

/**
 * What was approved has drifted: the call is superseded by one that asks for what is true now (law 6), or by the one that waits for
 * the same question already. The call must be locked. Fault `unavailable` where that one was decided at this very moment: then nothing
 * was changed, and the next try finds out.
 */
export async function askAgain(app: App, ctx: TenantWriter, row: Call, fresh: NewQuestion): Promise<void> {
  const blocked = await deadlock(app, ctx, fresh.requirements, row);
  if (blocked !== null) return settle(ctx, row, 'denied', { error: deniedError(blocked) });
  const needsAsking = fresh.requirements.length > 0;
  const [id, approvalId] = [newId('call'), newId('apr')];
  const next = {
    ...row,
    id,
    state: needsAsking ? ('waiting' as const) : ('ready' as const),
    approvalId: needsAsking ? approvalId : null,
    decision: fresh.saved,
    before: null,
    attempt: 0,
    unanswered: false,
    result: null,
    error: null,
    settledAt: null,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  const isNew = await insertCall(ctx, next);
  const successorId = isNew ? id : (await waitingCall(ctx, row.inputDigest))?.id;
  if (successorId === undefined)
    throw new Fault('unavailable', 'The same question was decided just now. Try again.');
  await settle(ctx, row, 'superseded', { error: SUPERSEDED, successorId });
  const approval = row.approvalId === null ? null : await findApproval(ctx, row.approvalId, 'update');
  if (approval?.state === 'pending') await settleApproval(ctx, approval, 'superseded', SUPERSEDED.message);
  if (!isNew) return;
  if (!needsAsking) return ctx.enqueue(EXECUTE_CALL, { call: id });
  await ask(ctx, {
    id: approvalId,
    callId: id,
    digest: fresh.digest,
    requirements: fresh.requirements,
    impact: fresh.impact,
  });
  ctx.record({
    event: 'CALL_WAITING',
    actor: actorName(row.actor),
    data: { call_id: id, tool: row.tool, targets: row.targets, approval_id: approvalId, supersedes: row.id },
  });
  ctx.emit({ name: 'call.waiting', thing: id });
}

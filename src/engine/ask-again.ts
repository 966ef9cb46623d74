import { actorName } from '#domain/actor.ts';
import { findApproval, settleApproval } from '#domain/approval/store.ts';
import type { SavedDecision } from '#domain/call/call.ts';
import { insertCall, waitingCall, type Call } from '#domain/call/store.ts';
import type { TenantWriter } from '#domain/context.ts';
import type { Impact } from '#domain/impact.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { App } from './app.ts';
import { ask, findDeadlock } from './approve/ask.ts';
import { deniedError, settle } from './settle-call.ts';
import { EXECUTE_CALL } from './saved-call.ts';

/** What the call would do now, and what policy requires for it. */
export interface NewQuestion {
  readonly requirements: SavedDecision['requirements'];
  readonly digest: string;
  readonly impact: Impact;
  readonly saved: SavedDecision;
}

const SUPERSEDED = {
  code: 'superseded',
  message: 'The approved change is no longer the same, so it needs approval again.',
};

/**
 * Handles an approved call that has drifted (law 6): supersedes it by a new call that asks about the present
 * state, or by a call that already waits for the same question. Denies it if nobody can approve it any more.
 *
 * The caller must hold the lock of the call. Throws Fault `unavailable` if that other call was decided at the
 * same moment; then nothing has changed and a retry sees the result.
 */
export async function askAgain(app: App, ctx: TenantWriter, row: Call, fresh: NewQuestion): Promise<void> {
  const blocked = await findDeadlock(app, ctx, fresh.requirements, row);
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
    throw new Fault('unavailable', 'The same question was just decided. Try again.');
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

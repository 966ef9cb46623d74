import { actorName, principalOf } from '#domain/actor.ts';
import { votesOf } from '#domain/approval/store.ts';
import type { Suggestion } from '#domain/approval/suggestion.ts';
import { insertCall, waitingCall, type Call } from '#domain/call/store.ts';
import type { TenantReader, WriteContext } from '#domain/context.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { EXECUTE_CALL } from '../saved-call.ts';
import { ask } from './ask.ts';
import { narrowedInput } from './narrow.ts';
import { ownApproval } from './own.ts';

/**
 * The denied call and the terms that its approver would accept. Throws Fault `not_found` if it is not the
 * actor's own, and `conflict` if it was not denied with terms.
 */
export async function findSuggested(
  reader: TenantReader,
  actor: WriteContext['actor'],
  approvalId: string,
): Promise<{ call: Call; terms: NonNullable<Suggestion['terms']> }> {
  const { approval, call } = await ownApproval(reader, actor, approvalId);
  const denied = (await votesOf(reader, approval.id)).find((vote) => vote.vote === 'deny');
  const terms = (denied?.suggestion as Suggestion | null | undefined)?.terms;
  if (approval.state !== 'rejected' || terms === undefined)
    throw new Fault(
      'conflict',
      'This request was not denied with suggested terms. Make a new request for what you need.',
    );
  return { call, terms };
}

/**
 * Asks again, with exactly the terms that the denial suggested, in the caller's transaction. The new call is
 * decided, previewed and asked like any other; it joins an identical call that already waits (law 7). Returns
 * the call that now waits or runs.
 *
 * Throws as `findSuggested` and `narrowedInput` do, and Fault `forbidden` if policy refuses it now or nobody
 * could approve it.
 */
export async function adopt(
  ctx: WriteContext,
  approvalId: string,
): Promise<{ callId: string; approvalId: string | null }> {
  const { call: old, terms } = await findSuggested(ctx, ctx.actor, approvalId);
  const input = await narrowedInput(ctx, old, terms);
  const answer = await ctx.calls.recast({ tool: old.tool, actor: ctx.actor }, input);
  if (answer.denial !== null) throw new Fault('forbidden', answer.denial.message);
  const { recast } = answer;
  const asks = recast.decision.requirements.length > 0;
  const row = {
    tenantId: ctx.tenantId,
    id: newId('call'),
    tool: old.tool,
    summary: old.summary,
    actor: ctx.actor,
    principalId: principalOf(ctx.actor),
    agentId: null,
    mandateId: null,
    targets: old.targets,
    input: recast.input,
    inputDigest: recast.inputDigest,
    reason: old.reason,
    state: asks ? ('waiting' as const) : ('ready' as const),
    approvalId: asks ? newId('apr') : null,
    decision: recast.decision,
    createdAt: ctx.now,
    updatedAt: ctx.now,
  };
  const blocked = asks ? await ctx.calls.deadlock(row, recast) : null;
  if (blocked !== null) throw new Fault('forbidden', blocked.message);
  if (!(await insertCall(ctx, row))) {
    const same = await waitingCall(ctx, row.inputDigest);
    if (same === null) throw new Fault('conflict', 'An identical call was just decided. Try again.');
    return { callId: same.id, approvalId: same.approvalId };
  }
  if (row.approvalId === null) {
    ctx.enqueue(EXECUTE_CALL, { call: row.id });
    return { callId: row.id, approvalId: null };
  }
  const { digest, impact, decision } = recast;
  await ask(ctx, {
    id: row.approvalId,
    callId: row.id,
    digest,
    requirements: decision.requirements,
    impact,
  });
  ctx.record({
    event: 'CALL_WAITING',
    actor: actorName(ctx.actor),
    data: {
      call_id: row.id,
      tool: row.tool,
      targets: row.targets,
      approval_id: row.approvalId,
      adopts: approvalId,
      digest,
    },
  });
  ctx.emit({ name: 'call.waiting', thing: row.id });
  return { callId: row.id, approvalId: row.approvalId };
}

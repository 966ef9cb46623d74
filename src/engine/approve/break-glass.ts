import { actorName, type Actor } from '#domain/actor.ts';
import { findApproval, settleApproval } from '#domain/approval/store.ts';
import { addUse, closeUse, findUse, isNamed } from '#domain/break-glass/store.ts';
import { findCall, updateCall, type Call } from '#domain/call/store.ts';
import type { TenantReader, WriteContext } from '#domain/context.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { App } from '../app.ts';
import { EXECUTE_CALL } from '../saved-call.ts';
import { ownApproval } from './own.ts';
import { offersStepUp, spendStepUp } from './step-up.ts';
import { lockedPair } from './vote.ts';

/** Whether a human asked directly: not through an agent, a client or an API key. */
const ownHand = (actor: Actor): boolean => actor.kind === 'person' && actor.through === undefined;

/**
 * Whether the requester could run this without waiting: it is an act at the provider, the requester is a
 * human who is named for break-glass, and people can step up.
 */
export async function mayBreakGlass(
  app: Pick<App, 'loginIssuer' | 'catalogue'>,
  reader: TenantReader,
  { actor, tool }: Pick<Call, 'actor' | 'tool'>,
): Promise<boolean> {
  if (!ownHand(actor) || actor.kind !== 'person') return false;
  if (app.catalogue.get(tool)?.tool.effects !== 'act') return false;
  return (await isNamed(reader, actor.personId)) && (await offersStepUp(app, reader));
}

/**
 * Waives the approvals of one of the actor's own waiting acts, in the caller's transaction (law 14). The
 * actor must be named, and a step-up for it is used up. The organisation's last use must have been reviewed.
 * Nothing else is waived: execution decides the call again, and asks if it has drifted.
 *
 * Throws Fault `not_found` (not theirs), `forbidden` (not named, not an act, no step-up) and `conflict`
 * (decided, expired, changed, or the last use awaits its review).
 */
export async function breakGlass(
  ctx: WriteContext,
  asked: { readonly approvalId: string; readonly version: number; readonly why: string },
): Promise<{ useId: string; callId: string }> {
  const { actor } = ctx;
  await ownApproval(ctx, actor, asked.approvalId);
  const { approval, call } = await lockedPair(ctx, asked.approvalId);
  if (actor.kind !== 'person' || !ownHand(actor) || !ownHand(call.actor) || !ctx.calls.isAct(call.tool))
    throw new Fault(
      'forbidden',
      'Break-glass only works for Okta requests that a person made directly, not through an agent or client. Changes to policies, mandates and agents wait for their approvals.',
      { detail: { reason: 'not_an_act' } },
    );
  if (!(await isNamed(ctx, actor.personId, 'share')))
    throw new Fault('forbidden', 'You are not on the break-glass list. Use break_glass_list to see who is.', {
      detail: { reason: 'not_named' },
    });
  if (approval.state !== 'pending' || approval.expiresAt <= ctx.now)
    throw new Fault('conflict', 'This request is no longer waiting for an approval. Nothing was changed.');
  if (asked.version !== approval.version)
    throw new Fault('conflict', 'This request has changed since you saw it. Look at it again.');
  const identity = {
    surface: actor.surface,
    ...actor.identity,
    ...(await spendStepUp(ctx, actor, approval)),
  };
  const id = newId('bgu', ctx.now.getTime());
  if (
    !(await addUse(ctx, { id, personId: actor.personId, approvalId: approval.id, why: asked.why, identity }))
  )
    throw new Fault(
      'conflict',
      'The last break-glass use has not been reviewed yet. Someone other than the person who used it must review it first (approval_review).',
      { detail: { reason: 'unreviewed' } },
    );
  await settleApproval(ctx, approval, 'waived', asked.why);
  await updateCall(ctx, call.id, { state: 'ready' });
  ctx.enqueue(EXECUTE_CALL, { call: call.id });
  ctx.record({
    event: 'BREAK_GLASS_USED',
    actor: actorName(actor),
    data: {
      use_id: id,
      call_id: call.id,
      approval_id: approval.id,
      tool: call.tool,
      targets: call.targets,
      waived: approval.requirements.map((requirement) => requirement.policy),
      digest: approval.digest,
      why: asked.why,
      identity,
    },
  });
  ctx.emit({ name: 'call.voted', thing: call.id });
  ctx.emit({ name: 'break_glass.used', thing: id });
  return { useId: id, callId: call.id };
}

/**
 * Closes a use after a review by another human. Throws Fault `not_found`, `conflict` (already reviewed) and
 * `forbidden` (the reviewer is its user or its target).
 */
export async function reviewUse(ctx: WriteContext, useId: string, note: string): Promise<void> {
  const { actor } = ctx;
  const use = await findUse(ctx, useId, 'update');
  const approval = use === null ? null : await findApproval(ctx, use.approvalId);
  const call = approval === null ? null : await findCall(ctx, approval.callId);
  if (use === null || call === null)
    throw new Fault(
      'not_found',
      `There is no break-glass use ${useId.slice(0, 40)}. Use break_glass_list to see all uses.`,
    );
  if (use.reviewedAt !== null) throw new Fault('conflict', 'This use has already been reviewed.');
  if (actor.kind !== 'person' || actor.personId === use.personId || call.targets.includes(actor.personId))
    throw new Fault(
      'forbidden',
      'Another person must review this: not the person who used it, and not the person it was used on.',
    );
  await closeUse(ctx, useId, { by: actor.personId, review: note });
  ctx.record({
    event: 'BREAK_GLASS_REVIEWED',
    actor: actorName(actor),
    data: { use_id: useId, call_id: call.id, user: use.personId, note },
  });
  ctx.emit({ name: 'break_glass.reviewed', thing: useId });
}

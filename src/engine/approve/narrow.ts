import { actorName, principalOf } from '#domain/actor.ts';
import { recastApproval, votesOf, type Approval } from '#domain/approval/store.ts';
import type { NarrowTerms } from '#domain/approval/suggestion.ts';
import { updateCall, waitingCall, type Call } from '#domain/call/store.ts';
import type { WriteContext } from '#domain/context.ts';
import { findPerson } from '#domain/person/store.ts';
import { narrowedTerms } from '#domain/mandate/narrow-terms.ts';
import type { AskedTerms } from '#domain/mandate/asked.ts';
import { Fault } from '#lib/fault.ts';

/**
 * The complete input of a requested mandate, narrowed to these terms. Throws Fault `conflict` for any other
 * tool, and as `narrowedTerms` does.
 */
export async function narrowedInput(
  ctx: WriteContext,
  call: Call,
  terms: NarrowTerms,
): Promise<Record<string, unknown>> {
  if (call.tool !== 'mandate_create')
    throw new Fault(
      'conflict',
      'Only a request for a mandate can be narrowed. Deny this request and explain why.',
    );
  return narrowedTerms(ctx, principalOf(call.actor), call.input as AskedTerms, terms);
}

/**
 * Narrows a requested mandate before it is approved: the call gets the smaller input, and the approval the
 * digest of that (law 6). The summary tells everybody; `inWords` says what became smaller. Approval and call
 * must be locked.
 *
 * Throws Fault `conflict` (somebody has voted on what they saw, others would have to be asked, or the same
 * already waits), `invalid_input` (the terms are wider) and `forbidden` (policy would refuse it).
 */
export async function narrow(
  ctx: WriteContext,
  { approval, call }: { approval: Approval; call: Call },
  terms: NarrowTerms,
): Promise<{ approval: Approval; call: Call; inWords: string }> {
  if ((await votesOf(ctx, approval.id)).length > 0)
    throw new Fault(
      'conflict',
      'Someone has already approved these terms, so they cannot change. Deny the request and suggest other terms instead.',
    );
  const answer = await ctx.calls.recast(call, await narrowedInput(ctx, call, terms));
  if (answer.denial !== null) throw new Fault('forbidden', answer.denial.message);
  const { input, inputDigest, decision, impact, digest } = answer.recast;
  const known = new Set(approval.requirements.map((requirement) => requirement.policy));
  if (decision.requirements.some((requirement) => !known.has(requirement.policy)))
    throw new Fault(
      'conflict',
      'The narrower terms need other approvers. Deny the request and suggest them instead.',
    );
  if ((await waitingCall(ctx, inputDigest)) !== null)
    throw new Fault(
      'conflict',
      'An identical request is already waiting for approval. Decide that one and deny this one.',
    );
  const by = ctx.actor.kind === 'person' ? await findPerson(ctx, ctx.actor.personId) : null;
  const summary = `${call.summary}, narrowed by ${by?.displayName ?? 'the approver'}`;
  await updateCall(ctx, call.id, { input, inputDigest, decision, summary });
  await recastApproval(ctx, approval.id, { digest, impact });
  ctx.record({
    event: 'APPROVAL_NARROWED',
    actor: actorName(ctx.actor),
    data: {
      approval_id: approval.id,
      call_id: call.id,
      from: call.input,
      to: input,
      digest_before: approval.digest,
      digest,
    },
  });
  const inWords = Object.entries(terms)
    .map(([field, to]) => `${field}: ${JSON.stringify(to)}`)
    .join(', ');
  return {
    approval: { ...approval, digest, impact },
    call: { ...call, input, inputDigest, decision, summary },
    inWords,
  };
}

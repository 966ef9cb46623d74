import { actorName } from '#domain/actor.ts';
import type { Requirement } from '#domain/approval/approval.ts';
import {
  findApproval,
  insertVote,
  settleApproval,
  touchApproval,
  votesOf,
  type Approval,
} from '#domain/approval/store.ts';
import type { NarrowTerms, Suggestion } from '#domain/approval/suggestion.ts';
import { findCall, updateCall, type Call } from '#domain/call/store.ts';
import type { TenantReader, WriteContext } from '#domain/context.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { EXECUTE_CALL } from '../saved-call.ts';
import { narrow, narrowedInput } from './narrow.ts';
import { approverFacts } from './approver-facts.ts';
import { barredFrom, eligibleFor } from './approvers.ts';
import { countsFor, spendStepUp } from './step-up.ts';

/** A person's vote on an approval. */
export interface Ballot {
  readonly approvalId: string;
  readonly decision: 'approve' | 'deny';
  readonly note?: string | undefined;
  /** With a denial: what the voter would accept instead. */
  readonly suggestion?: Suggestion | undefined;
  /** With the approval of a mandate: narrower terms than were asked for. */
  readonly narrow?: NarrowTerms | undefined;
  /** The version of the approval that the voter saw. */
  readonly version: number;
}

/**
 * Casts one vote in the caller's transaction and returns the approval's new state. It locks the approval and
 * its call. The voter must be eligible now (law 5), must have seen this version, and can vote once. An
 * approval uses up a step-up if a requirement of the voter's asks for it. A denial ends the approval. The
 * last vote that every requirement needs makes the call ready and enqueues its execution.
 *
 * Throws Fault `forbidden` (not a voter, or `step_up_required`), `conflict` (decided, expired, changed,
 * already voted) and `not_found`.
 */
export async function vote(ctx: WriteContext, ballot: Ballot): Promise<'approved' | 'rejected' | 'pending'> {
  if (ctx.actor.kind !== 'person') throw new Fault('forbidden', 'Only people can vote.');
  const voterId = ctx.actor.personId;
  const asked = await lockedPair(ctx, ballot.approvalId);
  let { approval, call } = asked;
  const counted = await findEligibility(ctx, approval, call, voterId);
  if (approval.state !== 'pending') {
    throw new Fault(
      'conflict',
      `This request has already been decided: ${approval.state}. Nothing was changed.`,
      {
        detail: { reason: 'decided', state: approval.state },
      },
    );
  }
  if (approval.expiresAt <= ctx.now)
    throw new Fault('conflict', 'This approval has expired. The requester can make a new request.', {
      detail: { reason: 'expired' },
    });
  if (counted.mine.length === 0) throw ineligible(counted, approval, call, voterId);
  // Votes of others raise the version too. The digest binds what is approved, so only a view older than the
  // last change is stale.
  if (ballot.version !== approval.version) {
    throw new Fault(
      'conflict',
      'This request has changed since you saw it. Look at it again before you decide.',
      { detail: { reason: 'stale', version: approval.version } },
    );
  }
  // A denial only tightens, so it counts through every interface, without step-up.
  const proof =
    ctx.actor.stepUp !== undefined || (ballot.decision === 'approve' && counted.stepUp)
      ? await spendStepUp(ctx, ctx.actor, approval)
      : {};
  // Check a suggestion now, so that the requester never gets one that cannot be asked for.
  if (ballot.suggestion?.terms !== undefined) await narrowedInput(ctx, call, ballot.suggestion.terms);
  let { suggestion } = ballot;
  if (ballot.narrow !== undefined) {
    const narrowed = await narrow(ctx, asked, ballot.narrow);
    ({ approval, call } = narrowed);
    suggestion = { words: narrowed.inWords, terms: ballot.narrow };
  }
  const row = {
    tenantId: ctx.tenantId,
    id: newId('vote'),
    approvalId: approval.id,
    voterId,
    vote: ballot.decision,
    note: ballot.note ?? null,
    // With an approval, this says what the voter narrowed.
    suggestion: suggestion ?? null,
    identity: { surface: ctx.actor.surface, ...ctx.actor.identity, ...proof },
    createdAt: ctx.now,
  };
  if (!(await insertVote(ctx, row)))
    throw new Fault('conflict', 'You have already voted on this request. Each person has one vote.', {
      detail: { reason: 'voted' },
    });
  ctx.record({
    event: 'APPROVAL_VOTED',
    actor: actorName(ctx.actor),
    data: {
      approval_id: approval.id,
      call_id: call.id,
      vote: ballot.decision,
      note: ballot.note,
      ...(suggestion === undefined ? {} : { suggestion }),
      digest: approval.digest,
      identity: row.identity,
    },
  });
  if (ballot.decision === 'deny') return reject(ctx, approval, call, ballot);
  return (await isSatisfied(ctx, approval, call))
    ? approve(ctx, approval, call)
    : keepPending(ctx, approval, call);
}

/** The approval and its call, locked in the order that all code uses. Throws Fault `not_found`. */
export async function lockedPair(
  ctx: WriteContext,
  approvalId: string,
): Promise<{ approval: Approval; call: Call }> {
  const peek = await findApproval(ctx, approvalId);
  // The call first, always: a revocation locks calls and then their approvals, and the reverse order could
  // deadlock.
  const call = peek === null ? null : await findCall(ctx, peek.callId, 'update');
  const approval = await findApproval(ctx, approvalId, 'update');
  if (call === null || approval === null) throw new Fault('not_found', 'Approval not found.');
  return { approval, call };
}

async function findEligibility(reader: TenantReader, approval: Approval, call: Call, voterId: string) {
  const { requirements } = approval;
  const facts = await approverFacts(reader, [{ call, requirements }]);
  const others = new Set<string>();
  const mine: Requirement[] = [];
  for (const requirement of requirements) {
    const able = eligibleFor(facts, requirement, call, approval.escalatedAt !== null);
    for (const person of able) others.add(person.displayName);
    if (able.some((person) => person.id === voterId)) mine.push(requirement);
  }
  return {
    mine,
    stepUp: mine.some((one) => one.stepUp),
    barred: barredFrom(facts, call).has(voterId),
    others: [...others].sort(),
  };
}

function ineligible(
  { barred, others }: { readonly barred: boolean; readonly others: readonly string[] },
  approval: Approval,
  call: Call,
  voterId: string,
): Fault {
  const who = others.length === 0 ? 'nobody at the moment' : others.join(', ');
  const own = call.principalId === voterId;
  const why = own
    ? 'You made this request, so someone else must decide it.'
    : barred
      ? 'This request concerns you, so someone else must decide it.'
      : 'You are not an approver of this request.';
  return new Fault('forbidden', `${why} Approvers: ${who}.`, {
    detail: { reason: own ? 'own_request' : 'not_eligible', approvers: others, approval_id: approval.id },
  });
}

/** Whether every requirement has its quorum of approvals by people who are eligible now. */
async function isSatisfied(reader: TenantReader, approval: Approval, call: Call): Promise<boolean> {
  const yes = (await votesOf(reader, approval.id)).filter((vote) => vote.vote === 'approve');
  const { requirements } = approval;
  const facts = await approverFacts(reader, [{ call, requirements }]);
  for (const requirement of requirements) {
    const able = new Set(
      eligibleFor(facts, requirement, call, approval.escalatedAt !== null).map((person) => person.id),
    );
    const counted = yes.filter((one) => able.has(one.voterId) && countsFor(requirement, one));
    if (counted.length < requirement.quorum) return false;
  }
  return true;
}

async function approve(ctx: WriteContext, approval: Approval, call: Call): Promise<'approved'> {
  await settleApproval(ctx, approval, 'approved', null);
  await updateCall(ctx, call.id, { state: 'ready' });
  recordMandate(ctx, call, 'MANDATE_APPROVED', approval.id);
  ctx.enqueue(EXECUTE_CALL, { call: call.id });
  ctx.emit({ name: 'call.voted', thing: call.id });
  return 'approved';
}

async function reject(
  ctx: WriteContext,
  approval: Approval,
  call: Call,
  { note, suggestion }: Ballot,
): Promise<'rejected'> {
  await settleApproval(ctx, approval, 'rejected', note ?? null);
  const said = (text: string): string => text.replace(/\.+$/, '');
  const instead = suggestion === undefined ? '' : ` Suggested instead: ${said(suggestion.words)}`;
  const next =
    suggestion?.terms === undefined
      ? 'Do not make the same request again. Talk to the approver.'
      : 'Do not make the same request again. Use approval_adopt to request the suggested terms.';
  const message = `Denied${note === undefined ? '' : `: ${said(note)}`}.${instead === '' ? '' : `${instead}.`} ${next}`;
  await updateCall(ctx, call.id, {
    state: 'rejected',
    error: {
      code: 'approval_denied',
      message,
      ...(suggestion === undefined ? {} : { detail: { suggestion } }),
    },
    settledAt: ctx.now,
  });
  recordMandate(ctx, call, 'MANDATE_REJECTED', approval.id);
  ctx.emit({ name: 'call.settled', thing: call.id });
  return 'rejected';
}

async function keepPending(ctx: WriteContext, approval: Approval, call: Call): Promise<'pending'> {
  await touchApproval(ctx, approval);
  ctx.emit({ name: 'call.voted', thing: call.id });
  return 'pending';
}

// Tools that grant a mandate, or grant it again.
const GIVES: ReadonlySet<string> = new Set([
  'mandate_create',
  'mandate_delegate',
  'mandate_renew',
  'mandate_confirm',
]);

function recordMandate(ctx: WriteContext, call: Call, event: NewEntry['event'], approvalId: string): void {
  if (GIVES.has(call.tool))
    ctx.record({
      event,
      actor: actorName(ctx.actor),
      data: { call_id: call.id, approval_id: approvalId, principal: call.principalId },
    });
}

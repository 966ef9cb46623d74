import { findAgent } from '#domain/agent/store.ts';
import type { Requirement } from '#domain/approval/approval.ts';
import type { Suggestion } from '#domain/approval/suggestion.ts';
import { findApproval, votesOf, type Approval } from '#domain/approval/store.ts';
import type { CallState } from '#domain/call/call.ts';
import { findCall, type Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findPeople, findPerson, type Person } from '#domain/person/store.ts';
import { shortageWords } from './approver-words.ts';
import { eligibleFor } from './approvers.ts';
import { countsFor } from './step-up.ts';

/** A call with its approval, as messages, pages and answers show it. Contains no secret. */
export interface ApprovalView {
  readonly call: Call;
  readonly approval: Approval;
  /** The state of the call, not of the approval, so that "approved" never reads as "done". */
  readonly state: CallState;
  readonly principal: Person | null;
  readonly agent: { readonly id: string; readonly name: string; readonly owner: Person | null } | null;
  readonly votes: readonly {
    readonly voter: Person;
    readonly vote: 'approve' | 'deny';
    readonly note: string | null;
    /** With a denial, what the voter would accept; with an approval, what the voter narrowed. */
    readonly suggestion: Suggestion | null;
    readonly at: Date;
  }[];
  readonly requirements: readonly RequirementView[];
}

/** A requirement, and how far it is met. */
export interface RequirementView {
  readonly requirement: Requirement;
  /** The people who may vote for it now. */
  readonly eligible: readonly Person[];
  /** Those among them who may vote only because it was escalated. */
  readonly added: readonly Person[];
  /**
   * The number of approvals that count for it: from eligible people, and with step-up if it requires that.
   */
  readonly given: number;
}

/** The view of an approval, or null if there is none with this id. Eligibility is as of this moment. */
export async function approvalView(reader: TenantReader, approvalId: string): Promise<ApprovalView | null> {
  const approval = await findApproval(reader, approvalId);
  const call = approval === null ? null : await findCall(reader, approval.callId);
  if (approval === null || call === null) return null;
  const agent = call.agentId === null ? null : await findAgent(reader, call.agentId);
  const votes = await votesOf(reader, approval.id);
  const voters = new Map(
    (
      await findPeople(
        reader,
        votes.map((vote) => vote.voterId),
      )
    ).map((person) => [person.id, person]),
  );
  const requirements = await Promise.all(
    approval.requirements.map(async (requirement) => {
      const able = (escalated: boolean) =>
        approval.state === 'pending' ? eligibleFor(reader, requirement, call, escalated) : [];
      const first = await able(false);
      const eligible = approval.escalatedAt === null ? first : await able(true);
      const added = eligible.filter((person) => !first.some((one) => one.id === person.id));
      const given = votes.filter(
        (vote) =>
          vote.vote === 'approve' &&
          countsFor(requirement, vote) &&
          eligible.some((person) => person.id === vote.voterId),
      ).length;
      return { requirement, eligible, added, given };
    }),
  );
  return {
    call,
    approval,
    state: call.state,
    principal: call.principalId === null ? null : await findPerson(reader, call.principalId),
    agent:
      agent === null
        ? null
        : { id: agent.id, name: agent.name, owner: await findPerson(reader, agent.ownerId) },
    votes: votes.flatMap((vote) => {
      const voter = voters.get(vote.voterId);
      const suggestion = vote.suggestion as Suggestion | null;
      return voter === undefined
        ? []
        : [{ voter, vote: vote.vote, note: vote.note, suggestion, at: vote.createdAt }];
    }),
    requirements,
  };
}

/** The display names of those who may vote now, each once, sorted. */
export function approverNames(view: ApprovalView): string[] {
  return [
    ...new Set(view.requirements.flatMap(({ eligible }) => eligible.map((person) => person.displayName))),
  ].sort();
}

/** Says that fewer people can vote than must agree. Null if there are enough, or if it is decided. */
export function describeShortage({ approval, requirements }: ApprovalView): string | null {
  if (approval.state !== 'pending') return null;
  const short = requirements.find(({ requirement, eligible }) => eligible.length < requirement.quorum);
  return short === undefined ? null : shortageWords(short.requirement.quorum, short.eligible.length);
}

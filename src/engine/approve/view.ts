import { findAgents } from '#domain/agent/store.ts';
import type { Requirement } from '#domain/approval/approval.ts';
import type { Suggestion } from '#domain/approval/suggestion.ts';
import { approvalsWithCalls, votesOn, type Approval, type Vote } from '#domain/approval/store.ts';
import type { CallState } from '#domain/call/call.ts';
import type { Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findPeople, type Person } from '#domain/person/store.ts';
import { shortageWords } from './approver-words.ts';
import { approverFacts, type ApproverFacts } from './approver-facts.ts';
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
  const [view] = await approvalViews(reader, [approvalId]);
  return view ?? null;
}

/**
 * The views of these approvals, in the order of the ids; an unknown id is left out. Eligibility is as of this
 * moment. Takes at most eleven statements, whatever their number.
 */
export async function approvalViews(reader: TenantReader, ids: readonly string[]): Promise<ApprovalView[]> {
  const found = new Map((await approvalsWithCalls(reader, ids)).map((row) => [row.approval.id, row]));
  const rows = ids.flatMap((id) => found.get(id) ?? []);
  const facts = await approverFacts(
    reader,
    rows.flatMap(({ approval: { state, requirements }, call }) =>
      state === 'pending' ? [{ call, requirements }] : [],
    ),
  );
  const votes = Map.groupBy(await votesOn(reader, [...found.keys()]), (vote) => vote.approvalId);
  const agents = new Map(
    (
      await findAgents(
        reader,
        rows.flatMap(({ call }) => call.agentId ?? []),
      )
    ).map((agent) => [agent.id, agent]),
  );
  const people = new Map(
    (
      await findPeople(reader, [
        ...rows.flatMap(({ call }) => call.principalId ?? []),
        ...[...agents.values()].map((agent) => agent.ownerId),
        ...[...votes.values()].flat().map((vote) => vote.voterId),
      ])
    ).map((person) => [person.id, person]),
  );
  const personOf = (id: string | null): Person | null => (id === null ? null : (people.get(id) ?? null));
  return rows.map(({ approval, call }) => {
    const cast = votes.get(approval.id) ?? [];
    const agent = call.agentId === null ? undefined : agents.get(call.agentId);
    return {
      call,
      approval,
      state: call.state,
      principal: personOf(call.principalId),
      agent: agent === undefined ? null : { id: agent.id, name: agent.name, owner: personOf(agent.ownerId) },
      votes: cast.flatMap((vote) => {
        const voter = personOf(vote.voterId);
        const suggestion = vote.suggestion as Suggestion | null;
        return voter === null
          ? []
          : [{ voter, vote: vote.vote, note: vote.note, suggestion, at: vote.createdAt }];
      }),
      requirements: approval.requirements.map((requirement) =>
        requirementView(facts, { approval, call, votes: cast }, requirement),
      ),
    };
  });
}

function requirementView(
  facts: ApproverFacts,
  asked: { readonly approval: Approval; readonly call: Call; readonly votes: readonly Vote[] },
  requirement: Requirement,
): RequirementView {
  const { approval, call, votes } = asked;
  const able = (escalated: boolean) =>
    approval.state === 'pending' ? eligibleFor(facts, requirement, call, escalated) : [];
  const first = able(false);
  const eligible = approval.escalatedAt === null ? first : able(true);
  const before = new Set(first.map((person) => person.id));
  const counting = new Set(eligible.map((person) => person.id));
  return {
    requirement,
    eligible,
    added: eligible.filter((person) => !before.has(person.id)),
    given: votes.filter(
      (vote) => vote.vote === 'approve' && countsFor(requirement, vote) && counting.has(vote.voterId),
    ).length,
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

import type { Person } from '#domain/person/store.ts';
import { say, type Line } from '#lib/sanitise.ts';
import { listed } from '../answer-words.ts';
import type { ApprovalView } from './view.ts';

/** What one person is to an approval at this moment. */
interface YourState {
  /**
   * `voted`: their vote is in, and counts once. `approver`: they can vote now. `requester`: it was asked on
   * their authority. `observer`: none of these. Who may confirm a request of their own is an approver of it.
   */
  readonly you: 'approver' | 'voted' | 'requester' | 'observer';
  /**
   * Display names of those who can still give an approval that is missing, sorted; nobody who has voted is
   * among them.
   */
  readonly left: readonly string[];
  /** Both in one sentence: "You approved; Ivan Novak is left to approve." */
  readonly inWords: Line;
}

/**
 * How an approval stands for one person; null for a reader who is nobody in particular, as in a channel. Says
 * nothing of what else they may see.
 */
export function yourState(view: ApprovalView, personId: string | null): YourState {
  const you = roleOf(view, personId);
  const people = leftToApprove(view);
  const left = [...new Set(people.map((person) => person.displayName))].sort();
  const needed = people.some((person) => person.id === personId);
  return { you, left, inWords: inWords(view, personId, left, needed) };
}

function roleOf({ votes, requirements, call }: ApprovalView, personId: string | null): YourState['you'] {
  if (personId === null) return 'observer';
  if (votes.some(({ voter }) => voter.id === personId)) return 'voted';
  if (requirements.some(({ eligible }) => eligible.some((person) => person.id === personId)))
    return 'approver';
  return call.principalId === personId ? 'requester' : 'observer';
}

/** Of the requirements that lack approvals: everybody who can give one and has not voted. */
function leftToApprove({ votes, requirements }: ApprovalView): Person[] {
  const voted = new Set(votes.map(({ voter }) => voter.id));
  return requirements
    .filter(({ requirement, given }) => given < requirement.quorum)
    .flatMap(({ eligible }) => eligible.filter((person) => !voted.has(person.id)));
}

const SAID = { approve: 'approved', deny: 'denied' } as const;

function inWords(
  view: ApprovalView,
  personId: string | null,
  left: readonly string[],
  needed: boolean,
): Line {
  const own = view.votes.find(({ voter }) => voter.id === personId);
  const others = view.votes.filter(({ voter, vote }) => vote === 'approve' && voter.id !== personId);
  const voted = [
    ...(own === undefined ? [] : [`You ${SAID[own.vote]}`]),
    ...(others.length === 0 ? [] : [`${listed(others.map(({ voter }) => voter.displayName))} approved`]),
  ];
  if (view.approval.state !== 'pending')
    return say`${[...voted, `decided: ${view.approval.state}`].join('; ')}.`;
  const rest = needed ? 'your approval is needed' : leftWords(view, left);
  return say`${voted.length === 0 ? `Nobody has approved yet; ${rest}` : [...voted, rest].join('; ')}.`;
}

function leftWords({ requirements }: ApprovalView, left: readonly string[]): string {
  const missing = requirements.reduce(
    (sum, { requirement, given }) => sum + Math.max(0, requirement.quorum - given),
    0,
  );
  if (left.length === 0) return 'nobody is left who can approve';
  if (left.length <= missing) return `${listed(left)} ${left.length === 1 ? 'is' : 'are'} left to approve`;
  const more = missing === 1 ? 'one more approval is' : `${missing} more approvals are`;
  return `${more} needed, from ${listed(left, 'or')}`;
}

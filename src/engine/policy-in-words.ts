import type { ApproverKind } from '#domain/approval/approval.ts';
import { counted, listed, sentence, strong, type ItemWords, type Sentence } from './answer-words.ts';
import { approverWords } from './approve/approver-words.ts';

/** A policy as a list shows it. */
export interface PolicyItem {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly reason: string | null;
  readonly allows: string | null;
  readonly adds_only: boolean;
  readonly tools: readonly string[] | null;
  readonly target: string | null;
  readonly requirement: {
    readonly approver: string;
    readonly fallback: string | null;
    readonly quorum: number;
    readonly step_up: boolean;
  } | null;
  readonly stays: boolean;
}

/** Said where the titles of the tools do not say it themselves. */
const TARGETS: Readonly<Record<string, string>> = { Person: ' for a person', Agent: ' for an agent' };

/** So many tools are named one by one. */
const NAMED = 5;

/** "managers-help-their-reports" is "Managers help their reports". */
export const policyName = (id: string): string => {
  const words = id.replaceAll(/[-_]+/g, ' ').trim();
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
};

/** What it asks for: "2 approvals by an IT admin, with step-up". */
export const demandWords = ({
  approver,
  fallback,
  quorum,
  step_up: stepUp,
}: NonNullable<PolicyItem['requirement']>): string => {
  const otherwise =
    fallback === null ? '' : `, otherwise by ${approverWords(fallback as ApproverKind, quorum)}`;
  return `${counted(quorum, 'approval')} by ${approverWords(approver as ApproverKind, quorum)}${otherwise}${stepUp ? ', with step-up' : ''}`;
};

/** What it is about: "“Reset password” and “Reset multi-factor” for a person". */
export function aboutWords({ tools, target }: Pick<PolicyItem, 'tools' | 'target'>): string {
  if (tools === null) return `everything${TARGETS[target ?? ''] ?? ''}`;
  const named = tools.slice(0, NAMED).map((title) => `“${title}”`);
  const more = tools.length - named.length;
  return `${listed(more > 0 ? [...named, `${more} more`] : named)}${TARGETS[target ?? ''] ?? ''}`;
}

function policySentence(one: PolicyItem): Sentence {
  const parts: string[] = [];
  if (one.effect === 'permit' && !one.adds_only)
    parts.push(`Allows ${one.allows ?? 'everyone who meets its conditions'}: ${aboutWords(one)}.`);
  if (one.requirement !== null) {
    const what = one.adds_only ? `Before ${aboutWords(one)}, asks for` : 'Asks for';
    parts.push(`${what} ${demandWords(one.requirement)}.`);
  }
  if (one.effect === 'forbid') parts.push(`Forbids ${aboutWords(one)}.`);
  if (one.reason !== null) parts.push(one.reason);
  return sentence`${strong(policyName(one.id))}. ${parts.join(' ')}`;
}

const stateOf = ({ effect, adds_only: addsOnly, stays }: PolicyItem): string => {
  const does = effect === 'forbid' ? 'Forbids' : addsOnly ? 'Asks first' : 'Allows';
  return stays ? `${does}, always in force` : does;
};

/** How a policy is said in a list. */
export const policyItem: ItemWords<PolicyItem, unknown> = {
  heading: 'Policies',
  state: stateOf,
  sentence: policySentence,
  empty: 'No policies, so nothing is allowed.',
  buttons: [{ text: 'Show', tool: 'policy_show', input: ({ id }) => ({ policy: id }) }],
};

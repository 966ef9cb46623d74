import type { Requirement } from '#domain/approval/approval.ts';
import type { RequirementChange } from '#domain/policy/desk.ts';
import { approverWords } from '../approve/approver-words.ts';

type Asks = Pick<Requirement, 'approver' | 'fallback' | 'quorum' | 'stepUp'>;

/** What one requirement asks, for people: "2 approvals by an IT admin, with step-up". */
export function requirementWords({ approver, fallback, quorum, stepUp }: Asks): string {
  const count = quorum === 1 ? '1 approval' : `${quorum} approvals`;
  const otherwise = fallback === null ? '' : ` (if they can't: ${approverWords(fallback, quorum)})`;
  return `${count} by ${approverWords(approver, quorum)}${otherwise}${stepUp ? ', with step-up' : ''}`;
}

/** All that is asked, or that nobody must approve. `whys`: with the reason that each policy gives. */
export const requirementsWords = (
  all: readonly (Asks & { readonly reason: string })[],
  whys = false,
): string =>
  all.length === 0
    ? 'nobody must approve'
    : all.map((one) => `${requirementWords(one)}${whys ? ` ("${one.reason}")` : ''}`).join('; and ');

const ASKED_BY = {
  everybody: '',
  people: 'people themselves ask',
  agents: 'an agent asks',
  api_keys: 'an API key asks',
} as const satisfies Record<RequirementChange['askedBy'], string>;

/**
 * The cases that a change is about, after the name of the action: " when an agent asks, for the role
 * help_desk". Empty: always.
 */
export function caseWords({ askedBy, role, target }: RequirementChange): string {
  const parts = [
    ...(askedBy === 'everybody' ? [] : [`when ${ASKED_BY[askedBy]}`]),
    ...(role === null ? [] : [`for somebody with the role ${role}`]),
    ...(target === null
      ? []
      : [`on ${target === 'Tenant' ? 'the organisation' : `a ${target.toLowerCase()}`}`]),
  ];
  return parts.length === 0 ? '' : ` ${parts.join(', ')}`;
}

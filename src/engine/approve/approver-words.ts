import type { ApproverKind, Requirement } from '#domain/approval/approval.ts';

const APPROVERS: Readonly<Record<string, string>> = {
  principal: 'the person themselves',
  manager: "the requester's manager",
  manager_of_target: "the target's manager",
  owner: "the agent's owner",
};

const ROLES: Readonly<Record<string, readonly [string, string]>> = {
  'role:it_admin': ['an IT admin', 'IT admins'],
  'role:executive': ['an executive', 'executives'],
  'role:manager': ['a manager', 'managers'],
};

/** The approvers of a requirement, in words: one person, or several if the quorum is more than one. */
export function approverWords(kind: ApproverKind, quorum: number): string {
  const several = quorum > 1;
  if (kind.startsWith('role:')) {
    const [one, many] = ROLES[kind] ?? [];
    if (one !== undefined && many !== undefined) return several ? many : one;
    return `${several ? 'people' : 'a person'} with the role ${roleName(kind)}`;
  }
  if (kind.startsWith('anyone:'))
    return `${several ? 'people' : 'a person'} whose groups give the scope ${kind.slice('anyone:'.length)}`;
  if (kind.startsWith('person:')) return 'the person named in the policy';
  if (kind.startsWith('group:')) return 'a member of the group named in the policy';
  return APPROVERS[kind] ?? kind;
}

/** How many people must agree and how many can, for when those are too few. */
export const shortageWords = (quorum: number, able: number): string =>
  able === 0
    ? 'Nobody can approve this.'
    : `${quorum} people must approve this, but only ${able} can. The requester, the target and the agent's owner cannot.`;

/**
 * What an administrator must change at the identity provider so that enough people can vote, for the named
 * approvers or for the fallback.
 */
export function mendingWords(
  { approver, fallback, quorum }: Pick<Requirement, 'approver' | 'fallback' | 'quorum'>,
  able: number,
): string {
  const missing = quorum - able;
  const more = missing === 1 ? 'one more active person' : `${missing} more active people`;
  const ways = [approver, ...(fallback === null ? [] : [fallback])].map((kind) => mendingSteps(kind, more));
  return `To fix this, an administrator can ${ways.join(', or ')}.`;
}

const MENDING: Readonly<Record<string, string>> = {
  principal: 'reactivate the person',
  manager: 'set an active manager for the requester at the identity provider',
  manager_of_target: 'set an active manager for the target at the identity provider',
  owner: 'transfer the agent to an owner other than the requester',
};

function mendingSteps(kind: ApproverKind, more: string): string {
  if (kind.startsWith('role:')) return `add ${more} to a group that gives the role ${roleName(kind)}`;
  if (kind.startsWith('anyone:'))
    return `add ${more} to a group that gives the scope ${kind.slice('anyone:'.length)}`;
  if (kind.startsWith('person:')) return 'name another person in the policy';
  if (kind.startsWith('group:')) return `add ${more} to the group named in the policy`;
  return MENDING[kind] ?? `fix the approver ${kind}`;
}

const roleName = (kind: ApproverKind): string => kind.slice('role:'.length);

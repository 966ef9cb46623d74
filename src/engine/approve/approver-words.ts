import type { ApproverKind, Requirement } from '#domain/approval/approval.ts';

const APPROVERS: Readonly<Record<string, string>> = {
  principal: 'the person themselves',
  manager: "the requester's manager",
  manager_of_target: "the target's manager",
  owner: "the agent's owner",
};

/** The approvers of a requirement, in words. */
export function approverWords(kind: ApproverKind): string {
  if (kind.startsWith('role:')) return `somebody with the role ${roleName(kind)}`;
  if (kind.startsWith('anyone:')) return `anybody whose groups give ${kind.slice('anyone:'.length)}`;
  if (kind.startsWith('person:')) return 'the person whom the policy names';
  if (kind.startsWith('group:')) return 'a member of the group that the policy names';
  return APPROVERS[kind] ?? kind;
}

/** How many people must agree and how many can, for when those are too few. */
export const shortageWords = (quorum: number, able: number): string =>
  able === 0
    ? 'Nobody can approve it.'
    : `${quorum} people must agree to it, and only ${able} can. Whoever asked, the target and the owner of the agent never do.`;

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
  const ways = [approver, ...(fallback === null ? [] : [fallback])].map((kind) => mending(kind, more));
  return `An administrator must ${ways.join(', or ')}.`;
}

const MENDING: Readonly<Record<string, string>> = {
  principal: 'make the person active again',
  manager: 'give whoever asks an active manager at the identity provider',
  manager_of_target: 'give the target an active manager at the identity provider',
  owner: 'give the agent an owner who is not the one who asks',
};

function mending(kind: ApproverKind, more: string): string {
  if (kind.startsWith('role:')) return `put ${more} into a group that gives the role ${roleName(kind)}`;
  if (kind.startsWith('anyone:'))
    return `put ${more} into a group that gives ${kind.slice('anyone:'.length)}`;
  if (kind.startsWith('person:')) return 'name another person in the policy';
  if (kind.startsWith('group:')) return `put ${more} into the group that the policy names`;
  return MENDING[kind] ?? `see to ${kind}`;
}

const roleName = (kind: ApproverKind): string => kind.slice('role:'.length).replaceAll('_', ' ');

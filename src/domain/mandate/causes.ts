import type { Mandate } from './store.ts';

/** The mandate above is frozen; it goes when that one works again. Every open mandate below a frozen one has it, and no other. */
export const PARENT_FROZEN = 'parent_frozen';
/** Somebody else changed the agent's keys, their address, or its owner: each principal confirms, or does not. */
export const CREDENTIALS_CHANGED = 'credentials_changed';
/** The agent's owner is gone; the next owner's coming lifts it, and leaves `credentials_changed` behind. */
export const OWNER_LEFT = 'owner_left';
/** The principal's groups do not give a scope of the mandate any more. */
export const AUTHORITY_LOST = 'authority_lost';
/** The kill switch; one cause for each thing that was frozen, so that lifting one freeze leaves the others. */
export const adminCause = (target: string): string => `admin:${target}`;

/** The causes that people set by hand: `principal` by the one who gave it, `admin` by everybody else who may. */
export type HandCause = 'principal' | 'admin';

/**
 * Which cause somebody sets, and lifts: the principal their own, others theirs. So the principal cannot undo a freeze that others
 * made, nor they the principal's.
 */
export const handCause = (mandate: Pick<Mandate, 'principalId'>, personId: string | null): HandCause =>
  mandate.principalId === personId ? 'principal' : 'admin';

import type { Mandate } from './store.ts';

/**
 * The mandate above is frozen. Only `freezeMandates` sets this cause, on every open mandate below a
 * frozen one. It is lifted when the mandate above works again.
 */
export const PARENT_FROZEN = 'parent_frozen';
/**
 * Someone else changed the agent's keys, the address of its keys, or its owner. Each principal
 * confirms or not.
 */
export const CREDENTIALS_CHANGED = 'credentials_changed';
/** The agent's owner has left. A new owner lifts this cause and leaves `credentials_changed` behind. */
export const OWNER_LEFT = 'owner_left';
/** The principal's groups no longer give a scope of the mandate. */
export const AUTHORITY_LOST = 'authority_lost';
/** The kill switch. Each frozen thing has its own cause, so lifting one freeze leaves the others. */
export const adminCause = (target: string): string => `admin:${target}`;

/**
 * The causes that people set by hand: `principal` by the mandate's principal, `admin` by anyone else
 * allowed to.
 */
export type HandCause = 'principal' | 'admin';

/**
 * Which cause this person sets and lifts: the principal has their own cause, everyone else shares
 * another. So neither can undo a freeze that the other made.
 */
export const handCause = (mandate: Pick<Mandate, 'principalId'>, personId: string | null): HandCause =>
  mandate.principalId === personId ? 'principal' : 'admin';

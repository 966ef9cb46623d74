import { denial, type Denial } from '../denial.ts';
import type { Person } from './store.ts';

/**
 * Why a person may not act, delegate or vote; null if they may. They must be ACTIVE at the provider, active
 * in SCIM if SCIM manages them, and not held. A person who cannot sign in at the provider cannot act here
 * either.
 */
export function standingOf(
  person: Pick<Person, 'status' | 'scimActive' | 'held' | 'displayName'>,
): Denial | null {
  if (person.scimActive === false)
    return denial(
      'principal_inactive',
      `${person.displayName} is deactivated. Provision them again from the directory to reactivate them.`,
    );
  if (person.held)
    return denial(
      'principal_inactive',
      `The sessions of ${person.displayName} are on hold. An IT admin can restore them.`,
    );
  if (person.status !== 'ACTIVE') {
    return denial(
      'principal_inactive',
      `${person.displayName} is ${person.status} at the identity provider, not ACTIVE. An IT admin can change that there.`,
    );
  }
  return null;
}

/**
 * Why nothing acts for a person whose delegations the kill switch has frozen: no agent, and no client of
 * theirs. They can still act themselves.
 */
export const delegationFrozen = (name: string): Denial =>
  denial(
    'delegation_frozen',
    `The kill switch stopped everything that ${name} delegates, including clients that ${name} signed in to. An IT admin can lift the freeze.`,
  );

/** Whether the directory data about a person is older than the tenant allows. */
export const isOutdated = (
  { directoryUntil }: { directoryUntil?: string | Date | null },
  now: Date,
): boolean => directoryUntil != null && !(new Date(directoryUntil) >= now);

/** The denial for outdated directory data, with what to do. */
export const directoryOutdated = (person: { id: string; displayName: string }): Denial =>
  denial(
    'directory_outdated',
    `The identity provider data about ${person.displayName} is too old for a decision and could not be refreshed. Try again in a minute. If this continues, an IT admin can find the reason in the ledger (sync_failed).`,
    { missing: { person: person.id } },
  );

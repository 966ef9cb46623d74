import { denial, type Denial } from '../denial.ts';
import type { Person } from './store.ts';

/**
 * Whether a person may act, delegate and vote at all: active at the provider *and*, where SCIM manages them, in SCIM, and not
 * held. Null where they may. Every other status of the provider is no: one who cannot sign in there does not act here.
 */
export function standingOf(
  person: Pick<Person, 'status' | 'scimActive' | 'held' | 'displayName'>,
): Denial | null {
  if (person.scimActive === false)
    return denial(
      'principal_inactive',
      `${person.displayName} is deactivated. Only a new provisioning by the directory changes that.`,
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

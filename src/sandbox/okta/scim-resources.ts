import { randomBytes } from 'node:crypto';
import { displayName } from './system-log.ts';
import type { GroupRecord, UserRecord } from './types.ts';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

/**
 * The user as Okta's default mapping sends it. On creation Okta adds empty `groups` and a random password.
 */
export function userResource(user: UserRecord, purpose: 'create' | 'replace'): Record<string, unknown> {
  const { profile } = user;
  const manager =
    profile['managerId'] === undefined
      ? {}
      : { manager: { value: profile['managerId'], displayName: profile['manager'] } };
  return {
    schemas: [USER, ENTERPRISE],
    userName: profile['login'],
    name: { givenName: profile['firstName'], familyName: profile['lastName'] },
    emails: [{ primary: true, value: profile['email'], type: 'work' }],
    title: profile['title'],
    displayName: displayName(user),
    locale: 'en-US',
    externalId: user.id,
    ...(purpose === 'create' && { groups: [], password: randomBytes(12).toString('base64url') }),
    active: true,
    [ENTERPRISE]: {
      employeeNumber: profile['employeeNumber'],
      department: profile['department'],
      organization: profile['organization'],
      ...manager,
    },
  };
}

/**
 * What Okta puts back after a read: the account as the provider sent it, overlaid with the mapped attributes.
 */
export const mergedUser = (
  existing: Readonly<Record<string, unknown>>,
  user: UserRecord,
  active: boolean,
): Record<string, unknown> => ({
  ...existing,
  ...userResource(user, 'replace'),
  id: existing['id'],
  active,
});

/** A pushed group at its creation. Okta sends the members afterwards. */
export const groupResource = (group: GroupRecord): Record<string, unknown> => ({
  schemas: [GROUP],
  displayName: group.profile['name'],
  members: [],
});

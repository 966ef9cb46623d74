import { DEFAULT_USER_TYPE_ID } from './seed.ts';
import type { Simulation } from './simulation.ts';
import type { FactorRecord, FactorType, GroupRecord, RoleRecord, UserRecord, UserStatus } from './types.ts';

// The lifecycle links that Okta shows on a user, by status.
const LINKS_BY_STATUS = {
  ACTIVE: [
    'suspend',
    'resetPassword',
    'expirePassword',
    'changePassword',
    'changeRecoveryQuestion',
    'deactivate',
  ],
  STAGED: ['activate', 'deactivate'],
  PROVISIONED: ['reactivate', 'resetPassword', 'deactivate'],
  RECOVERY: ['reactivate', 'resetPassword', 'deactivate'],
  PASSWORD_EXPIRED: ['resetPassword', 'expirePassword', 'changePassword', 'deactivate'],
  LOCKED_OUT: ['unlock', 'resetPassword', 'deactivate'],
  SUSPENDED: ['unsuspend', 'deactivate'],
  DEPROVISIONED: ['activate'],
} as const satisfies Record<UserStatus, readonly string[]>;

const LINK_PATHS: Readonly<Record<string, string>> = {
  resetPassword: 'lifecycle/reset_password',
  expirePassword: 'lifecycle/expire_password',
  changePassword: 'credentials/change_password',
  changeRecoveryQuestion: 'credentials/change_recovery_question',
};

/**
 * Which parts of a user to send. Lists show only `self`, and a caller may leave credentials out
 * (`okta-response`).
 */
export interface UserViewOptions {
  readonly links: 'all' | 'self' | 'none';
  readonly credentials: boolean;
}

/** A user as Okta sends it (schema `User`). */
export function userView(
  sim: Simulation,
  user: UserRecord,
  options: UserViewOptions = { links: 'all', credentials: true },
): Record<string, unknown> {
  const self = `${sim.url()}/api/v1/users/${user.id}`;
  const actions = [
    ...LINKS_BY_STATUS[user.status],
    ...(user.factors.length > 0 && user.status === 'ACTIVE' ? ['resetFactors'] : []),
  ];
  const links = {
    self: { href: self },
    ...(options.links === 'all' && {
      schema: { href: `${sim.url()}/api/v1/meta/schemas/user/default` },
      type: { href: `${sim.url()}/api/v1/meta/types/user/${DEFAULT_USER_TYPE_ID}` },
      ...Object.fromEntries(
        actions.map((name) => [
          name,
          {
            href: `${self}/${LINK_PATHS[name] ?? `lifecycle/${name === 'resetFactors' ? 'reset_factors' : name}`}`,
            method: 'POST',
          },
        ]),
      ),
    }),
  };
  return {
    id: user.id,
    status: user.status,
    created: user.created,
    activated: user.activated,
    statusChanged: user.statusChanged,
    lastLogin: user.lastLogin,
    lastUpdated: user.lastUpdated,
    passwordChanged: user.passwordChanged,
    type: { id: DEFAULT_USER_TYPE_ID },
    profile: user.profile,
    ...(options.credentials && {
      credentials: {
        ...(user.hasPassword && { password: {} }),
        emails: [{ value: user.profile['email'], status: 'VERIFIED', type: 'PRIMARY' }],
        provider: { type: 'OKTA', name: 'OKTA' },
      },
    }),
    ...(options.links !== 'none' && { _links: links }),
  };
}

/** A group as Okta sends it (schema `Group`), with `stats` if the caller expands them. */
export function groupView(sim: Simulation, group: GroupRecord, withStats = false): Record<string, unknown> {
  const self = `${sim.url()}/api/v1/groups/${group.id}`;
  const logo = (name: string): Record<string, string> => ({
    name,
    href: `${sim.url()}/img/logos/groups/odyssey/okta-${name}.png`,
    type: 'image/png',
  });
  return {
    id: group.id,
    created: group.created,
    lastUpdated: group.lastUpdated,
    lastMembershipUpdated: group.lastMembershipUpdated,
    objectClass: ['okta:user_group'],
    type: group.type,
    profile: group.profile,
    ...(withStats && {
      _embedded: {
        stats: {
          usersCount: membersOf(sim, group).length,
          appsCount: [...sim.org.apps.values()].filter((app) => app.groups.has(group.id)).length,
          groupPushMappingsCount: 0,
          hasAdminPrivilege: false,
        },
      },
    }),
    _links: {
      logo: [logo('medium'), logo('large')],
      users: { href: `${self}/users` },
      apps: { href: `${self}/apps` },
    },
  };
}

/** The members that Okta lists, sorted by id. Deprovisioned people are in no list. */
export const membersOf = (sim: Simulation, group: GroupRecord): UserRecord[] =>
  [...group.members]
    .map((id) => sim.org.users.get(id))
    .filter((user): user is UserRecord => user !== undefined && user.status !== 'DEPROVISIONED')
    .sort((one, other) => (one.id < other.id ? -1 : 1));

const FACTOR_FACTS = {
  push: [
    'OKTA',
    'OKTA',
    (user: UserRecord) => ({
      credentialId: user.profile['login'],
      deviceType: 'SmartPhone_IPhone',
      name: 'iPhone',
      platform: 'IOS',
      version: '18.1',
    }),
  ],
  'token:software:totp': [
    'GOOGLE',
    'GOOGLE',
    (user: UserRecord) => ({ credentialId: user.profile['login'] }),
  ],
  webauthn: [
    'FIDO',
    'FIDO',
    (user: UserRecord) => ({
      credentialId: Buffer.from(user.id).toString('base64url'),
      authenticatorName: 'Security key',
    }),
  ],
  sms: [
    'OKTA',
    'OKTA',
    (user: UserRecord) => ({ phoneNumber: user.profile['mobilePhone'] ?? '+4520123456' }),
  ],
} as const satisfies Record<
  FactorType,
  readonly [string, string, (user: UserRecord) => Record<string, unknown>]
>;

/** A factor as Okta sends it (schema `UserFactor`). */
export function factorView(sim: Simulation, user: UserRecord, factor: FactorRecord): Record<string, unknown> {
  const [provider, vendorName, profile] = FACTOR_FACTS[factor.factorType];
  const owner = `${sim.url()}/api/v1/users/${user.id}`;
  return {
    id: factor.id,
    factorType: factor.factorType,
    provider,
    vendorName,
    status: factor.status,
    created: factor.created,
    lastUpdated: factor.lastUpdated,
    profile: profile(user),
    _links: {
      self: { href: `${owner}/factors/${factor.id}`, hints: { allow: ['GET', 'DELETE'] } },
      user: { href: owner, hints: { allow: ['GET'] } },
    },
  };
}

/** A role assignment as Okta sends it (schema `StandardRole`). */
export const roleView = (sim: Simulation, user: UserRecord, role: RoleRecord): Record<string, unknown> => ({
  id: role.id,
  label: role.label,
  type: role.type,
  status: 'ACTIVE',
  created: role.created,
  lastUpdated: role.created,
  assignmentType: 'USER',
  _links: { assignee: { href: `${sim.url()}/api/v1/users/${user.id}` } },
});

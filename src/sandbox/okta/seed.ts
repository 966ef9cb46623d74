import { SAMPLE_COMPANY, type SamplePerson } from '../company.ts';
import { oktaId, seededId } from './ids.ts';
import { newSigningKey, publicJwk } from './keys.ts';
import { assignUser, reconcileGroups } from './assignments.ts';
import type { AppRecord, FactorType, GroupRecord, OktaOrg, RoleRecord, UserRecord } from './types.ts';

/**
 * The sandbox org's API token, for `Authorization: SSWS …`. It is public on purpose, since it works only at
 * the simulator.
 */
export const SANDBOX_API_TOKEN = '00sandboxApiTokenProkura000000000000000000';

/** The client id of the API Services app with which Prokura connects. */
export const SANDBOX_SERVICE_CLIENT_ID = seededId('0oa', 'prokurasvc');

/**
 * The client id of the OpenID Connect app at the custom authorization server: `cid` of access tokens, `aud`
 * of ID tokens.
 */
export const SANDBOX_WEB_CLIENT_ID = seededId('0oa', 'prokuraweb');

/** The secret of that app. It is public on purpose, since it works only at the simulator. */
export const SANDBOX_WEB_CLIENT_SECRET = 'sandboxWebClientSecretProkura0000000000000';

/** The built-in group of all users. */
export const EVERYONE_GROUP_ID = '00geveryone0000000h7';

/** The id of the default user type. */
export const DEFAULT_USER_TYPE_ID = seededId('oty', 'default');

/** The scopes that are granted to the seeded service app. */
export const SANDBOX_SERVICE_SCOPES = [
  'okta.users.read',
  'okta.users.manage',
  'okta.groups.read',
  'okta.groups.manage',
  'okta.apps.read',
  'okta.apps.manage',
  'okta.sessions.manage',
  'okta.logs.read',
  'okta.schemas.read',
  'okta.userTypes.read',
  'okta.roles.read',
  'okta.eventHooks.manage',
] as const;

// Administrator roles by their name in the admin console.
const ROLE_TYPES: Readonly<Record<string, string>> = {
  'Super Administrator': 'SUPER_ADMIN',
  'Organization Administrator': 'ORG_ADMIN',
  'Help Desk Administrator': 'HELP_DESK_ADMIN',
  'Group Administrator': 'USER_ADMIN',
  'Read-only Administrator': 'READ_ONLY_ADMIN',
  'Application Administrator': 'APP_ADMIN',
};

/** The name of a role type in the admin console, or the type itself if it is not a standard role. */
export const roleLabel = (type: string): string =>
  Object.entries(ROLE_TYPES).find(([, each]) => each === type)?.[0] ?? type;

const FACTOR_ID_PREFIX = {
  push: 'opf',
  'token:software:totp': 'ost',
  webauthn: 'fwf',
  sms: 'mbl',
} as const satisfies Record<FactorType, string>;

/**
 * The sample company's org, with fresh signing keys. `now` is in epoch ms; people joined 90 days before it.
 */
export async function seedOrg(now: number): Promise<OktaOrg> {
  const joined = new Date(now - 90 * 86_400_000).toISOString();
  const serviceKey = await newSigningKey();
  const people: readonly SamplePerson[] = SAMPLE_COMPANY.people;
  const org: OktaOrg = {
    users: new Map(people.map((each) => [each.oktaId, seedUser(each, people, joined)])),
    groups: new Map(),
    apps: new Map(),
    log: [],
    serviceApp: {
      clientId: SANDBOX_SERVICE_CLIENT_ID,
      label: 'Prokura',
      jwks: { keys: [publicJwk(serviceKey)] },
      scopes: [...SANDBOX_SERVICE_SCOPES],
      adminRoles: ['SUPER_ADMIN'],
      privateKeyJwk: { ...serviceKey.privateJwk, kid: serviceKey.kid, alg: 'RS256', use: 'sig' },
    },
    keys: { custom: [await newSigningKey()], org: await newSigningKey(), orgIdToken: await newSigningKey() },
    usedAssertions: new Map(),
    scimTarget: null,
    scimGroups: new Map(),
  };
  for (const group of seedGroups(people, joined)) org.groups.set(group.id, group);
  for (const app of seedApps(joined)) org.apps.set(app.id, app);
  const [salesforce, github] = [...org.apps.values()];
  for (const key of ['carl', 'ann', 'bob', 'otto']) {
    const user = org.users.get(people.find((each) => each.key === key)!.oktaId)!;
    assignUser(github!, user, joined, { scope: 'USER' });
  }
  const mona = org.users.get(people.find((each) => each.key === 'mona')!.oktaId)!;
  assignUser(salesforce!, mona, joined, { scope: 'USER' });
  reconcileGroups(org, joined);
  return org;
}

function seedUser(person: SamplePerson, people: readonly SamplePerson[], joined: string): UserRecord {
  const manager = people.find((each) => each.key === person.manager);
  const staged = person.status === 'STAGED';
  const gone = person.status === 'DEPROVISIONED';
  return {
    id: person.oktaId,
    status: person.status,
    created: joined,
    activated: staged ? null : joined,
    statusChanged: staged ? null : joined,
    lastLogin: staged ? null : joined,
    lastUpdated: joined,
    passwordChanged: staged || gone ? null : joined,
    hasPassword: !staged && !gone,
    profile: {
      login: person.email,
      email: person.email,
      firstName: person.firstName,
      lastName: person.lastName,
      displayName: `${person.firstName} ${person.lastName}`,
      title: person.title,
      department: person.department,
      organization: SAMPLE_COMPANY.name,
      employeeNumber: person.employeeNumber,
      city: 'Copenhagen',
      countryCode: 'DK',
      userType: 'Employee',
      secondEmail: null,
      mobilePhone: null,
      ...(manager === undefined
        ? {}
        : { manager: `${manager.firstName} ${manager.lastName}`, managerId: manager.oktaId }),
    },
    factors: person.factors.map((factorType) => ({
      id: seededId(FACTOR_ID_PREFIX[factorType], person.key),
      factorType,
      created: joined,
      lastUpdated: joined,
      status: 'ACTIVE',
    })),
    roles: person.adminRoles.map((label): RoleRecord => ({
      id: oktaId('ra1'),
      type: ROLE_TYPES[label] ?? label,
      label,
      created: joined,
    })),
    sessions: person.status === 'ACTIVE' ? [oktaId('102')] : [],
    scim: null,
  };
}

function seedGroups(people: readonly SamplePerson[], joined: string): GroupRecord[] {
  const group = (
    id: string,
    type: GroupRecord['type'],
    name: string,
    description: string,
    members: string[],
  ): GroupRecord => ({
    id,
    type,
    created: joined,
    lastUpdated: joined,
    lastMembershipUpdated: joined,
    profile: { name, description },
    members: new Set(members),
  });
  const everyone = people.map((each) => each.oktaId);
  return [
    group(EVERYONE_GROUP_ID, 'BUILT_IN', 'Everyone', 'All users in your organization', everyone),
    ...SAMPLE_COMPANY.groups.map((each) =>
      group(
        each.oktaId,
        'OKTA_GROUP',
        each.name,
        each.description,
        people.filter((one) => one.groups.includes(each.name)).map((one) => one.oktaId),
      ),
    ),
  ];
}

function seedApps(joined: string): AppRecord[] {
  const finance = SAMPLE_COMPANY.groups.find((each) => each.name === 'Finance')!;
  const app = (
    id: string,
    name: string,
    label: string,
    signOnMode: AppRecord['signOnMode'],
    groups: string[],
  ): AppRecord => ({
    id,
    name,
    label,
    signOnMode,
    created: joined,
    lastUpdated: joined,
    groups: new Set(groups),
    users: new Map(),
  });
  return [
    app(seededId('0oa', 'salesforce'), 'salesforce', 'Salesforce', 'SAML_2_0', [finance.oktaId]),
    app(seededId('0oa', 'github'), 'oidc_client', 'GitHub', 'OPENID_CONNECT', []),
  ];
}

import type { JWK } from 'jose';

/** Okta's UserStatus (management API 2026.06.3). */
export type UserStatus =
  | 'ACTIVE'
  | 'DEPROVISIONED'
  | 'LOCKED_OUT'
  | 'PASSWORD_EXPIRED'
  | 'PROVISIONED'
  | 'RECOVERY'
  | 'STAGED'
  | 'SUSPENDED';

/** The factor types that people of the sample company enrol. */
export type FactorType = 'token:software:totp' | 'push' | 'webauthn' | 'sms';

/** An enrolled factor; times are ISO 8601. */
export interface FactorRecord {
  readonly id: string;
  readonly factorType: FactorType;
  readonly created: string;
  readonly lastUpdated: string;
  readonly status: 'ACTIVE' | 'PENDING_ACTIVATION';
}

/** An administrator role that is assigned to a user directly. */
export interface RoleRecord {
  readonly id: string;
  readonly type: string;
  readonly label: string;
  readonly created: string;
}

/** What our SCIM client remembers about an account at the service provider: its resource id and whether it is active there. */
export interface ScimAccount {
  readonly id: string;
  active: boolean;
}

/** One user as the org holds it. Null times are what Okta sends as null. */
export interface UserRecord {
  readonly id: string;
  status: UserStatus;
  readonly created: string;
  activated: string | null;
  statusChanged: string | null;
  lastLogin: string | null;
  lastUpdated: string;
  passwordChanged: string | null;
  hasPassword: boolean;
  profile: Record<string, unknown>;
  factors: FactorRecord[];
  roles: RoleRecord[];
  /** Ids of live Okta sessions. */
  sessions: string[];
  scim: ScimAccount | null;
}

/** One group; `members` holds user ids, of deprovisioned users too, which no list shows. */
export interface GroupRecord {
  readonly id: string;
  readonly type: 'OKTA_GROUP' | 'BUILT_IN' | 'APP_GROUP';
  readonly created: string;
  lastUpdated: string;
  lastMembershipUpdated: string;
  profile: Record<string, unknown>;
  readonly members: Set<string>;
}

/** One assignment of a user to an app: by name (`USER`) or through a group (`GROUP`). */
export interface AppUserRecord {
  readonly id: string;
  scope: 'USER' | 'GROUP';
  readonly groupId: string | null;
  readonly created: string;
  lastUpdated: string;
  statusChanged: string;
  userName: string;
  profile: Record<string, unknown>;
}

/** One app integration, with the groups that are assigned to it and its app users by user id. */
export interface AppRecord {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly signOnMode: 'SAML_2_0' | 'OPENID_CONNECT';
  readonly created: string;
  readonly lastUpdated: string;
  readonly groups: Set<string>;
  readonly users: Map<string, AppUserRecord>;
}

/** One line of the System Log as it goes over the wire, with its persistence order (`sequence`, from 1). */
export interface LogRecord {
  readonly sequence: number;
  readonly published: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** The API Services app of the org: its granted scopes, admin roles, and public keys. */
export interface ServiceApp {
  readonly clientId: string;
  readonly label: string;
  jwks: { keys: JWK[] };
  scopes: string[];
  adminRoles: string[];
  /** The private key that the simulator made for itself; null once somebody registered keys of their own. */
  privateKeyJwk: JWK | null;
}

/** A signing key pair of an authorization server. */
export interface SigningKey {
  readonly kid: string;
  readonly privateJwk: JWK;
}

/**
 * Keys of the custom authorization server (newest first, all published), and of the org server: the one that signs its
 * access tokens, which nobody else can verify, and the one that signs its ID tokens, which it publishes.
 */
export interface OrgKeys {
  custom: SigningKey[];
  readonly org: SigningKey;
  readonly orgIdToken: SigningKey;
}

/** Where Okta's SCIM client sends to. `authorization` is the exact header text that the administrator typed. */
export interface ScimTarget {
  readonly baseUrl: string;
  readonly authorization: string;
  readonly style: 'oin' | 'aiw';
}

/** The whole state of one simulated org. */
export interface OktaOrg {
  readonly users: Map<string, UserRecord>;
  readonly groups: Map<string, GroupRecord>;
  readonly apps: Map<string, AppRecord>;
  readonly log: LogRecord[];
  readonly serviceApp: ServiceApp;
  readonly keys: OrgKeys;
  /** `jti` of client assertions that were used, with their expiry in epoch seconds. */
  readonly usedAssertions: Map<string, number>;
  scimTarget: ScimTarget | null;
  /** Groups that were pushed: Okta id to the service provider's id. */
  readonly scimGroups: Map<string, string>;
}

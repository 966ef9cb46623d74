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

/** The factor types of the sample company. */
export type FactorType = 'token:software:totp' | 'push' | 'webauthn' | 'sms';

/** An enrolled factor. Times are ISO 8601. */
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

/**
 * What Okta's SCIM client remembers about an account at the service provider: its resource id, and whether it
 * is active there.
 */
export interface ScimAccount {
  readonly id: string;
  active: boolean;
}

/** A user of the org. Times are null where Okta sends null. */
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
  /** The ids of open Okta sessions. */
  sessions: string[];
  scim: ScimAccount | null;
}

/** A group. `members` contains user ids, including those of deprovisioned users, which no list shows. */
export interface GroupRecord {
  readonly id: string;
  readonly type: 'OKTA_GROUP' | 'BUILT_IN' | 'APP_GROUP';
  readonly created: string;
  lastUpdated: string;
  lastMembershipUpdated: string;
  profile: Record<string, unknown>;
  readonly members: Set<string>;
}

/** An assignment of a user to an app: direct (`USER`) or through a group (`GROUP`). */
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

/** An app integration, with its assigned groups and its app users by user id. */
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

/** A line of the System Log as it is sent, with its order of storage (`sequence`, from 1). */
export interface LogRecord {
  readonly sequence: number;
  readonly published: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** The org's API Services app: its granted scopes, administrator roles and public keys. */
export interface ServiceApp {
  readonly clientId: string;
  readonly label: string;
  jwks: { keys: JWK[] };
  scopes: string[];
  /** Types of Okta's standard roles, and `CUSTOM` for the one custom role. */
  adminRoles: string[];
  /** What the custom role allows; absent: there is none. */
  customPermissions?: string[];
  /** The private key that the simulator made. Null after somebody registered keys of their own. */
  privateKeyJwk: JWK | null;
}

/** A signing key pair of an authorization server. */
export interface SigningKey {
  readonly kid: string;
  readonly privateJwk: JWK;
}

/**
 * The signing keys. `custom` are those of the custom authorization server, newest first, all published. `org`
 * signs the org server's access tokens, which nobody else can verify. `orgIdToken` signs its ID tokens and is
 * published.
 */
export interface OrgKeys {
  custom: SigningKey[];
  readonly org: SigningKey;
  readonly orgIdToken: SigningKey;
}

/** Where Okta's SCIM client sends to. `authorization` is exactly the header that the administrator typed. */
export interface ScimTarget {
  readonly baseUrl: string;
  readonly authorization: string;
  readonly style: 'oin' | 'aiw';
}

/** The complete state of one simulated org. */
export interface OktaOrg {
  readonly users: Map<string, UserRecord>;
  readonly groups: Map<string, GroupRecord>;
  readonly apps: Map<string, AppRecord>;
  readonly log: LogRecord[];
  readonly serviceApp: ServiceApp;
  readonly keys: OrgKeys;
  /** The `jti` of used client assertions, with their expiry in epoch seconds. */
  readonly usedAssertions: Map<string, number>;
  scimTarget: ScimTarget | null;
  /** Pushed groups: from the Okta id to the service provider's id. */
  readonly scimGroups: Map<string, string>;
}

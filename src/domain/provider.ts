/**
 * What an identity provider can do for us: a small core, and abilities that a vendor may lack. `src/idp/<vendor>`
 * implements these; tools and jobs use them and know no vendor. All ids are the provider's own immutable ids (`uid`).
 *
 * Every method throws a Fault: `not_found` (the provider proved that the object is not there), `rate_limited` (nothing was
 * done; `detail.retry_after_seconds`), `unavailable` (5xx, network, time-out: for a change, it may or may not have
 * happened; `detail.unanswered` true), `forbidden` (our credential lacks a scope or a role; `detail.missing`), `conflict`
 * (the object's state does not allow it). `detail.provider` holds `{status, code, summary, request_id}` as the vendor gave them.
 */

/** Okta's user states (management API, UserStatus); other vendors map onto them. */
export type PersonStatus =
  | 'ACTIVE'
  | 'STAGED'
  | 'PROVISIONED'
  | 'RECOVERY'
  | 'PASSWORD_EXPIRED'
  | 'LOCKED_OUT'
  | 'SUSPENDED'
  | 'DEPROVISIONED';

export interface ProviderPerson {
  readonly uid: string;
  readonly status: PersonStatus;
  readonly login: string;
  /** Lower-cased work email: the human key. */
  readonly email: string;
  readonly displayName: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly employeeNumber: string | null;
  readonly title: string | null;
  readonly department: string | null;
  /** As the directory holds it: an id, login, email or employee number; the import resolves it. */
  readonly managerRef: string | null;
}

export interface ProviderGroup {
  readonly uid: string;
  readonly name: string;
  readonly description: string | null;
  /** `OKTA_GROUP`, `APP_GROUP`, `BUILT_IN`. */
  readonly kind: string;
}

export interface Factor {
  readonly id: string;
  readonly type: string;
  readonly vendor: string;
  readonly status: string;
}

/** Reads. Nothing is cached: an answer is what was true at the provider when it answered. */
export interface Directory {
  /** People whose name, login or email starts with `query` (case-insensitive), at most `limit`; deprovisioned ones excluded. */
  findPeople(query: string, limit: number, signal?: AbortSignal): Promise<ProviderPerson[]>;
  person(uid: string, signal?: AbortSignal): Promise<ProviderPerson>;
  /** Everybody, deprovisioned people included, page by page. An empty first page throws `forbidden`: the service app lacks an admin role. */
  people(signal?: AbortSignal): AsyncIterable<ProviderPerson[]>;
  groups(signal?: AbortSignal): AsyncIterable<ProviderGroup[]>;
  group(uid: string, signal?: AbortSignal): Promise<ProviderGroup>;
  /** Ids of the groups that a person is a member of. */
  groupsOf(uid: string, signal?: AbortSignal): Promise<string[]>;
  members(groupUid: string, signal?: AbortSignal): AsyncIterable<string[]>;
  factors(uid: string, signal?: AbortSignal): Promise<Factor[]>;
  /** Names of the administrator roles that the person holds at the provider. */
  adminRoles(uid: string, signal?: AbortSignal): Promise<string[]>;
  /** ISO time of the last password change, or null where the provider does not say. */
  passwordChanged(uid: string, signal?: AbortSignal): Promise<string | null>;
}

/** Changes. Only the job that executes a call may use them. */
export interface Actions {
  /** Sends the person a reset link by mail; the person's status becomes RECOVERY. */
  resetPassword(uid: string, signal?: AbortSignal): Promise<void>;
  /** Removes every enrolled factor. */
  resetFactors(uid: string, signal?: AbortSignal): Promise<void>;
  suspend(uid: string, signal?: AbortSignal): Promise<void>;
}

/** One link to a tenant's organisation at a vendor. */
export interface ProviderLink {
  readonly vendor: string;
  readonly directory: Directory;
  readonly actions: Actions;
  close(): Promise<void>;
}

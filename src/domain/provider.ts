/**
 * What an identity provider can do: a small core, and abilities that a vendor may lack.
 * `src/idp/<vendor>` implements these interfaces. Tools and jobs use them and know no vendor. All
 * ids are the provider's own immutable ids (`uid`).
 *
 * Every method throws a Fault:
 * - `not_found`: the provider proved that the object does not exist.
 * - `rate_limited`: nothing was done; see `detail.retry_after_seconds`.
 * - `unavailable`: a 5xx answer, a network error or a time-out. A change may or may not have
 *   happened; `detail.unanswered` is true.
 * - `forbidden`: our credential lacks a scope or a role; see `detail.missing`.
 * - `conflict`: the object's state does not allow it.
 *
 * `detail.provider` holds `{status, code, summary, request_id}` as the vendor sent them.
 */

/** Okta's user states (management API, UserStatus). Other vendors are mapped to them. */
export type PersonStatus =
  | 'ACTIVE'
  | 'STAGED'
  | 'PROVISIONED'
  | 'RECOVERY'
  | 'PASSWORD_EXPIRED'
  | 'LOCKED_OUT'
  | 'SUSPENDED'
  | 'DEPROVISIONED';

/** A person as the provider's directory describes them. */
export interface ProviderPerson {
  readonly uid: string;
  readonly status: PersonStatus;
  readonly login: string;
  /** Work email in lower case. People are found by it. */
  readonly email: string;
  readonly displayName: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly employeeNumber: string | null;
  readonly title: string | null;
  readonly department: string | null;
  /** As the directory holds it: an id, login, email or employee number. The import resolves it. */
  readonly managerRef: string | null;
}

/** A group as the provider's directory describes it. */
export interface ProviderGroup {
  readonly uid: string;
  readonly name: string;
  readonly description: string | null;
  /** `OKTA_GROUP`, `APP_GROUP`, `BUILT_IN`. */
  readonly kind: string;
}

/** An authentication factor that a person has enrolled. */
export interface Factor {
  readonly id: string;
  readonly type: string;
  readonly vendor: string;
  readonly status: string;
}

/** Reads. Nothing is cached: an answer is what the provider said just now. */
export interface Directory {
  /**
   * People whose name, login or email starts with `query`, ignoring case. Returns at most `limit`,
   * and no deprovisioned people.
   */
  findPeople(query: string, limit: number, signal?: AbortSignal): Promise<ProviderPerson[]>;
  person(uid: string, signal?: AbortSignal): Promise<ProviderPerson>;
  /**
   * Everybody, deprovisioned people included, page by page. An empty first page throws `forbidden`:
   * the service app then lacks an admin role.
   */
  people(signal?: AbortSignal): AsyncIterable<ProviderPerson[]>;
  groups(signal?: AbortSignal): AsyncIterable<ProviderGroup[]>;
  group(uid: string, signal?: AbortSignal): Promise<ProviderGroup>;
  /** Ids of the groups that a person is a member of. */
  groupsOf(uid: string, signal?: AbortSignal): Promise<string[]>;
  members(groupUid: string, signal?: AbortSignal): AsyncIterable<string[]>;
  factors(uid: string, signal?: AbortSignal): Promise<Factor[]>;
  /** Names of the administrator roles that the person holds at the provider. */
  adminRoles(uid: string, signal?: AbortSignal): Promise<string[]>;
  /** ISO time of the last password change, or null if the provider does not say. */
  passwordChanged(uid: string, signal?: AbortSignal): Promise<string | null>;
}

/**
 * Changes, each to one person. Only the job that executes a call may use them. The members of an
 * implementation are its own and enumerable: `engine/world.ts` offers each of them to tools, by our person
 * ids.
 */
export interface Actions {
  /** Sends the person a reset link by mail. Their status becomes RECOVERY. */
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

import { sha256 } from '#lib/crypto.ts';
import { canonicalJson } from '#lib/json.ts';

/** The names of ledger events. They are part of the API: exports and SIEMs depend on them. */
export const LEDGER_EVENTS = [
  'MANDATE_CREATED',
  'MANDATE_RENEWED',
  'MANDATE_NARROWED',
  'MANDATE_APPROVED',
  'MANDATE_REJECTED',
  'MANDATE_FROZEN',
  'MANDATE_THAWED',
  'MANDATE_REVOKED',
  'MANDATE_EXPIRED',
  'TOKEN_ISSUED',
  'TOKEN_REFUSED',
  'TOKEN_REVOKED',
  'AGENT_REGISTERED',
  'AGENT_DISABLED',
  'AGENT_ENABLED',
  'AGENT_KEY_ROTATED',
  'AGENT_TRANSFERRED',
  'AGENT_OFFERED',
  'FREEZE_APPLIED',
  'FREEZE_LIFTED',
  'FREEZE_COMPLETED',
  'TENANT_FROZEN',
  'TENANT_THAWED',
  'CALL_DENIED',
  'CALL_WAITING',
  'CALL_SUCCEEDED',
  'CALL_FAILED',
  'CALL_UNKNOWN',
  'CALL_WITHDRAWN',
  'CALL_SUPERSEDED',
  'APPROVAL_VOTED',
  'APPROVAL_NARROWED',
  'APPROVAL_REMINDED',
  'APPROVAL_ESCALATED',
  'APPROVAL_EXPIRED',
  'VOTE_REFUSED',
  'user_provisioned',
  'user_updated',
  'user_deactivated',
  'user_reactivated',
  'user_suspended',
  'provisioning_refused',
  'authority_changed',
  'authority_reevaluated',
  'sync_completed',
  'sync_failed',
  'job_failed',
  'mandate_template_saved',
  'tenant_created',
  'providers_changed',
  'sources_linked',
  'spiffe_bundle_changed',
  'resource_server_changed',
  'administrator_named',
  'key_created',
  'key_granted',
  'key_revoked',
  'key_rotated',
  'SIGNING_KEY_ROTATED',
  'SIGNING_KEY_RETIRED',
  'SESSIONS_REVOKED',
  'client_revoked',
  'policy_changed',
  'scope_changed',
  'VERIFIED',
  'identity_refused',
  'account_relinked',
  'ledger_exported',
  'BREAKER_TRIPPED',
  'BREAKER_APPLIED',
  'BREAKER_DISMISSED',
  'BREAK_GLASS_NAMED',
  'BREAK_GLASS_REMOVED',
  'BREAK_GLASS_USED',
  'BREAK_GLASS_REVIEWED',
] as const;

/** One of `LEDGER_EVENTS`. */
export type LedgerEvent = (typeof LEDGER_EVENTS)[number];

/**
 * A new entry. Number, time and hashes are added when it is appended. `data` must not hold a secret (law 12).
 */
export interface NewEntry {
  readonly event: LedgerEvent;
  /**
   * A person, `<agent> for <person>`, a key's name, a source such as `okta:scim`, or `prokura` for
   * the server itself.
   */
  readonly actor: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** One entry of a tenant's chain, as it is exported (one JSON object per line). */
export interface LedgerEntry {
  readonly tenant: string;
  readonly seq: number;
  readonly id: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly event: string;
  readonly actor: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly prev_hash: string;
  readonly hash: string;
}

/** The form of an entry's hash: SHA-256 in hexadecimal. */
export const HASH = /^[0-9a-f]{64}$/;
/** The form of times in the ledger and in its checkpoints. */
export const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** The previous hash of the first entry of a chain. */
export const GENESIS_HASH = '0'.repeat(64);

/**
 * SHA-256 of the canonical JSON (RFC 8785) of everything but `hash`. Because it includes the
 * previous hash, changing, removing or moving an entry breaks the chain.
 */
export function entryHash(entry: Omit<LedgerEntry, 'hash'>): string {
  const { tenant, seq, id, at, event, actor, data, prev_hash } = entry;
  return sha256(canonicalJson({ tenant, seq, id, at, event, actor, data, prev_hash }));
}

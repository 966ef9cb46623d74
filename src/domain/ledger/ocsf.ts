import type { LedgerEntry, LedgerEvent } from './entry.ts';

/**
 * The version of the Open Cybersecurity Schema Framework (OCSF), which SIEMs read. Classes and activities
 * as in schema.ocsf.io: Account Change 3001, Authentication 3002, Authorize Session 3003, Entity Management
 * 3004, User Access Management 3005, API Activity 6003.
 */
export const OCSF_VERSION = '1.3.0';

interface Mapping {
  readonly class: 3001 | 3002 | 3003 | 3004 | 3005 | 6003;
  /** Activity of that class. 99 is Other, and is named by the event. */
  readonly activity: number;
  /** Whether the attempt succeeded: 1 success, 2 failure. */
  readonly status: 1 | 2;
  /** 1 informational, 2 low, 3 medium, 4 high. */
  readonly severity: 1 | 2 | 3 | 4;
}

const of = (
  klass: Mapping['class'],
  activity: number,
  severity: Mapping['severity'] = 1,
  status: Mapping['status'] = 1,
): Mapping => ({ class: klass, activity, status, severity });

/** How each event is shown to a SIEM. A new event does not compile until it has a row here. */
export const OCSF = {
  MANDATE_CREATED: of(3005, 1),
  MANDATE_RENEWED: of(3005, 1),
  MANDATE_NARROWED: of(3005, 2),
  MANDATE_APPROVED: of(3005, 1),
  MANDATE_REJECTED: of(3005, 1, 1, 2),
  MANDATE_FROZEN: of(3005, 2, 2),
  MANDATE_THAWED: of(3005, 1, 2),
  MANDATE_REVOKED: of(3005, 2),
  MANDATE_EXPIRED: of(3005, 2),
  TOKEN_ISSUED: of(3003, 1),
  TOKEN_REFUSED: of(3003, 1, 2, 2),
  TOKEN_REVOKED: of(3003, 99),
  AGENT_REGISTERED: of(3004, 1),
  AGENT_DISABLED: of(3004, 3, 2),
  AGENT_ENABLED: of(3004, 3, 2),
  AGENT_KEY_ROTATED: of(3004, 3, 2),
  AGENT_TRANSFERRED: of(3004, 3, 2),
  AGENT_OFFERED: of(3004, 3),
  FREEZE_APPLIED: of(3004, 3, 4),
  FREEZE_LIFTED: of(3004, 3, 3),
  FREEZE_COMPLETED: of(3004, 3, 3),
  TENANT_FROZEN: of(3004, 3, 4),
  TENANT_THAWED: of(3004, 3, 4),
  CALL_DENIED: of(6003, 99, 2, 2),
  CALL_WAITING: of(6003, 99),
  CALL_SUCCEEDED: of(6003, 99),
  CALL_FAILED: of(6003, 99, 2, 2),
  CALL_UNKNOWN: of(6003, 99, 3, 2),
  CALL_WITHDRAWN: of(6003, 99),
  CALL_SUPERSEDED: of(6003, 99),
  APPROVAL_VOTED: of(6003, 3),
  APPROVAL_NARROWED: of(6003, 3),
  APPROVAL_REMINDED: of(6003, 99),
  APPROVAL_ESCALATED: of(6003, 3, 2),
  APPROVAL_EXPIRED: of(6003, 3, 1, 2),
  VOTE_REFUSED: of(6003, 3, 3, 2),
  user_provisioned: of(3001, 1),
  user_updated: of(3001, 99),
  user_deactivated: of(3001, 5, 2),
  user_reactivated: of(3001, 2),
  user_suspended: of(3001, 9, 2),
  provisioning_refused: of(3001, 99, 3, 2),
  authority_changed: of(3005, 1, 3),
  authority_reevaluated: of(3005, 1, 3),
  sync_completed: of(6003, 2),
  sync_failed: of(6003, 2, 3, 2),
  job_failed: of(6003, 99, 3, 2),
  mandate_template_saved: of(3004, 3),
  tenant_created: of(3004, 1, 2),
  administrator_named: of(3005, 1, 4),
  key_created: of(3004, 1, 3),
  key_granted: of(3004, 3, 3),
  key_revoked: of(3004, 4, 3),
  SIGNING_KEY_ROTATED: of(3004, 3, 3),
  SIGNING_KEY_RETIRED: of(3004, 4, 3),
  SESSIONS_REVOKED: of(3002, 2, 2),
  client_revoked: of(3003, 99, 2),
  providers_changed: of(3004, 3, 4),
  sources_linked: of(3004, 3, 4),
  spiffe_bundle_changed: of(3004, 3, 4),
  resource_server_changed: of(3004, 3, 4),
  key_rotated: of(3004, 3, 3),
  policy_changed: of(3004, 3, 4),
  scope_changed: of(3004, 3, 3),
  VERIFIED: of(6003, 2),
  identity_refused: of(3002, 1, 3, 2),
  account_relinked: of(3001, 99, 3),
  ledger_exported: of(6003, 2, 2),
  BREAKER_TRIPPED: of(3001, 5, 4),
  BREAKER_APPLIED: of(3005, 2, 3),
  BREAKER_DISMISSED: of(3005, 1, 3),
  BREAK_GLASS_NAMED: of(3005, 1, 4),
  BREAK_GLASS_REMOVED: of(3005, 2, 2),
  BREAK_GLASS_USED: of(6003, 99, 4),
  BREAK_GLASS_REVIEWED: of(6003, 99, 3),
} as const satisfies Record<LedgerEvent, Mapping>;

const CLASSES: Readonly<Record<Mapping['class'], string>> = {
  3001: 'Account Change',
  3002: 'Authentication',
  3003: 'Authorize Session',
  3004: 'Entity Management',
  3005: 'User Access Management',
  6003: 'API Activity',
};

/** For entries of older versions whose event no longer exists. */
const UNKNOWN: Mapping = of(6003, 99);

const mappingOf = (event: string): Mapping => (OCSF as Readonly<Record<string, Mapping>>)[event] ?? UNKNOWN;

/**
 * An entry as an OCSF event. The members that its class requires are filled from the entry. `unmapped`
 * holds the whole entry, so nothing is lost. The chain can be verified only on the plain export.
 */
export function toOcsf(entry: LedgerEntry): Record<string, unknown> {
  const { class: klass, activity, status, severity } = mappingOf(entry.event);
  const { actor, data, event } = entry;
  return {
    class_uid: klass,
    class_name: CLASSES[klass],
    category_uid: Math.floor(klass / 1000),
    activity_id: activity,
    activity_name: event,
    type_uid: klass * 100 + activity,
    time: Date.parse(entry.at),
    severity_id: severity,
    status_id: status,
    ...(typeof data['reason'] === 'string' ? { status_detail: data['reason'] } : {}),
    message: `${event} by ${actor}`,
    metadata: {
      version: OCSF_VERSION,
      uid: entry.id,
      sequence: entry.seq,
      tenant_uid: entry.tenant,
      event_code: event,
      product: { name: 'Prokura', vendor_name: 'Prokura' },
    },
    actor: { user: { uid: actor, name: actor } },
    ...about(klass, entry),
    unmapped: { ...entry },
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The members that the class requires in addition to those of every event. */
function about(klass: Mapping['class'], { actor, data, event }: LedgerEntry): Record<string, unknown> {
  const user = { uid: text(data['person']) ?? text(data['principal']) ?? text(data['sub']) ?? actor };
  const things = text(data['mandate_id']) ?? text(data['agent']) ?? text(data['hold_id']);
  const privileges = Array.isArray(data['scopes'])
    ? data['scopes'].map(String)
    : (text(data['scope'])?.split(' ') ?? [event]);
  switch (klass) {
    case 3001:
    case 3002:
      return { user };
    case 3003:
    case 3005:
      return { user, privileges, ...(things === undefined ? {} : { resource: { uid: things } }) };
    case 3004:
      return {
        entity: {
          uid: things ?? text(data['key_id']) ?? text(data['name']) ?? event,
          type: event.split('_')[0],
        },
      };
    case 6003:
      return {
        api: {
          operation: text(data['tool']) ?? event,
          ...(text(data['call_id']) === undefined ? {} : { request: { uid: data['call_id'] } }),
        },
        src_endpoint: { name: text(data['surface']) ?? 'prokura' },
        ...(Array.isArray(data['targets'])
          ? { resources: data['targets'].map((uid) => ({ uid: String(uid) })) }
          : {}),
      };
  }
}

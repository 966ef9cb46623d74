import { randomUUID } from 'node:crypto';
import type { Caller, Simulation } from './simulation.ts';
import type { AppRecord, FactorRecord, GroupRecord, LogRecord, UserRecord } from './types.ts';

/**
 * The event types that the simulator writes, with Okta's display message. The second value is the legacy
 * event type from published log lines; null if none is known, and then the member is left out.
 */
export const EVENT_TYPES = {
  'user.lifecycle.create': ['Create Okta user', null],
  'user.lifecycle.activate': ['Activate Okta user', null],
  'user.lifecycle.reactivate': ['Reactivate Okta user', null],
  'user.lifecycle.deactivate': ['Deactivate Okta user', 'core.user.config.user_deactivated'],
  'user.lifecycle.suspend': ['Suspend Okta user', 'core.user.config.user_status.suspended'],
  'user.lifecycle.unsuspend': ['Unsuspend Okta user', null],
  'user.lifecycle.delete.initiated': ['Delete Okta user initiated', null],
  'user.lifecycle.delete.completed': ['Delete Okta user completed', null],
  'user.account.update_profile': ['Update user profile for Okta', null],
  'user.account.reset_password': [
    "Fired when the user's Okta password is reset",
    'core.user.config.user_status.password_reset',
  ],
  'user.account.expire_password': ["Expire Okta user's password", null],
  'user.account.update_password': [
    'User update password for Okta',
    'core.user.config.password_update.success',
  ],
  'user.account.lock': ['Max sign-in attempts exceeded', 'core.user_auth.account_locked'],
  'user.account.unlock_by_admin': ['User account unlock by admin', null],
  'user.account.privilege.grant': ['Grant user privilege', 'core.user.admin_privilege.granted'],
  'user.account.privilege.revoke': ["All of user's admin privilege revoked", null],
  'user.mfa.factor.deactivate': ['Reset factor for user', null],
  'user.mfa.factor.reset_all': ['Reset all factors for user', 'core.user.factor.reset_all'],
  'user.session.start': ['User login to Okta', 'core.user_auth.login_success'],
  'user.session.clear': ['Clear user session', null],
  'group.lifecycle.create': ['Create okta group', null],
  'group.lifecycle.delete': ['Delete okta group', null],
  'group.profile.update': ['Update okta group profile', null],
  'group.user_membership.add': ['Add user to group membership', 'core.user_group_member.user_add'],
  'group.user_membership.remove': ['Remove user from group membership', 'core.user_group_member.user_remove'],
  'application.user_membership.add': ['Add user to application membership', null],
  'application.user_membership.remove': ['Remove user from application membership', null],
  'application.user_membership.update': ['Update user in application', null],
  'application.provision.user.push': ['Push new user to external application', null],
  'application.provision.user.push_profile': ["Push user's profile to external application", null],
  'application.provision.user.deactivate': ['Deactivate user in external application', null],
  'application.provision.group_push.pushed': ['Push group to external application', null],
} as const satisfies Record<string, readonly [string, string | null]>;

/** A System Log event type that the simulator writes. */
export type EventType = keyof typeof EVENT_TYPES;

/** A `target` of a log event. */
export interface LogTarget {
  readonly id: string;
  readonly type: string;
  readonly alternateId: string;
  readonly displayName: string;
  readonly detailEntry: null;
}

const target = (id: string, type: string, alternateId: string, displayName: string): LogTarget => ({
  id,
  type,
  alternateId,
  displayName,
  detailEntry: null,
});

/** The user as a log target. */
export const userTarget = (user: UserRecord): LogTarget =>
  target(user.id, 'User', String(user.profile['login']), displayName(user));
/** The group as a log target. Okta has no alternate id for groups. */
export const groupTarget = (group: GroupRecord): LogTarget =>
  target(group.id, 'UserGroup', 'unknown', String(group.profile['name']));
/** The app as a log target. */
export const appTarget = (app: AppRecord): LogTarget => target(app.id, 'AppInstance', app.label, app.label);
/** The factor as a log target. */
export const factorTarget = (factor: FactorRecord): LogTarget =>
  target(factor.id, 'Factor', 'unknown', factor.factorType);

/** First and last name, as Okta's log shows people. */
export const displayName = (user: UserRecord): string =>
  `${String(user.profile['firstName'])} ${String(user.profile['lastName'])}`;

// The place from which every request of the sandbox comes.
const SANDBOX_PLACE = {
  city: 'Copenhagen',
  state: 'Capital Region',
  country: 'Denmark',
  postalCode: '1050',
  geolocation: { lat: 55.68, lon: 12.57 },
};

/** The request that an event belongs to. */
export interface LogSource {
  readonly caller: Caller;
  readonly requestId: string;
  readonly path: string;
  readonly userAgent: string;
}

/**
 * Appends one event to the System Log and marks the org as changed. The body is Okta's LogEvent, with null
 * where Okta sends null. `sequence` orders events by when they were stored, which is the order of polling.
 */
export function writeLog(
  sim: Simulation,
  source: LogSource,
  eventType: EventType,
  targets: readonly LogTarget[],
): LogRecord {
  const [displayMessage, legacyEventType] = EVENT_TYPES[eventType];
  const published = new Date(sim.now()).toISOString();
  const { caller, requestId, path, userAgent } = source;
  const event = {
    actor: { ...caller.actor, detailEntry: null },
    client: {
      userAgent: { rawUserAgent: userAgent, os: 'Unknown', browser: 'UNKNOWN' },
      zone: null,
      device: 'Unknown',
      id: caller.kind === 'service_app' ? caller.actor.id : null,
      ipAddress: '127.0.0.1',
      geographicalContext: SANDBOX_PLACE,
    },
    device: null,
    authenticationContext: {
      authenticationProvider: null,
      credentialProvider: null,
      credentialType: null,
      issuer: null,
      interface: null,
      authenticationStep: 0,
      rootSessionId: null,
      externalSessionId: caller.kind === 'system' ? 'unknown' : `trs${requestId.slice(0, 20)}`,
    },
    displayMessage,
    eventType,
    outcome: { result: 'SUCCESS', reason: null },
    published,
    securityContext: { asNumber: null, asOrg: null, isp: null, domain: null, isProxy: null },
    severity: 'INFO',
    debugContext: { debugData: { requestId, requestUri: path, url: `${path}?` } },
    ...(legacyEventType !== null && { legacyEventType }),
    transaction: {
      type: 'WEB',
      id: requestId,
      detail: caller.tokenId === null ? {} : { requestApiTokenId: caller.tokenId },
    },
    uuid: randomUUID(),
    version: '0',
    request: {
      ipChain: [{ ip: '127.0.0.1', geographicalContext: SANDBOX_PLACE, version: 'V4', source: null }],
    },
    target: targets,
  };
  const record: LogRecord = { sequence: (sim.org.log.at(-1)?.sequence ?? 0) + 1, published, event };
  sim.org.log.push(record);
  sim.changed();
  return record;
}

import { randomBytes } from 'node:crypto';
import { invalid, OktaError } from './errors.ts';
import type { EventType } from './system-log.ts';
import type { UserRecord, UserStatus } from './types.ts';

/** The query parameters of a lifecycle call. */
export interface LifecycleQuery {
  readonly sendEmail: string | undefined;
  readonly revokeSessions: boolean;
}

/**
 * A lifecycle operation: the statuses that it starts from, its refusal, its effect, its log events and its
 * answer.
 */
export interface Transition {
  readonly from: readonly UserStatus[];
  refuse(user: UserRecord): OktaError;
  /** Changes the user and returns the answer's body. `at` is ISO 8601. The caller sets the time stamps. */
  apply(user: UserRecord, query: LifecycleQuery, url: string, at: string): unknown;
  readonly events: readonly EventType[];
}

const notInStatus = (): OktaError => new OktaError('E0000038');
const oneTimeToken = (): string => randomBytes(15).toString('base64url');
const EVERY_LIVE: readonly UserStatus[] = [
  'ACTIVE',
  'PROVISIONED',
  'RECOVERY',
  'PASSWORD_EXPIRED',
  'LOCKED_OUT',
];

const activation = (query: LifecycleQuery, url: string, byDefault: boolean): Record<string, string> => {
  const sends = query.sendEmail === undefined ? byDefault : query.sendEmail === 'true';
  if (sends) return {};
  const activationToken = oneTimeToken();
  return { activationUrl: `${url}/tokens/${activationToken}/verify`, activationToken };
};

/**
 * Okta's user lifecycle (management API 2026.06.3, tag UserLifecycle). Refusals have the status of that
 * description: 400 for suspend and unsuspend, 403 for the others. It does not say with which code; callers
 * must treat E0000001, E0000016 and E0000038 alike.
 */
export const TRANSITIONS = {
  activate: {
    from: ['STAGED', 'DEPROVISIONED'],
    refuse: () => new OktaError('E0000016'),
    apply: (user, query, url, at) => {
      user.status = user.hasPassword ? 'ACTIVE' : 'PROVISIONED';
      user.activated = at;
      return activation(query, url, true);
    },
    events: ['user.lifecycle.activate'],
  },
  reactivate: {
    from: ['PROVISIONED', 'RECOVERY'],
    refuse: notInStatus,
    apply: (user, query, url) => {
      user.status = 'PROVISIONED';
      return activation(query, url, false);
    },
    events: ['user.lifecycle.reactivate'],
  },
  suspend: {
    from: ['ACTIVE'],
    refuse: () => invalid('suspendUser', 'Cannot suspend a user that is not active'),
    apply: (user) => {
      user.status = 'SUSPENDED';
      return {};
    },
    events: ['user.lifecycle.suspend'],
  },
  unsuspend: {
    from: ['SUSPENDED'],
    refuse: () => invalid('unsuspendUser', 'Cannot unsuspend a user that is not suspended'),
    apply: (user) => {
      user.status = 'ACTIVE';
      return {};
    },
    events: ['user.lifecycle.unsuspend'],
  },
  unlock: {
    from: ['LOCKED_OUT'],
    refuse: () => new OktaError('E0000032'),
    apply: (user) => {
      user.status = 'ACTIVE';
      return {};
    },
    events: ['user.account.unlock_by_admin'],
  },
  expire_password: {
    from: ['ACTIVE', 'PASSWORD_EXPIRED', 'LOCKED_OUT', 'RECOVERY'],
    refuse: notInStatus,
    apply: (user) => {
      user.status = 'PASSWORD_EXPIRED';
      return null;
    },
    events: ['user.account.expire_password'],
  },
  expire_password_with_temp_password: {
    from: ['ACTIVE', 'PASSWORD_EXPIRED', 'LOCKED_OUT', 'RECOVERY'],
    refuse: notInStatus,
    apply: (user, _query, _url, at) => {
      user.status = 'PASSWORD_EXPIRED';
      user.hasPassword = true;
      user.passwordChanged = at;
      return { tempPassword: randomBytes(9).toString('base64url') };
    },
    events: ['user.account.update_password', 'user.account.expire_password'],
  },
  reset_password: {
    from: EVERY_LIVE,
    refuse: notInStatus,
    apply: (user, query, url) => {
      user.status = 'RECOVERY';
      return query.sendEmail === 'true'
        ? {}
        : { resetPasswordUrl: `${url}/reset_password/${oneTimeToken()}` };
    },
    events: ['user.account.reset_password'],
  },
  reset_factors: {
    from: [...EVERY_LIVE, 'STAGED', 'SUSPENDED'],
    refuse: notInStatus,
    apply: (user) => {
      user.factors = [];
      return {};
    },
    events: ['user.mfa.factor.reset_all'],
  },
} as const satisfies Record<string, Transition>;

/**
 * A lifecycle operation, as the last segment of its path. `deactivate` is not in the table because it also
 * changes apps.
 */
export type LifecycleOperation = keyof typeof TRANSITIONS;

/** Whether the path segment is an operation of the table. */
export const isLifecycleOperation = (name: string): name is LifecycleOperation =>
  Object.hasOwn(TRANSITIONS, name);

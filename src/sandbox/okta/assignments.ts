import type { AppRecord, AppUserRecord, OktaOrg, UserRecord } from './types.ts';

/**
 * How an assignment is made. `groupId` belongs to scope GROUP. Profile and user name default to those of the
 * user.
 */
export interface AssignmentOptions {
  readonly scope: 'USER' | 'GROUP';
  readonly groupId?: string;
  readonly userName?: string;
  readonly profile?: Readonly<Record<string, unknown>>;
}

/**
 * Assigns the user to the app, or turns an assignment through a group into a direct one. Returns the app
 * user.
 */
export function assignUser(
  app: AppRecord,
  user: UserRecord,
  at: string,
  options: AssignmentOptions,
): AppUserRecord {
  const before = app.users.get(user.id);
  const assigned: AppUserRecord = {
    id: user.id,
    scope: options.scope,
    groupId: options.groupId ?? null,
    created: before?.created ?? at,
    lastUpdated: at,
    statusChanged: before?.statusChanged ?? at,
    userName: options.userName ?? before?.userName ?? String(user.profile['login']),
    profile: {
      email: user.profile['email'],
      firstName: user.profile['firstName'],
      lastName: user.profile['lastName'],
      ...before?.profile,
      ...options.profile,
    },
  };
  app.users.set(user.id, assigned);
  return assigned;
}

/** An assignment that changed because memberships changed. */
export interface AssignmentChange {
  readonly app: AppRecord;
  readonly user: UserRecord;
  readonly kind: 'add' | 'remove';
}

/**
 * Brings app users with scope GROUP in line with the members of the assigned groups. Direct assignments are
 * kept; staged and deprovisioned users are in no app. Returns the changes, for the System Log.
 */
export function reconcileGroups(org: OktaOrg, at: string): AssignmentChange[] {
  const changes: AssignmentChange[] = [];
  for (const app of org.apps.values()) {
    const entitled = new Map(
      [...app.groups].flatMap((groupId) =>
        [...(org.groups.get(groupId)?.members ?? [])].map((id) => [id, groupId] as const),
      ),
    );
    for (const [userId, groupId] of entitled) {
      const user = org.users.get(userId);
      if (
        user === undefined ||
        app.users.has(userId) ||
        user.status === 'STAGED' ||
        user.status === 'DEPROVISIONED'
      )
        continue;
      assignUser(app, user, at, { scope: 'GROUP', groupId });
      changes.push({ app, user, kind: 'add' });
    }
    for (const assigned of app.users.values()) {
      const user = org.users.get(assigned.id);
      if (assigned.scope !== 'GROUP' || entitled.has(assigned.id) || user === undefined) continue;
      app.users.delete(assigned.id);
      changes.push({ app, user, kind: 'remove' });
    }
  }
  return changes;
}

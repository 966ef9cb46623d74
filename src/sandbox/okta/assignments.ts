import type { AppRecord, AppUserRecord, OktaOrg, UserRecord } from './types.ts';

/** How an assignment comes about; `groupId` only with scope GROUP. Profile and user name default from the user's profile. */
export interface AssignmentOptions {
  readonly scope: 'USER' | 'GROUP';
  readonly groupId?: string;
  readonly userName?: string;
  readonly profile?: Readonly<Record<string, unknown>>;
}

/** Puts the user into the app, or turns an assignment by group into one by name. Returns the app user. */
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

/** A change of assignments that followed from a change of memberships. */
export interface AssignmentChange {
  readonly app: AppRecord;
  readonly user: UserRecord;
  readonly kind: 'add' | 'remove';
}

/**
 * Brings app users with scope GROUP in line with the members of the assigned groups. A user who is assigned by name is
 * left alone; staged and deprovisioned users are in no app. Returns what changed, so that the System Log can say it.
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

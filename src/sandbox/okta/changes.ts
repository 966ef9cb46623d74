import { reconcileGroups } from './assignments.ts';
import { OktaError } from './errors.ts';
import { isoNow, type Simulation } from './simulation.ts';
import { appTarget, groupTarget, userTarget, writeLog, type LogSource } from './system-log.ts';
import { TRANSITIONS, type LifecycleOperation, type LifecycleQuery } from './lifecycle.ts';
import type { GroupRecord, UserRecord } from './types.ts';

/**
 * Runs a lifecycle operation: checks the status, sets the time stamps, writes the log. Returns the answer's
 * body. Throws OktaError in a wrong status.
 */
export function transition(
  sim: Simulation,
  source: LogSource,
  user: UserRecord,
  name: LifecycleOperation,
  query: LifecycleQuery,
): unknown {
  const operation = TRANSITIONS[name];
  if (!(operation.from as readonly string[]).includes(user.status)) throw operation.refuse();
  const at = isoNow(sim);
  const before = user.status;
  const body = operation.apply(user, query, sim.url(), at);
  user.lastUpdated = at;
  if (user.status !== before) user.statusChanged = at;
  for (const eventType of operation.events) writeLog(sim, source, eventType, [userTarget(user)]);
  if (query.revokeSessions) clearSessions(sim, source, user);
  if (name === 'activate') followGroups(sim, source, at);
  return body;
}

/** Ends all Okta sessions of the user. Logs it even if there was none, as Okta does. */
export function clearSessions(sim: Simulation, source: LogSource, user: UserRecord): void {
  user.sessions = [];
  writeLog(sim, source, 'user.session.clear', [userTarget(user)]);
}

/**
 * Deprovisions the user. Apps, factors, password and sessions are removed; groups keep the user on record but
 * no longer list them. A second time throws E0000038.
 */
export function deactivate(sim: Simulation, source: LogSource, user: UserRecord): void {
  if (user.status === 'DEPROVISIONED') throw new OktaError('E0000038');
  const at = isoNow(sim);
  Object.assign(user, {
    status: 'DEPROVISIONED',
    statusChanged: at,
    lastUpdated: at,
    hasPassword: false,
    factors: [],
    sessions: [],
  });
  writeLog(sim, source, 'user.lifecycle.deactivate', [userTarget(user)]);
  for (const app of sim.org.apps.values()) {
    if (app.users.delete(user.id))
      writeLog(sim, source, 'application.user_membership.remove', [userTarget(user), appTarget(app)]);
  }
  sim.scim.deactivateLater(user);
}

/** Deletes the user for good. Does not check that they are deprovisioned; the route deactivates first. */
export function erase(sim: Simulation, source: LogSource, user: UserRecord): void {
  writeLog(sim, source, 'user.lifecycle.delete.initiated', [userTarget(user)]);
  for (const group of sim.org.groups.values()) group.members.delete(user.id);
  sim.org.users.delete(user.id);
  writeLog(sim, source, 'user.lifecycle.delete.completed', [userTarget(user)]);
}

/** Adds the user to the group. Changes and logs nothing if they are already in it. */
export function addMember(sim: Simulation, source: LogSource, group: GroupRecord, user: UserRecord): void {
  if (group.members.has(user.id)) return;
  group.members.add(user.id);
  membershipChanged(sim, source, group, user, 'group.user_membership.add');
}

/** Removes the user from the group. Changes and logs nothing if they are not in it. */
export function removeMember(sim: Simulation, source: LogSource, group: GroupRecord, user: UserRecord): void {
  if (!group.members.delete(user.id)) return;
  membershipChanged(sim, source, group, user, 'group.user_membership.remove');
}

/** Throws E0000006 for built-in and app-mastered groups, whose members the API cannot change. */
export function assertOwnGroup(group: GroupRecord): void {
  if (group.type !== 'OKTA_GROUP') throw new OktaError('E0000006');
}

/** Brings app assignments in line with the groups and logs each change. */
export function followGroups(sim: Simulation, source: LogSource, at: string): void {
  for (const { app, user, kind } of reconcileGroups(sim.org, at)) {
    writeLog(sim, source, `application.user_membership.${kind}`, [userTarget(user), appTarget(app)]);
  }
}

function membershipChanged(
  sim: Simulation,
  source: LogSource,
  group: GroupRecord,
  user: UserRecord,
  eventType: 'group.user_membership.add' | 'group.user_membership.remove',
): void {
  const at = isoNow(sim);
  group.lastMembershipUpdated = at;
  writeLog(sim, source, eventType, [userTarget(user), groupTarget(group)]);
  followGroups(sim, source, at);
}

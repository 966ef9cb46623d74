import { reconcileGroups } from './assignments.ts';
import { OktaError } from './errors.ts';
import { isoNow, type Simulation } from './simulation.ts';
import { appTarget, groupTarget, userTarget, writeLog, type LogSource } from './system-log.ts';
import { TRANSITIONS, type LifecycleOperation, type LifecycleQuery } from './lifecycle.ts';
import type { GroupRecord, UserRecord } from './types.ts';

/** Runs one lifecycle operation: refuses in a wrong status, keeps the time stamps, writes the log. Returns the answer's body. */
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

/** Ends every Okta session of the user. The log says so even where there was none, as Okta's does. */
export function clearSessions(sim: Simulation, source: LogSource, user: UserRecord): void {
  user.sessions = [];
  writeLog(sim, source, 'user.session.clear', [userTarget(user)]);
}

/** Deprovisions: apps, factors, password and sessions go, groups stay on record but list the user no more. Twice is E0000038. */
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

/** Removes the user for good; only from DEPROVISIONED (the route deactivates first). */
export function erase(sim: Simulation, source: LogSource, user: UserRecord): void {
  writeLog(sim, source, 'user.lifecycle.delete.initiated', [userTarget(user)]);
  for (const group of sim.org.groups.values()) group.members.delete(user.id);
  sim.org.users.delete(user.id);
  writeLog(sim, source, 'user.lifecycle.delete.completed', [userTarget(user)]);
}

/** Puts the user into the group; nothing changes and nothing is logged where the user is in it. */
export function addMember(sim: Simulation, source: LogSource, group: GroupRecord, user: UserRecord): void {
  if (group.members.has(user.id)) return;
  group.members.add(user.id);
  membershipChanged(sim, source, group, user, 'group.user_membership.add');
}

/** Takes the user out of the group; nothing changes and nothing is logged where the user is not in it. */
export function removeMember(sim: Simulation, source: LogSource, group: GroupRecord, user: UserRecord): void {
  if (!group.members.delete(user.id)) return;
  membershipChanged(sim, source, group, user, 'group.user_membership.remove');
}

/** Membership of built-in and app-mastered groups is not the API's to change. */
export function assertOwnGroup(group: GroupRecord): void {
  if (group.type !== 'OKTA_GROUP') throw new OktaError('E0000006');
}

/** Brings app assignments in line with the groups, and logs each change. */
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

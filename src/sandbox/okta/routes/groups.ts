import { Hono } from 'hono';
import { addMember, assertOwnGroup, followGroups, removeMember } from '../changes.ts';
import { invalid, OktaError } from '../errors.ts';
import { compileFilter } from '../filter.ts';
import { oktaId } from '../ids.ts';
import { limitOf, paginate, sendPage } from '../page.ts';
import { isoNow, type OktaEnv, type Simulation } from '../simulation.ts';
import { groupTarget, writeLog } from '../system-log.ts';
import type { GroupRecord } from '../types.ts';
import { groupView, membersOf, userView } from '../views.ts';
import { assertMayChange, bodyOf, groupOf, isObject, seesAnything, sourceOf, userOf } from './request.ts';

const ANYTHING = { properties: null, ignoreCase: true } as const;

/** `/api/v1/groups`: list, find, create, rename, delete, and members. */
export function groupRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.get('/groups', (c) => {
    const { q, search, filter, expand } = c.req.query();
    const expression = search ?? filter;
    const matches = expression === undefined ? () => true : compileFilter(expression, ANYTHING);
    const found = [...sim.org.groups.values()]
      .filter(
        (group) =>
          seesAnything(c) &&
          (q === undefined || String(group.profile['name']).toLowerCase().startsWith(q.toLowerCase())),
      )
      .filter((group) => matches(groupView(sim, group)))
      .sort((one, other) => (one.id < other.id ? -1 : 1));
    const page = paginate(
      found,
      (group) => group.id,
      limitOf(c, q === undefined ? 200 : 10, 10_000),
      c.req.query('after'),
    );
    return sendPage(
      sim,
      c,
      page.items.map((group) => groupView(sim, group, expand === 'stats')),
      page.next,
    );
  });
  app.post('/groups', async (c) => {
    const profile = groupProfile(sim, await bodyOf(c), null);
    const at = isoNow(sim);
    const group: GroupRecord = {
      id: oktaId('00g'),
      type: 'OKTA_GROUP',
      created: at,
      lastUpdated: at,
      lastMembershipUpdated: at,
      profile,
      members: new Set(),
    };
    sim.org.groups.set(group.id, group);
    writeLog(sim, sourceOf(c), 'group.lifecycle.create', [groupTarget(group)]);
    return c.json(groupView(sim, group));
  });
  app.get('/groups/:id', (c) => c.json(groupView(sim, groupOf(sim, c, c.req.param('id')))));
  app.put('/groups/:id', async (c) => {
    const group = groupOf(sim, c, c.req.param('id'));
    assertOwnGroup(group);
    group.profile = groupProfile(sim, await bodyOf(c), group.id);
    group.lastUpdated = isoNow(sim);
    writeLog(sim, sourceOf(c), 'group.profile.update', [groupTarget(group)]);
    return c.json(groupView(sim, group));
  });
  app.delete('/groups/:id', (c) => {
    const group = groupOf(sim, c, c.req.param('id'));
    assertOwnGroup(group);
    sim.org.groups.delete(group.id);
    for (const each of sim.org.apps.values()) each.groups.delete(group.id);
    writeLog(sim, sourceOf(c), 'group.lifecycle.delete', [groupTarget(group)]);
    followGroups(sim, sourceOf(c), isoNow(sim));
    return c.body(null, 204);
  });
  app.get('/groups/:id/users', (c) => {
    const members = membersOf(sim, groupOf(sim, c, c.req.param('id')));
    const page = paginate(members, (user) => user.id, limitOf(c, 1000, 1000), c.req.query('after'));
    return sendPage(
      sim,
      c,
      page.items.map((user) => userView(sim, user, { links: 'self', credentials: true })),
      page.next,
    );
  });
  app.put('/groups/:id/users/:user', (c) => {
    const group = groupOf(sim, c, c.req.param('id'));
    const user = assertMayChange(c, userOf(sim, c, c.req.param('user')));
    assertOwnGroup(group);
    if (user.status === 'DEPROVISIONED') throw new OktaError('E0000038');
    addMember(sim, sourceOf(c), group, user);
    return c.body(null, 204);
  });
  app.delete('/groups/:id/users/:user', (c) => {
    const group = groupOf(sim, c, c.req.param('id'));
    const user = assertMayChange(c, userOf(sim, c, c.req.param('user')));
    assertOwnGroup(group);
    removeMember(sim, sourceOf(c), group, user);
    return c.body(null, 204);
  });
  return app;
}

function groupProfile(
  sim: Simulation,
  body: Record<string, unknown>,
  ownId: string | null,
): Record<string, unknown> {
  const { profile } = body;
  if (!isObject(profile) || typeof profile['name'] !== 'string' || profile['name'] === '')
    throw invalid('name', 'name: The field cannot be left blank');
  const taken = [...sim.org.groups.values()].some(
    (group) => group.id !== ownId && group.profile['name'] === profile['name'],
  );
  if (taken)
    throw invalid('name', 'name: An object with this field already exists in the current organization');
  return { ...profile };
}

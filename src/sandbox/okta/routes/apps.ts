import { Hono, type Context } from 'hono';
import { assignUser } from '../assignments.ts';
import { appLinkView, appUserView, appView } from '../app-views.ts';
import { invalid, notFound, OktaError } from '../errors.ts';
import { compileFilter } from '../filter.ts';
import { limitOf, paginate, sendPage } from '../page.ts';
import { isoNow, type OktaEnv, type Simulation } from '../simulation.ts';
import { appTarget, userTarget, writeLog } from '../system-log.ts';
import type { AppRecord, AppUserRecord } from '../types.ts';
import { userView } from '../views.ts';
import { appOf, assertMayChange, bodyOf, isObject, seesAnything, sourceOf, userOf } from './request.ts';

const FILTER = {
  properties: { status: ['eq'], name: ['eq'], 'user.id': ['eq'], 'group.id': ['eq'], id: ['eq'] },
  ignoreCase: false,
} as const;

/** `/api/v1/apps` and a user's app links: integrations and their assignments. */
export function appRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.get('/apps', (c) => {
    const { q, filter, expand } = c.req.query();
    const matches = filter === undefined ? () => true : compileFilter(filter, FILTER);
    const found = [...sim.org.apps.values()]
      .filter(
        (each) =>
          seesAnything(c) && (q === undefined || each.label.toLowerCase().startsWith(q.toLowerCase())),
      )
      .filter((each) =>
        matches({
          id: each.id,
          status: 'ACTIVE',
          name: each.name,
          user: [...each.users.keys()].map((id) => ({ id })),
          group: [...each.groups].map((id) => ({ id })),
        }),
      )
      .sort((one, other) => (one.id < other.id ? -1 : 1));
    const page = paginate(found, (each) => each.id, limitOf(c, 200, 200), c.req.query('after'));
    const expanded = expand?.startsWith('user/') === true ? expand.slice(5) : undefined;
    const body = page.items.map((each) => {
      const assigned = expanded === undefined ? undefined : each.users.get(expanded);
      return appView(sim, each, assigned === undefined ? undefined : appUserView(sim, each, assigned));
    });
    return sendPage(sim, c, body, page.next);
  });
  app.get('/apps/:id', (c) => c.json(appView(sim, appOf(sim, c, c.req.param('id')))));
  app.get('/apps/:id/users', (c) => {
    const integration = appOf(sim, c, c.req.param('id'));
    const q = c.req.query('q')?.toLowerCase();
    const found = [...integration.users.values()]
      .filter(
        (each) =>
          q === undefined ||
          [each.userName, each.profile['firstName'], each.profile['lastName'], each.profile['email']].some(
            (text) => String(text).toLowerCase().startsWith(q),
          ),
      )
      .sort((one, other) => (one.id < other.id ? -1 : 1));
    const page = paginate(found, (each) => each.id, limitOf(c, 50, 500), c.req.query('after'));
    return sendPage(
      sim,
      c,
      page.items.map((each) => view(sim, c, integration, each)),
      page.next,
    );
  });
  app.post('/apps/:id/users', async (c) => {
    const integration = appOf(sim, c, c.req.param('id'));
    const body = await bodyOf(c);
    if (typeof body['id'] !== 'string') throw invalid('id', 'id: The field cannot be left blank');
    const user = assertMayChange(c, userOf(sim, c, body['id']));
    if (user.status === 'DEPROVISIONED') throw new OktaError('E0000038');
    const isNew = !integration.users.has(user.id);
    const { credentials, profile } = body;
    const assigned = assignUser(integration, user, isoNow(sim), {
      scope: 'USER',
      ...(isObject(profile) && { profile }),
      ...(isObject(credentials) &&
        typeof credentials['userName'] === 'string' && { userName: credentials['userName'] }),
    });
    writeLog(
      sim,
      sourceOf(c),
      isNew ? 'application.user_membership.add' : 'application.user_membership.update',
      [userTarget(user), appTarget(integration)],
    );
    return c.json(view(sim, c, integration, assigned));
  });
  app.get('/apps/:id/users/:user', (c) => {
    const integration = appOf(sim, c, c.req.param('id'));
    return c.json(view(sim, c, integration, appUserOf(integration, c.req.param('user'))));
  });
  app.post('/apps/:id/users/:user', async (c) => {
    const integration = appOf(sim, c, c.req.param('id'));
    const assigned = appUserOf(integration, c.req.param('user'));
    const { profile, credentials } = await bodyOf(c);
    if (isObject(profile)) assigned.profile = { ...assigned.profile, ...profile };
    if (isObject(credentials) && typeof credentials['userName'] === 'string')
      assigned.userName = credentials['userName'];
    assigned.lastUpdated = isoNow(sim);
    writeLog(sim, sourceOf(c), 'application.user_membership.update', [
      userTarget(userOf(sim, c, assigned.id)),
      appTarget(integration),
    ]);
    return c.json(view(sim, c, integration, assigned));
  });
  app.delete('/apps/:id/users/:user', (c) => {
    const integration = appOf(sim, c, c.req.param('id'));
    const assigned = appUserOf(integration, c.req.param('user'));
    const user = assertMayChange(c, userOf(sim, c, assigned.id));
    // Okta refuses to remove an assignment that comes from a group: the person must leave the group.
    if (assigned.scope === 'GROUP') throw new OktaError('E0000006');
    integration.users.delete(user.id);
    writeLog(sim, sourceOf(c), 'application.user_membership.remove', [
      userTarget(user),
      appTarget(integration),
    ]);
    return c.body(null, 204);
  });
  app.get('/users/:id/appLinks', (c) => {
    const user = userOf(sim, c, c.req.param('id'));
    const assigned = [...sim.org.apps.values()].filter((each) => each.users.has(user.id));
    return c.json(assigned.map((each, order) => appLinkView(sim, each, user, order)));
  });
  return app;
}

const view = (
  sim: Simulation,
  c: Context<OktaEnv>,
  integration: AppRecord,
  assigned: AppUserRecord,
): Record<string, unknown> => {
  const user = c.req.query('expand') === 'user' ? sim.org.users.get(assigned.id) : undefined;
  return appUserView(sim, integration, assigned, user === undefined ? undefined : userView(sim, user));
};

function appUserOf(integration: AppRecord, id: string): AppUserRecord {
  const assigned = integration.users.get(id);
  if (assigned === undefined) throw notFound(id, 'AppUser');
  return assigned;
}

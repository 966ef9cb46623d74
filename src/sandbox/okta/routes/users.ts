import { Hono, type Context } from 'hono';
import { addMember, deactivate, erase } from '../changes.ts';
import { invalid } from '../errors.ts';
import { compileFilter, type FilterRules } from '../filter.ts';
import { oktaId } from '../ids.ts';
import { limitOf, paginate, sendPage } from '../page.ts';
import { checkProfile } from '../profile.ts';
import { EVERYONE_GROUP_ID } from '../seed.ts';
import { isoNow, type OktaEnv, type Simulation } from '../simulation.ts';
import { userTarget, writeLog } from '../system-log.ts';
import type { UserRecord } from '../types.ts';
import { groupView, userView } from '../views.ts';
import { assertMayChange, bodyOf, groupOf, isObject, seesAnything, sourceOf, userOf } from './request.ts';

const EQ = ['eq'];
// What `filter` understands on users. `search` understands everything.
const FILTER: FilterRules = {
  properties: {
    status: EQ,
    id: EQ,
    lastUpdated: ['eq', 'gt', 'ge', 'lt', 'le'],
    'profile.login': EQ,
    'profile.email': EQ,
    'profile.firstName': EQ,
    'profile.lastName': EQ,
  },
  ignoreCase: false,
};
const SEARCH: FilterRules = { properties: null, ignoreCase: true };
const byId = (one: UserRecord, other: UserRecord): number => (one.id < other.id ? -1 : 1);

/** `/api/v1/users` and `/api/v1/users/{id}`: list, find, create, update, delete, and the user's groups. */
export function userRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.get('/users', (c) => {
    const q = c.req.query('q');
    const found = seesAnything(c) ? select(sim, c) : [];
    const limit = limitOf(c, q === undefined ? 200 : 10, 200);
    const page = paginate(found, (user) => user.id, limit, c.req.query('after'));
    const credentials = !/\bomitCredentials\b/.test(c.req.header('content-type') ?? '');
    const searching = c.req.query('search') !== undefined;
    const body = page.items.map((user) =>
      userView(sim, user, { links: 'self', credentials: credentials && !searching }),
    );
    return sendPage(sim, c, body, q === undefined ? page.next : null);
  });
  app.post('/users', async (c) => {
    const body = await bodyOf(c);
    const user = create(sim, c, body);
    return c.json(userView(sim, user));
  });
  app.get('/users/:id', (c) => c.json(userView(sim, userOf(sim, c, c.req.param('id')))));
  const update = (whole: boolean) => async (c: Context<OktaEnv, '/users/:id'>) => {
    const user = assertMayChange(c, userOf(sim, c, c.req.param('id')));
    const { profile } = await bodyOf(c);
    if (!isObject(profile)) throw invalid('profile', 'profile: The field cannot be left blank');
    const next = Object.fromEntries(
      Object.entries({ ...(whole ? {} : user.profile), ...profile }).filter(
        ([, value]) => value !== undefined,
      ),
    );
    checkProfile(sim, next, user.id);
    user.profile = next;
    user.lastUpdated = isoNow(sim);
    writeLog(sim, sourceOf(c), 'user.account.update_profile', [userTarget(user)]);
    sim.scim.updateLater(user);
    return c.json(userView(sim, user));
  };
  app.post('/users/:id', update(false));
  app.put('/users/:id', update(true));
  app.delete('/users/:id', (c) => {
    const user = assertMayChange(c, userOf(sim, c, c.req.param('id')));
    if (user.status === 'DEPROVISIONED') erase(sim, sourceOf(c), user);
    else deactivate(sim, sourceOf(c), user);
    return c.body(null, 204);
  });
  app.get('/users/:id/groups', (c) => {
    const user = userOf(sim, c, c.req.param('id'));
    const groups =
      user.status === 'DEPROVISIONED'
        ? []
        : [...sim.org.groups.values()].filter((group) => group.members.has(user.id));
    return sendPage(
      sim,
      c,
      groups.map((group) => groupView(sim, group)),
      null,
    );
  });
  return app;
}

/** The attribute if it is text, otherwise an empty text. */
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function select(sim: Simulation, c: Context<OktaEnv>): UserRecord[] {
  const everyone = [...sim.org.users.values()].sort(byId);
  const { q, filter, search, sortBy, sortOrder } = c.req.query();
  const expression = search ?? filter;
  if (expression !== undefined) {
    const matches = compileFilter(expression, search === undefined ? FILTER : SEARCH);
    const found = everyone.filter((user) =>
      matches(userView(sim, user, { links: 'none', credentials: false })),
    );
    return search === undefined || sortBy === undefined ? found : sorted(found, sortBy, sortOrder === 'desc');
  }
  const live = everyone.filter((user) => user.status !== 'DEPROVISIONED');
  if (q === undefined) return live;
  const wanted = q.toLowerCase();
  return live.filter((user) =>
    ['firstName', 'lastName', 'email'].some((key) =>
      text(user.profile[key]).toLowerCase().startsWith(wanted),
    ),
  );
}

function sorted(users: UserRecord[], path: string, descending: boolean): UserRecord[] {
  const value = (user: UserRecord): string => {
    const [head, key] = path.split('.');
    const whole = user as unknown as Record<string, unknown>;
    return text(head === 'profile' && key !== undefined ? user.profile[key] : whole[path]);
  };
  return users.toSorted((one, other) =>
    value(one) === value(other)
      ? byId(one, other)
      : (value(one) < value(other) ? -1 : 1) * (descending ? -1 : 1),
  );
}

function create(sim: Simulation, c: Context<OktaEnv>, body: Record<string, unknown>): UserRecord {
  const { profile, credentials, groupIds } = body;
  if (!isObject(profile)) throw invalid('profile', 'profile: The field cannot be left blank');
  checkProfile(sim, profile, null);
  const groups = Array.isArray(groupIds) ? groupIds.map((id) => groupOf(sim, c, String(id))) : [];
  const password =
    isObject(credentials) &&
    isObject(credentials['password']) &&
    typeof credentials['password']['value'] === 'string';
  const activates = c.req.query('activate') !== 'false';
  const at = isoNow(sim);
  const live = password
    ? c.req.query('nextLogin') === 'changePassword'
      ? 'PASSWORD_EXPIRED'
      : 'ACTIVE'
    : 'PROVISIONED';
  const user: UserRecord = {
    id: oktaId('00u'),
    status: activates ? live : 'STAGED',
    created: at,
    activated: activates ? at : null,
    statusChanged: activates ? at : null,
    lastLogin: null,
    lastUpdated: at,
    passwordChanged: password ? at : null,
    hasPassword: password,
    profile: { secondEmail: null, mobilePhone: null, ...profile },
    factors: [],
    roles: [],
    sessions: [],
    scim: null,
  };
  sim.org.users.set(user.id, user);
  sim.org.groups.get(EVERYONE_GROUP_ID)?.members.add(user.id);
  writeLog(sim, sourceOf(c), 'user.lifecycle.create', [userTarget(user)]);
  if (activates) writeLog(sim, sourceOf(c), 'user.lifecycle.activate', [userTarget(user)]);
  for (const group of groups) addMember(sim, sourceOf(c), group, user);
  return user;
}

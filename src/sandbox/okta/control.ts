import { Hono, type Context } from 'hono';
import type { JWK } from 'jose';
import { deactivate, transition } from './changes.ts';
import { mintToken, type TokenRequest } from './authorization-server.ts';
import type { FaultRule } from './faults.ts';
import { isForeign } from '../loopback.ts';
import { oktaId } from './ids.ts';
import { isLifecycleOperation } from './lifecycle.ts';
import { rotateKeys } from './rotation.ts';
import { isoNow, SYSTEM, type OktaEnv, type Simulation } from './simulation.ts';
import { userTarget, writeLog, type LogSource } from './system-log.ts';
import type { ScimTarget, UserRecord } from './types.ts';

const SOURCE: LogSource = { caller: SYSTEM, requestId: 'sandbox', path: '/_sandbox', userAgent: 'sandbox' };

/**
 * The sandbox's own API, `/_sandbox`, which Okta does not have. It mints tokens, injects faults, and plays
 * both the person and Okta's SCIM client.
 *
 * It has no authentication. So it refuses pages of another origin, bodies other than JSON (which such pages
 * could send without a preflight), and a Host header that is not a loopback name (DNS rebinding).
 */
export function controlRoutes(sim: Simulation, more: Hono<OktaEnv>): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.use(async (c, next) => {
    const { method } = c.req;
    const bodiless = method === 'GET' || c.req.header('content-length') === '0' || c.req.raw.body === null;
    const isJson = bodiless || (c.req.header('content-type') ?? '').startsWith('application/json');
    if (isForeign(c.req.header('origin'), c.req.header('host')) || !isJson)
      return c.json(
        { error: 'only requests from this sandbox itself, on loopback and with a JSON body, are allowed' },
        403,
      );
    await next();
    if (c.req.method !== 'GET') sim.changed();
    return undefined;
  });
  app.onError((error, c) => c.json({ error: error.message }, 400));
  app.post('/tokens', async (c) => c.json({ token: await mintToken(sim, await c.req.json<TokenRequest>()) }));
  app.get('/faults', (c) => c.json(sim.faults.list()));
  app.post('/faults', async (c) => c.json(sim.faults.add(await c.req.json<FaultRule>()), 201));
  app.delete('/faults', (c) => {
    sim.faults.clear();
    return c.body(null, 204);
  });
  app.get('/requests', (c) => c.json(sim.recorder.entries));
  app.delete('/requests', (c) => {
    sim.recorder.clear();
    return c.body(null, 204);
  });
  app.put('/rate-limits', async (c) =>
    c.json(sim.limits.configure(await c.req.json<Parameters<typeof sim.limits.configure>[0]>())),
  );
  app.put('/keys/rotate', async (c) => c.json({ kid: await rotateKeys(sim) }));
  app.get('/service-app', (c) => c.json(serviceApp(sim)));
  app.put('/service-app', async (c) => {
    const body = (await c.req.json()) as {
      jwks?: { keys: JWK[] };
      scopes?: string[];
      admin_roles?: string[];
      custom_permissions?: string[];
    };
    const { serviceApp: own } = sim.org;
    if (body.jwks !== undefined) Object.assign(own, { jwks: body.jwks, privateKeyJwk: null });
    if (body.scopes !== undefined) own.scopes = body.scopes;
    if (body.admin_roles !== undefined) own.adminRoles = body.admin_roles;
    if (body.custom_permissions !== undefined) own.customPermissions = body.custom_permissions;
    return c.json(serviceApp(sim));
  });
  app.route('/', scimRoutes(sim));
  app.route('/', personRoutes(sim));
  app.route('/', more);
  return app;
}

const serviceApp = (sim: Simulation): Record<string, unknown> => {
  const { clientId, jwks, scopes, adminRoles } = sim.org.serviceApp;
  return { client_id: clientId, jwks, scopes, admin_roles: adminRoles };
};

function scimRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.put('/scim-app', async (c) => {
    const { base_url, authorization, style } = (await c.req.json()) as {
      base_url: string;
      authorization: string;
      style?: ScimTarget['style'];
    };
    sim.org.scimTarget = { baseUrl: new URL(base_url).href, authorization, style: style ?? 'oin' };
    return c.json({ base_url: sim.org.scimTarget.baseUrl, style: sim.org.scimTarget.style });
  });
  app.get('/scim-app/exchanges', async (c) => {
    await sim.scim.idle();
    return c.json(sim.scim.exchanges);
  });
  const actions = { provision: 'provision', update: 'update', 'deactivate-app': 'deactivate' } as const;
  for (const [path, method] of Object.entries(actions)) {
    app.post(`/users/:id/${path}`, async (c) =>
      c.json(await sim.scim[method as 'provision'](userOf(sim, c.req.param('id')).id)),
    );
  }
  app.post('/groups/:id/push', async (c) => c.json(await sim.scim.pushGroup(c.req.param('id'))));
  return app;
}

/**
 * Plays an administrator in Okta's console and a person on the sign-in page. Operations such as `suspend`
 * send nothing to SCIM.
 */
function personRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  app.post('/users/:id/sign-in', (c) => {
    const user = userOf(sim, c.req.param('id'));
    const at = isoNow(sim);
    if (['PROVISIONED', 'RECOVERY', 'PASSWORD_EXPIRED'].includes(user.status)) {
      Object.assign(user, { status: 'ACTIVE', statusChanged: at, passwordChanged: at, hasPassword: true });
    }
    if (user.status !== 'ACTIVE')
      throw new Error(`${String(user.profile['login'])} is ${user.status} and cannot sign in`);
    user.lastLogin = at;
    user.sessions.push(oktaId('102'));
    writeLog(sim, { ...SOURCE, caller: { ...SYSTEM, actor: userTarget(user) } }, 'user.session.start', [
      userTarget(user),
    ]);
    return shown(c, user);
  });
  app.post('/users/:id/lock', (c) => {
    const user = userOf(sim, c.req.param('id'));
    Object.assign(user, { status: 'LOCKED_OUT', statusChanged: isoNow(sim) });
    writeLog(sim, SOURCE, 'user.account.lock', [userTarget(user)]);
    return shown(c, user);
  });
  app.post('/users/:id/enroll', async (c) => {
    const user = userOf(sim, c.req.param('id'));
    const { factor_type } = (await c.req.json()) as {
      factor_type: UserRecord['factors'][number]['factorType'];
    };
    const at = isoNow(sim);
    user.factors.push({
      id: oktaId('opf'),
      factorType: factor_type,
      created: at,
      lastUpdated: at,
      status: 'ACTIVE',
    });
    return shown(c, user);
  });
  app.post('/users/:id/:operation', (c) => {
    const user = userOf(sim, c.req.param('id'));
    const operation = c.req.param('operation');
    if (operation === 'deactivate') deactivate(sim, SOURCE, user);
    else if (isLifecycleOperation(operation))
      transition(sim, SOURCE, user, operation, { sendEmail: 'true', revokeSessions: false });
    else throw new Error(`there is no operation ${operation}`);
    return shown(c, user);
  });
  return app;
}

const shown = (c: Context<OktaEnv>, user: UserRecord): Response =>
  c.json({ id: user.id, login: user.profile['login'], status: user.status });

function userOf(sim: Simulation, idOrLogin: string): UserRecord {
  const user =
    sim.org.users.get(idOrLogin) ??
    [...sim.org.users.values()].find((each) => each.profile['login'] === idOrLogin);
  if (user === undefined) throw new Error(`there is no person ${idOrLogin} in the sandbox org`);
  return user;
}

import { randomBytes } from 'node:crypto';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { authenticate, hasScope, scopeFor } from './auth.ts';
import { authorizationServerRoutes } from './authorization-server.ts';
import { isForeign } from '../loopback.ts';
import { controlRoutes } from './control.ts';
import { crossAppControl, crossAppRoutes } from './cross-app.ts';
import { errorBody, isOktaErrorCode, OktaError, summaryOf, type OktaErrorCode } from './errors.ts';
import type { ActiveFault } from './faults.ts';
import { appRoutes } from './routes/apps.ts';
import { clientRoleRoutes, iamRoutes } from './routes/client-roles.ts';
import { peoplePage } from './people-page.ts';
import { groupRoutes } from './routes/groups.ts';
import { lifecycleRoutes } from './routes/lifecycle.ts';
import { logRoutes } from './routes/logs.ts';
import { metadataRoutes } from './routes/metadata.ts';
import { roleRoutes } from './routes/roles.ts';
import { userRoutes } from './routes/users.ts';
import { isoNow, SYSTEM, type OktaEnv, type Simulation } from './simulation.ts';
import { signInRoutes } from './sign-in.ts';
import { orgTokenRoutes } from './token-endpoint.ts';

const HTML_PAGE =
  '<!DOCTYPE html><html><head><title>Error</title></head><body><h1>The service is temporarily unavailable.</h1></body></html>';
// Administrator roles that cannot change anything.
const READERS: readonly string[] = ['READ_ONLY_ADMIN', 'REPORT_ADMIN'];
const FAULT_CODES = {
  403: 'E0000006',
  429: 'E0000047',
  500: 'E0000009',
  503: 'E0000009',
} as const satisfies Record<number, OktaErrorCode>;

/**
 * The whole server: recording, rate limits, faults and authentication before the routes, and the control API
 * beside them.
 */
export function oktaApp(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  const crossAppClients = new Map<string, string>();
  // The simulator's tokens are constants, so another site's page or a DNS name that leads here could act with
  // them.
  app.use(async (c, next) => {
    if (isForeign(undefined, c.req.header('host')))
      return c.json({ error: 'this simulator accepts only requests on loopback' }, 403);
    await next();
    return undefined;
  });
  app.route('/', peoplePage(sim));
  app.route('/_sandbox', controlRoutes(sim, crossAppControl(crossAppClients)));
  app.use(record(sim), limitRate(sim), inject(sim));
  app.route('/', crossAppRoutes(sim, crossAppClients));
  app.route('/', orgTokenRoutes(sim));
  app.route('/', authorizationServerRoutes(sim));
  app.route('/', signInRoutes(sim));
  app.use('/api/v1/*', admit(sim));
  app.use('/oauth2/v1/clients/*', admit(sim));
  app.route('/oauth2/v1/clients', clientRoleRoutes(sim));
  const routes = [
    userRoutes,
    lifecycleRoutes,
    roleRoutes,
    groupRoutes,
    appRoutes,
    logRoutes,
    metadataRoutes,
    iamRoutes,
  ];
  for (const make of routes) app.route('/api/v1', make(sim));
  app.notFound((c) => send(c, new OktaError('E0000022')));
  app.onError((error, c) => send(c, error instanceof OktaError ? error : new OktaError('E0000009')));
  return app;
}

const send = (c: Context<OktaEnv>, error: OktaError): Response =>
  c.json(errorBody(error.code, error.message, error.causes), error.status as ContentfulStatusCode);

function record(sim: Simulation): MiddlewareHandler<OktaEnv> {
  return async (c, next) => {
    const requestId = randomBytes(16).toString('hex');
    c.set('requestId', requestId);
    c.set('caller', SYSTEM);
    c.header('x-okta-request-id', requestId);
    const entry = sim.recorder.note({
      method: c.req.method,
      url: c.req.url,
      contentType: c.req.header('content-type') ?? '',
      authorization: c.req.header('authorization') ?? null,
      text: c.req.method === 'GET' ? '' : await c.req.text(),
      at: isoNow(sim),
    });
    await next();
    entry.status = c.env.outgoing.destroyed ? null : c.res.status;
  };
}

/** Applies the fault rule that matches this request, if any. */
function inject(sim: Simulation): MiddlewareHandler<OktaEnv> {
  return async (c, next) => {
    const { pathname, search } = new URL(c.req.url);
    const fault = sim.faults.take(c.req.method, pathname + search);
    if (fault?.delay_ms !== undefined) await sim.faults.pause(fault.delay_ms);
    if (fault?.hang === true) {
      await sim.faults.pause(2 ** 31 - 1);
      return cut(c);
    }
    if (fault?.only_says_done === true) return c.json({});
    if (fault?.drop_after_apply === true) {
      await next();
      return cut(c);
    }
    if (
      fault !== undefined &&
      (fault.status !== undefined || fault.okta_code !== undefined || fault.html_body === true)
    )
      return faulty(c, fault, sim.now());
    return await next();
  };
}

/** Closes the connection without an answer. */
function cut(c: Context<OktaEnv>): undefined {
  c.env.outgoing.destroy();
  // Unset it first: Hono would copy the dropped answer's headers into this shared constant.
  c.res = undefined;
  c.res = RESPONSE_ALREADY_SENT;
  return undefined;
}

function faulty(c: Context<OktaEnv>, fault: ActiveFault, now: number): Response {
  const status = fault.status ?? 500;
  const code = fault.okta_code ?? FAULT_CODES[status];
  if (status === 429) {
    c.header('x-rate-limit-remaining', '0');
    c.header('x-rate-limit-reset', String(Math.ceil(now / 1000) + 1));
  }
  if (fault.html_body === true) return c.html(HTML_PAGE, status);
  return c.json(errorBody(code, isOktaErrorCode(code) ? summaryOf(code) : 'Injected by the sandbox'), status);
}

function limitRate(sim: Simulation): MiddlewareHandler<OktaEnv> {
  return async (c, next) => {
    const state = sim.limits.take(c.req.method, c.req.path);
    c.header('x-rate-limit-limit', String(state.limit));
    c.header('x-rate-limit-remaining', String(state.remaining));
    c.header('x-rate-limit-reset', String(state.reset));
    return state.admitted ? await next() : send(c, new OktaError('E0000047'));
  };
}

/**
 * Checks authentication, then scope. A missing scope is an empty 403 that is named only in
 * `www-authenticate`, as Okta's gateway sends it.
 */
function admit(sim: Simulation): MiddlewareHandler<OktaEnv> {
  return async (c, next) => {
    const caller = await authenticate(sim, c.req.header('authorization'));
    c.set('caller', caller);
    const scope = scopeFor(c.req.method, c.req.path);
    if (scope !== null && !hasScope(caller, scope)) {
      c.header(
        'www-authenticate',
        `Bearer authorization_uri="${sim.url()}/oauth2/v1/authorize", realm="${sim.url()}", scope="${scope}", error="insufficient_scope", error_description="The access token provided does not contain the required scopes.", resource="${c.req.path}"`,
      );
      return c.body(null, 403);
    }
    // An app without an administrator role may read and sees nothing. Like an app that may only read, it
    // changes nothing.
    if (c.req.method !== 'GET' && caller.adminRoles.every((role) => READERS.includes(role)))
      throw new OktaError('E0000006');
    await next();
    if (c.req.method !== 'GET') sim.changed();
    return undefined;
  };
}

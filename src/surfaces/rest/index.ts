import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { App } from '#engine/app.ts';
import { authenticate, type Kernel } from './authenticate.ts';
import { jsonObject } from './body.ts';
import { problemOf, Refusal } from './faults.ts';
import { METADATA } from './meta.ts';
import { idempotencyKey, once } from './once.ts';
import { openApiDocument } from './openapi.ts';
import { queryOf, waitSeconds } from './query.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';
import { requireWho } from './who.ts';

/** The REST interface. Answers requests to its own paths, and null for all others. */
export interface RestSurface {
  readonly name: 'rest';
  fetch(request: Request): Promise<Response | null>;
}

/**
 * Creates the REST interface from the table of routes (`routes.ts`): tools, calls, approvals, the ledger, an
 * organisation's settings, `/v1/verify`, and the OpenAPI description of them. Every error is RFC 9457.
 */
export function restSurface(app: App, kernel: Kernel): RestSurface {
  const router = routerOf(app, kernel);
  return {
    name: 'rest',
    fetch: async (request) => {
      if (!MINE.has(nounOf(new URL(request.url).pathname))) return null;
      const response = await router.fetch(request);
      for (const [name, value] of Object.entries(SECURITY_HEADERS))
        if (!response.headers.has(name)) response.headers.set(name, value);
      if (app.baseUrl.startsWith('https:'))
        response.headers.set('strict-transport-security', 'max-age=31536000');
      return response;
    },
  };
}

/** `/v1/calls` of `/v1/calls/{id}`: what is below it is ours too, so that it gets a 404 of this interface. */
const nounOf = (path: string): string => /^\/v1\/[^/]+/.exec(path)?.[0] ?? path;
const MINE: ReadonlySet<string> = new Set(ROUTES.map(({ path }) => nounOf(path)));

// Not hono/secure-headers: eight of its headers would have to be turned off, and it has no cache-control.
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

interface Parts {
  readonly app: App;
  readonly kernel: Kernel;
  readonly openApi: string;
}

function routerOf(app: App, kernel: Kernel): Hono {
  const parts = { app, kernel, openApi: JSON.stringify(openApiDocument(app.catalogue), null, 2) };
  const router = new Hono();
  router.use(
    methodNotAllowed({
      app: router,
      onMethodNotAllowed: (_, methods) => {
        const allow = methods.filter((method) => method !== 'HEAD').join(', ');
        const refusal = new Refusal(405, 'method_not_allowed', `Only ${allow} is allowed here.`, { allow });
        return problemOf(refusal, app.log);
      },
    }),
  );
  for (const route of ROUTES)
    router.on(route.method, route.path.replaceAll(/\{(\w+)\}/g, ':$1'), ({ req }) =>
      answer(parts, route, req.raw, req.param()),
    );
  router.notFound(() =>
    problemOf(new Refusal(404, 'not_found', 'Not found. See /v1/openapi.json for all endpoints.'), app.log),
  );
  router.onError((error) => problemOf(error, app.log, `${app.baseUrl}${METADATA}`));
  return router;
}

/** Answers one request: who asks and whether they may, then query and body, then the handler. */
async function answer(
  parts: Parts,
  route: Route,
  request: Request,
  params: Readonly<Record<string, string>>,
): Promise<Response> {
  const { app, kernel } = parts;
  const caller = route.who === 'anybody' ? null : await authenticate(app, kernel, request);
  const key = caller === null || request.method === 'GET' ? null : idempotencyKey(request);
  if (caller !== null) requireWho(route.who, caller, params['tenantId']);
  const seconds = waitSeconds(request.headers.get('prefer'));
  const patience = { waitMs: seconds === null ? null : seconds * 1000, signal: request.signal };
  const asked = { ...parts, request, params, patience };
  const withKey = caller === null || key === null ? caller : { ...caller, idempotencyKey: key };
  if ('paths' in route)
    return sent(await route.handle({ ...asked, caller: withKey, query: undefined, body: undefined }), 200);
  const query = route.query === undefined ? {} : queryOf(route.query, new URL(request.url));
  const raw = route.body === undefined ? null : await jsonObject(request);
  const body = raw === null ? undefined : route.body?.parse(raw);
  const handled = async (by: typeof caller): Promise<Response> =>
    sent(await route.handle({ ...asked, caller: by, query, body }), route.answer.status);
  return route.once === 'answer' && withKey !== null
    ? once(app, withKey, request, raw, () => handled(caller))
    : handled(withKey);
}

const sent = (result: unknown, status: number): Response => {
  if (result instanceof Response) return result;
  return result === undefined ? new Response(null, { status }) : Response.json(result, { status });
};

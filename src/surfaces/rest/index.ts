import { Hono } from 'hono';
import { onlyTenant, RESOURCE_WELL_KNOWN, resourceMetadata } from '#domain/token/resource-metadata.ts';
import { issueAgentSecret } from '#engine/agent-secret.ts';
import { clientScopes } from '#engine/client-tools.ts';
import { publishedSchema } from '#engine/published.ts';
import { takesReason } from '#engine/reason.ts';
import type { App } from '#engine/app.ts';
import { Fault } from '#lib/fault.ts';
import { addApiKey, apiKeys, removeApiKey, requireAdmin } from './api-keys.ts';
import { authenticate, type Kernel } from './authenticate.ts';
import { jsonObject } from './body.ts';
import { problemOf, Refusal } from './faults.ts';
import { putIdentityProviders, showIdentityProviders, tryIdentityProviders } from './identity-providers.ts';
import { exportLedger, listLedger, listLedgerCheckpoints, makeCheckpoint } from './ledger.ts';
import { CheckpointsQuery, LedgerExportQuery, LedgerQuery } from './ledger-query.ts';
import { listApprovals, listCalls, showApproval, showCall } from './lists.ts';
import { idempotencyKey, once } from './once.ts';
import { openApiDocument } from './openapi.ts';
import { GOVERNANCE_ROUTES, useRule } from './policies.ts';
import { ApprovalsQuery, CallsQuery, queryOf, waitSeconds } from './query.ts';
import { rotateSigningKeys, showSigningKeys } from './signing-keys.ts';
import { putSpiffeBundle, removeSpiffeBundle, showSpiffeBundles } from './spiffe-bundles.ts';
import { previewTool, toolsFor, useTool } from './tools.ts';
import { verify } from './verify.ts';

/** The REST interface. Answers requests to its own paths, and null for all others. */
export interface RestSurface {
  readonly name: 'rest';
  fetch(request: Request): Promise<Response | null>;
}

const MINE =
  /^\/v1\/(?:agents|tools|calls|approvals|ledger|openapi\.json|tenants\/[^/]+|policies|scopes|mappings|verify)(?:\/|$)/;

/**
 * Creates the REST interface: tools, calls, approvals, the ledger, an organisation's settings, `/v1/verify`,
 * and the OpenAPI description of them. Every error is RFC 9457.
 */
export function restSurface(app: App, kernel: Kernel): RestSurface {
  const routes = routesOf(app, kernel);
  return {
    name: 'rest',
    fetch: async (request) => {
      const url = new URL(request.url);
      if (!MINE.test(url.pathname) && url.pathname !== METADATA) return null;
      const response = await routes.fetch(request);
      for (const [name, value] of Object.entries(SECURITY_HEADERS))
        if (!response.headers.has(name)) response.headers.set(name, value);
      if (app.baseUrl.startsWith('https:'))
        response.headers.set('strict-transport-security', 'max-age=31536000');
      return response;
    },
  };
}

const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const METADATA = `${RESOURCE_WELL_KNOWN}/v1`;
const PROVIDERS = '/v1/tenants/:tenant/identity-providers';
const BUNDLES = '/v1/tenants/:tenant/spiffe-bundles';
const API_KEYS = '/v1/tenants/:tenant/api-keys';
const SIGNING_KEYS = '/v1/tenants/:tenant/signing-keys';

function routesOf(app: App, kernel: Kernel): Hono {
  const routes = new Hono();
  const document = JSON.stringify(openApiDocument(app.catalogue), null, 2);
  const caller = async (request: Request) => {
    const who = await authenticate(app, kernel, request);
    const key = request.method === 'GET' ? null : idempotencyKey(request);
    return key === null ? who : { ...who, idempotencyKey: key };
  };
  const waitMs = (request: Request) => {
    const seconds = waitSeconds(request.headers.get('prefer'));
    return seconds === null ? null : seconds * 1000;
  };

  routes.get(
    '/v1/openapi.json',
    () =>
      new Response(document, {
        headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=60' },
      }),
  );
  routes.get(METADATA, async () => {
    const tenantId = await onlyTenant(app.database.sql);
    if (tenantId !== null)
      return resourceMetadata(app.baseUrl, `${app.baseUrl}/v1`, tenantId, clientScopes(app));
    const several = 'This server hosts several organisations, so this URL has no issuer of its own.';
    throw new Fault('not_found', several);
  });
  routes.get('/v1/tools', async ({ req }) => {
    const tools = await toolsFor(app, await caller(req.raw));
    return Response.json({
      tools: tools.map((entry) => {
        const { name, title, description, effects, scope } = entry.tool;
        const schemas = {
          input_schema: publishedSchema(entry.inputSchema),
          output_schema: publishedSchema(entry.outputSchema),
        };
        return {
          name,
          title,
          description,
          family: entry.family,
          effects,
          scope,
          takes_reason: takesReason(entry),
          ...schemas,
        };
      }),
    });
  });
  routes.post('/v1/tools/:name', async ({ req }) => {
    const who = await caller(req.raw);
    return useTool(app, who, req.param('name'), await jsonObject(req.raw), waitMs(req.raw), req.raw.signal);
  });
  routes.post('/v1/tools/:name/preview', async ({ req }) =>
    previewTool(app, await caller(req.raw), req.param('name'), await jsonObject(req.raw)),
  );
  routes.post('/v1/agents/:id/secret', async ({ req }) => {
    const who = await caller(req.raw);
    const { tenantId, actor, keyScopes } = who;
    const held = actor.kind === 'person' ? (actor.tokenScopes ?? []) : keyScopes;
    return once(app, who, req.raw, null, async () =>
      Response.json(await issueAgentSecret(app, tenantId, actor, held, req.param('id')), { status: 201 }),
    );
  });
  routes.get('/v1/calls', async ({ req }) =>
    Response.json(await listCalls(app, await caller(req.raw), queryOf(CallsQuery, new URL(req.url)))),
  );
  routes.get('/v1/calls/:id', async ({ req }) =>
    Response.json(
      await showCall(app, await caller(req.raw), req.param('id'), waitMs(req.raw) ?? 0, req.raw.signal),
    ),
  );
  routes.get('/v1/approvals', async ({ req }) =>
    Response.json(await listApprovals(app, await caller(req.raw), queryOf(ApprovalsQuery, new URL(req.url)))),
  );
  routes.get('/v1/approvals/:id', async ({ req }) =>
    Response.json(await showApproval(app, await caller(req.raw), req.param('id'))),
  );
  routes.get('/v1/ledger', async ({ req }) =>
    Response.json(await listLedger(app, await caller(req.raw), queryOf(LedgerQuery, new URL(req.url)))),
  );
  routes.get('/v1/ledger/export', async ({ req }) =>
    exportLedger(app, await caller(req.raw), queryOf(LedgerExportQuery, new URL(req.url))),
  );
  routes.get('/v1/ledger/checkpoints', async ({ req }) =>
    Response.json(await listLedgerCheckpoints(app, queryOf(CheckpointsQuery, new URL(req.url)))),
  );
  routes.post('/v1/ledger/checkpoints', async ({ req }) => {
    const who = await caller(req.raw);
    return once(app, who, req.raw, null, async () =>
      Response.json(await makeCheckpoint(app, who), { status: 201 }),
    );
  });

  const asked = async (req: { raw: Request; param(name: string): string | undefined }) => {
    const who = await caller(req.raw);
    requireAdmin(who, req.param('tenant') ?? '');
    return who;
  };
  routes.get(PROVIDERS, async ({ req }) => Response.json(await showIdentityProviders(app, await asked(req))));
  routes.put(PROVIDERS, async ({ req }) =>
    putIdentityProviders(app, await asked(req), await jsonObject(req.raw), waitMs(req.raw), req.raw.signal),
  );
  routes.post(`${PROVIDERS}/try`, async ({ req }) =>
    Response.json(await tryIdentityProviders(kernel, await asked(req), await jsonObject(req.raw))),
  );
  routes.get(BUNDLES, async ({ req }) => Response.json(await showSpiffeBundles(app, await asked(req))));
  routes.put(`${BUNDLES}/:domain`, async ({ req }) =>
    putSpiffeBundle(
      app,
      await asked(req),
      req.param('domain'),
      await jsonObject(req.raw),
      waitMs(req.raw),
      req.raw.signal,
    ),
  );
  routes.delete(`${BUNDLES}/:domain`, async ({ req }) =>
    removeSpiffeBundle(app, await asked(req), req.param('domain'), waitMs(req.raw), req.raw.signal),
  );
  routes.get(API_KEYS, async ({ req }) => Response.json(await apiKeys(app, await asked(req))));
  routes.post(API_KEYS, async ({ req }) => {
    const [who, body] = [await asked(req), await jsonObject(req.raw)];
    return once(app, who, req.raw, body, async () =>
      Response.json(await addApiKey(app, who, body), { status: 201 }),
    );
  });
  routes.get(SIGNING_KEYS, async ({ req }) => Response.json(await showSigningKeys(app, await asked(req))));
  routes.post(`${SIGNING_KEYS}/rotate`, async ({ req }) => {
    const who = await asked(req);
    return once(app, who, req.raw, null, async () =>
      Response.json(await rotateSigningKeys(app, who), { status: 201 }),
    );
  });
  routes.delete(`${API_KEYS}/:id`, async ({ req }) => {
    const who = await asked(req);
    return once(app, who, req.raw, null, async () => {
      await removeApiKey(app, who, req.param('id'));
      return new Response(null, { status: 204 });
    });
  });

  for (const [route, tool] of Object.entries(GOVERNANCE_ROUTES)) {
    const [method = '', path = ''] = route.split(' ');
    routes.on(method, path, async ({ req }) =>
      useRule(app, await caller(req.raw), tool, req.raw, waitMs(req.raw)),
    );
  }
  routes.post('/v1/verify', async ({ req }) => {
    const who = await caller(req.raw);
    return Response.json(await verify(app, kernel, who, await jsonObject(req.raw), req.raw.signal));
  });

  const methodOf = {
    '/v1/policies': 'GET, PUT',
    '/v1/policies/try': 'POST',
    '/v1/policies/requirements': 'PUT',
    '/v1/:rules{(?:scopes|mappings)}': 'GET, PUT, DELETE',
    '/v1/verify': 'POST',
    [PROVIDERS]: 'GET, PUT',
    [`${PROVIDERS}/try`]: 'POST',
    [BUNDLES]: 'GET',
    [`${BUNDLES}/:domain`]: 'PUT, DELETE',
    [API_KEYS]: 'GET, POST',
    [SIGNING_KEYS]: 'GET',
    [`${SIGNING_KEYS}/rotate`]: 'POST',
    [`${API_KEYS}/:id`]: 'DELETE',
    '/v1/tools/:name': 'POST',
    '/v1/tools/:name/preview': 'POST',
    '/v1/agents/:id/secret': 'POST',
    '/v1/ledger/export': 'GET',
    '/v1/ledger/checkpoints': 'GET, POST',
    '/v1/:list{(?:tools|calls|approvals|ledger|openapi\\.json)}': 'GET',
    '/v1/:list{(?:calls|approvals)}/:id': 'GET',
  };
  for (const [path, allow] of Object.entries(methodOf)) {
    routes.all(path, () => {
      throw new Refusal(405, 'method_not_allowed', `Only ${allow} is allowed here.`, { allow });
    });
  }
  routes.notFound(() =>
    problemOf(new Refusal(404, 'not_found', 'Not found. See /v1/openapi.json for all endpoints.'), app.log),
  );
  routes.onError((error) => problemOf(error, app.log, `${app.baseUrl}${METADATA}`));
  return routes;
}

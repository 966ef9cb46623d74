import { requireKeyScope, type ApiKey } from '#domain/tenant/api-key.ts';
import { Fault } from '#lib/fault.ts';
import { resourceTypes, schemas, serviceProviderConfig } from './discovery.ts';
import { errorResponse, httpFault, scimFaultOf } from './faults.ts';
import { scimResponse, type ScimApp, type ScimRequest } from './request.ts';
import { getUser, getUsers } from './users/read.ts';
import { deleteUser, patchUser, postUser, putUser } from './users/write.ts';

// The base path first, then its alias.
const BASES = ['/v1/scim/v2', '/scim/v2'] as const;

type Handler = (asked: ScimRequest, id: string) => Promise<Response> | Response;
type Methods = Readonly<Partial<Record<string, Handler>>>;

// For each endpoint below the base, the methods of the list and those of one object.
const ROUTES: Readonly<Record<string, { readonly all: Methods; readonly one?: Methods }>> = {
  Users: {
    all: { GET: getUsers, POST: postUser },
    one: { GET: getUser, PUT: putUser, PATCH: patchUser, DELETE: deleteUser },
  },
  ServiceProviderConfig: { all: { GET: (asked) => scimResponse(200, serviceProviderConfig(asked.base)) } },
  ResourceTypes: {
    all: { GET: (asked) => scimResponse(200, resourceTypes(asked.base, null)) },
    one: { GET: (asked, name) => scimResponse(200, resourceTypes(asked.base, name)) },
  },
  Schemas: {
    all: { GET: (asked) => scimResponse(200, schemas(asked.base, null)) },
    one: { GET: (asked, id) => scimResponse(200, schemas(asked.base, id)) },
  },
};

/**
 * Creates the SCIM 2.0 interface (RFC 7643, RFC 7644): Users and discovery, in the form that Okta and Entra
 * actually use. `fetch` answers null for paths outside of its bases. Every other answer is SCIM JSON,
 * refusals included. The key needs the scope `scim` and a `source`. It has no rate limit of its own, and also
 * deprovisions in a frozen tenant.
 */
export function scimSurface(app: ScimApp): {
  name: 'scim';
  fetch(request: Request): Promise<Response | null>;
} {
  return {
    name: 'scim',
    fetch: async (request) => {
      const { path, search } = split(request.url);
      const base = BASES.find((one) => path === one || path.startsWith(`${one}/`));
      if (base === undefined) return null;
      try {
        return await route(app, request, base, path.slice(base.length + 1), search);
      } catch (error) {
        return refusal(app, error);
      }
    },
  };
}

async function route(
  app: ScimApp,
  request: Request,
  base: string,
  rest: string,
  search: string,
): Promise<Response> {
  const key = await app.apiKey(request.headers.get('authorization'));
  requireKeyScope(key, 'scim');
  const asked: ScimRequest = {
    app,
    key,
    source: sourceOf(key),
    base: `${app.baseUrl}${base}`,
    query: new URLSearchParams(search),
    request,
  };
  // Clients send additional slashes at the end. No id of ours contains one.
  const [endpoint = '', id, ...more] = rest.replace(/\/+$/, '').split('/');
  const entry = Object.hasOwn(ROUTES, endpoint) ? ROUTES[endpoint] : undefined;
  const methods = id === undefined ? entry?.all : entry?.one;
  if (methods === undefined || more.length > 0)
    throw new Fault('not_found', `There is no "/${rest.slice(0, 80)}". See /ResourceTypes.`);
  const handler = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
  if (handler === undefined) return notAllowed(request.method, methods);
  return handler(asked, id === undefined ? '' : decoded(id));
}

function sourceOf(key: ApiKey): string {
  if (key.source !== null && key.source !== '') return key.source.toLowerCase();
  throw new Fault(
    'forbidden',
    `The API key "${key.name}" has no source. An administrator can create a SCIM key with a source (okta, entra).`,
  );
}

/** The path and the query of an absolute URL. Splits them without parsing the rest. */
function split(url: string): { path: string; search: string } {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const query = url.indexOf('?');
  if (start < 0) return { path: '/', search: '' };
  return query < 0
    ? { path: url.slice(start), search: '' }
    : { path: url.slice(start, query), search: url.slice(query + 1) };
}

function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function notAllowed(method: string, methods: Methods): Response {
  const allowed = Object.keys(methods).join(', ');
  const response = errorResponse(httpFault(405, `${method} is not allowed here. Use ${allowed}.`));
  response.headers.set('allow', allowed);
  return response;
}

function refusal(app: ScimApp, error: unknown): Response {
  const fault = scimFaultOf(error);
  if (fault.code === 'internal') app.log.error({ err: error }, 'scim');
  else if (fault.code === 'unavailable') app.log.warn({ err: fault.cause }, 'scim');
  return errorResponse(fault);
}

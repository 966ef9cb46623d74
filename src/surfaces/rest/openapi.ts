import type { z } from 'zod';
import type { Catalogue } from '#engine/catalogue.ts';
import { NAMED, PARAMETERS, RESPONSES, SCHEMAS, SECURITY } from './openapi-components.ts';
import { queryParameters, ref, schemaOf, type Json } from './openapi-parts.ts';
import type { DescribedRoute } from './route.ts';
import { ROUTES } from './routes.ts';

/**
 * The OpenAPI 3.1 description of the REST interface. It follows from the table of routes; the same catalogue
 * gives the same document in every installation.
 */
export function openApiDocument(catalogue: Catalogue): Json {
  const paths: Record<string, Json> = {};
  for (const route of ROUTES) {
    const described =
      'paths' in route
        ? route.paths(catalogue)
        : { [route.path]: { [route.method.toLowerCase()]: operationOf(route) } };
    for (const [path, operations] of Object.entries(described))
      paths[path] = { ...paths[path], ...(operations as Json) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Prokura REST API',
      version: '1',
      description:
        'Every tool is one POST. Each call is decided by policy when you make it, and may wait for an approval. Errors are RFC 9457 problem details with a stable `code`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ api_key: [] }, { delegation_token: [] }, { access_token: [] }],
    tags: [...new Set(catalogue.all.map((entry) => entry.family))].map((name) => ({ name })),
    paths,
    components: { schemas: SCHEMAS, responses: RESPONSES, parameters: PARAMETERS, securitySchemes: SECURITY },
  };
}

/** The reference to a schema that has a name in the document, or the schema itself. */
const named = (schema: z.ZodType): Json => {
  const name = NAMED.get(schema);
  return name === undefined ? schemaOf(schema) : ref(name);
};

function operationOf(route: DescribedRoute): Json {
  const { operationId, summary, description, who, body, answer } = route;
  const parameters = parametersOf(route);
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(who === 'caller' ? {} : { security: who === 'anybody' ? [] : [{ api_key: [] }] }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: body.required, content: body.content(named) } }),
    responses: {
      [answer.status]: {
        description: answer.description,
        ...(answer.content === undefined ? {} : { content: answer.content(named) }),
      },
      ...refusalsOf(route),
    },
  };
}

function parametersOf({ path, who, query, waits, once }: DescribedRoute): Json[] {
  return [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...(query === undefined ? [] : queryParameters(query)),
    ...(waits === true ? [ref('Wait', 'parameters')] : []),
    ...(once === undefined ? [] : [ref('Once', 'parameters')]),
    // It says whose organisation a person's own access token is for. API keys contain theirs.
    ...(who === 'caller' ? [ref('Tenant', 'parameters')] : []),
  ];
}

function refusalsOf({ method, path, who, waits, once, refusals = [] }: DescribedRoute): Json {
  const problem = ref('Problem', 'responses');
  return {
    ...(waits === true && method !== 'GET' ? { 202: ref('NotDoneYet', 'responses') } : {}),
    400: problem,
    ...(who === 'anybody' ? {} : { 401: ref('Unauthenticated', 'responses'), 403: problem }),
    ...(path.includes('{') ? { 404: problem } : {}),
    ...(once === undefined ? {} : { 409: problem }),
    ...Object.fromEntries(refusals.map((status) => [status, problem])),
    503: ref('Later', 'responses'),
  };
}

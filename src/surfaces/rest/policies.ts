import type { App } from '#engine/app.ts';
import type { Catalogue, CatalogueEntry } from '#engine/catalogue.ts';
import { isPlainText, jsonObject, plainText } from './body.ts';
import type { Caller } from './authenticate.ts';
import { queryParameters, type Json } from './openapi-parts.ts';
import { toolOperation } from './openapi-tool.ts';
import { parametersOf } from './query.ts';
import { derivedRoute, type Patience } from './route.ts';
import { useTool } from './tools.ts';

/** Where a policy text can be the body itself, as a file has it: then the query is the rest of the input. */
const TEXTS: ReadonlySet<string> = new Set(['policy_set', 'policy_try']);

/**
 * Uses the route's tool. The query is its input, but for a body of JSON. Throws as `useTool` does, and Fault
 * `invalid_input` for a parameter that is sent twice.
 */
const rule = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: `/v1/${string}`, tool: string) =>
  derivedRoute({
    method,
    path,
    who: 'caller',
    paths: (catalogue) => ruleOperation(catalogue, method, path, tool),
    handle: ({ app, caller, request, patience }) => useRule(app, caller, tool, request, patience),
  });

/** The routes of an organisation's rules. */
export const RULE_ROUTES = [
  rule('GET', '/v1/policies', 'policy_show'),
  rule('PUT', '/v1/policies', 'policy_set'),
  rule('POST', '/v1/policies/try', 'policy_try'),
  rule('PUT', '/v1/policies/requirements', 'policy_requirement_set'),
  rule('GET', '/v1/scopes', 'scope_list'),
  rule('PUT', '/v1/scopes', 'scope_set'),
  rule('DELETE', '/v1/scopes', 'scope_remove'),
  rule('GET', '/v1/mappings', 'group_mapping_list'),
  rule('PUT', '/v1/mappings', 'group_map'),
  rule('DELETE', '/v1/mappings', 'group_unmap'),
];

async function useRule(
  app: App,
  caller: Caller,
  tool: string,
  request: Request,
  patience: Patience,
): Promise<Response> {
  const asFile = TEXTS.has(tool) && isPlainText(request);
  const query = () => queryInput(new URL(request.url), app.catalogue.get(tool));
  const body =
    request.method === 'GET'
      ? query()
      : asFile
        ? { ...query(), text: await plainText(request) }
        : await jsonObject(request);
  return useTool(app, caller, tool, body, patience);
}

const NUMBERS: ReadonlySet<unknown> = new Set(['integer', 'number']);

/**
 * The query as the tool's input: digits are a number where its schema has one, and a text everywhere else.
 */
function queryInput(url: URL, entry: CatalogueEntry | undefined): Record<string, unknown> {
  const fields = (entry?.inputSchema['properties'] ?? {}) as Record<string, { type?: unknown }>;
  const isNumber = (name: string, value: string) =>
    Object.hasOwn(fields, name) && NUMBERS.has(fields[name]?.type) && /^\d{1,9}$/.test(value);
  return Object.fromEntries(
    [...parametersOf(url)].map(([name, value]) => [name, isNumber(name, value) ? Number(value) : value]),
  );
}

/** The tool's operation under this path. */
function ruleOperation(catalogue: Catalogue, method: string, path: string, tool: string): Json {
  const entry = catalogue.get(tool);
  if (entry === undefined) throw new Error(`the route ${method} ${path} uses ${tool}, which is not there`);
  const verb = method.toLowerCase();
  const { requestBody, ...rest } = toolOperation(entry);
  const body = method === 'GET' ? {} : { requestBody: TEXTS.has(tool) ? withFile(requestBody) : requestBody };
  const query = method === 'GET' ? queryParameters(entry.tool.input) : [];
  const parameters = [...(rest['parameters'] as Json[]), ...query];
  return { [path]: { [verb]: { ...rest, ...body, parameters, operationId: `${verb}_${tool}` } } };
}

/** The body as JSON, or the policy text alone as a file has it. */
const withFile = (body: unknown): Json => {
  const { content } = body as { content: Json };
  const text = {
    schema: { type: 'string', description: 'The whole Cedar text; the rest of the input is the query.' },
  };
  return { ...(body as Json), content: { ...content, 'text/plain': text } };
};

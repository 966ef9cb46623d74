import type { App } from '#engine/app.ts';
import type { Catalogue } from '#engine/catalogue.ts';
import { isPlainText, jsonObject, plainText } from './body.ts';
import type { Caller } from './authenticate.ts';
import { queryParameters, type Json } from './openapi-parts.ts';
import { toolOperation } from './openapi-tool.ts';
import { derivedRoute, type Patience } from './route.ts';
import { useTool } from './tools.ts';

/** Where a policy text can be the body itself, as a file has it: then the query is the rest of the input. */
const TEXTS: ReadonlySet<string> = new Set(['policy_set', 'policy_try']);

/**
 * A route of an organisation's rules, which uses one tool, with requests and answers as under `/v1/tools`. The
 * query of a GET is its input; values of digits become numbers.
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
  const body =
    request.method === 'GET'
      ? queryInput(new URL(request.url))
      : asFile
        ? { ...queryInput(new URL(request.url)), text: await plainText(request) }
        : await jsonObject(request);
  return useTool(app, caller, tool, body, patience);
}

const queryInput = (url: URL): Record<string, unknown> =>
  Object.fromEntries(
    [...url.searchParams].map(([name, value]) => [name, /^\d{1,9}$/.test(value) ? Number(value) : value]),
  );

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

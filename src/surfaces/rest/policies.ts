import type { App } from '#engine/app.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { isPlainText, jsonObject, plainText } from './body.ts';
import type { Caller } from './authenticate.ts';
import { parametersOf } from './query.ts';
import { useTool } from './tools.ts';

/**
 * The routes of an organisation's rules. Each uses one tool, with requests and answers as under `/v1/tools`.
 */
export const GOVERNANCE_ROUTES = {
  'GET /v1/policies': 'policy_show',
  'PUT /v1/policies': 'policy_set',
  'POST /v1/policies/try': 'policy_try',
  'PUT /v1/policies/requirements': 'policy_requirement_set',
  'GET /v1/scopes': 'scope_list',
  'PUT /v1/scopes': 'scope_set',
  'DELETE /v1/scopes': 'scope_remove',
  'GET /v1/mappings': 'group_mapping_list',
  'PUT /v1/mappings': 'group_map',
  'DELETE /v1/mappings': 'group_unmap',
} as const;

/** Where a policy text can be the body itself, as a file has it: then the query is the rest of the input. */
const TEXTS: ReadonlySet<string> = new Set(['policy_set', 'policy_try']);

/** Whether the route of this tool takes a policy text as its whole body. */
export const takesFile = (tool: string): boolean => TEXTS.has(tool);

/**
 * Uses the route's tool. The query is its input, but for a body of JSON. Throws as `useTool` does, and Fault
 * `invalid_input` for a parameter that is sent twice.
 */
export async function useRule(
  app: App,
  caller: Caller,
  tool: string,
  request: Request,
  waitMs: number | null,
): Promise<Response> {
  const asFile = takesFile(tool) && isPlainText(request);
  const query = () => queryInput(new URL(request.url), app.catalogue.get(tool));
  const body =
    request.method === 'GET'
      ? query()
      : asFile
        ? { ...query(), text: await plainText(request) }
        : await jsonObject(request);
  return useTool(app, caller, tool, body, waitMs, request.signal);
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

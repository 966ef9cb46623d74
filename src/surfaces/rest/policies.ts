import type { App } from '#engine/app.ts';
import { isPlainText, jsonObject, plainText } from './body.ts';
import type { Caller } from './authenticate.ts';
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
 * Uses the route's tool. The query of a GET is its input; values of digits become numbers. Throws as
 * `useTool` does.
 */
export async function useRule(
  app: App,
  caller: Caller,
  tool: string,
  request: Request,
  waitMs: number | null,
): Promise<Response> {
  const asFile = takesFile(tool) && isPlainText(request);
  const body =
    request.method === 'GET'
      ? queryInput(new URL(request.url))
      : asFile
        ? { ...queryInput(new URL(request.url)), text: await plainText(request) }
        : await jsonObject(request);
  return useTool(app, caller, tool, body, waitMs, request.signal);
}

const queryInput = (url: URL): Record<string, unknown> =>
  Object.fromEntries(
    [...url.searchParams].map(([name, value]) => [name, /^\d{1,9}$/.test(value) ? Number(value) : value]),
  );

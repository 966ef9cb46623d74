import type { App } from '#engine/app.ts';
import { jsonObject } from './body.ts';
import type { Caller } from './authenticate.ts';
import { useTool } from './tools.ts';

/**
 * The routes of an organisation's rules. Each uses one tool, with requests and answers as under `/v1/tools`.
 */
export const GOVERNANCE_ROUTES = {
  'GET /v1/policies': 'policy_show',
  'PUT /v1/policies': 'policy_set',
  'POST /v1/policies/try': 'policy_try',
  'GET /v1/scopes': 'scope_list',
  'PUT /v1/scopes': 'scope_set',
  'DELETE /v1/scopes': 'scope_remove',
  'GET /v1/mappings': 'group_mapping_list',
  'PUT /v1/mappings': 'group_map',
  'DELETE /v1/mappings': 'group_unmap',
} as const;

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
  const body = request.method === 'GET' ? queryInput(new URL(request.url)) : await jsonObject(request);
  return useTool(app, caller, tool, body, waitMs, request.signal);
}

const queryInput = (url: URL): Record<string, unknown> =>
  Object.fromEntries(
    [...url.searchParams].map(([name, value]) => [name, /^\d{1,9}$/.test(value) ? Number(value) : value]),
  );

import { z } from 'zod';
import { listApiKeys, newKeySecret } from '#domain/tenant/api-key.ts';
import { ApiKeyView, apiKeyView, NewApiKey } from '#domain/tenant/new-key.ts';
import type { App } from '#engine/app.ts';
import { readonly } from '#engine/transact.ts';
import { sha256 } from '#lib/crypto.ts';
import { withTool, type Caller } from './authenticate.ts';
import { answerOf, bodyOf, done, route, type Patience } from './route.ts';
import { toolOutput, useTool } from './tools.ts';

/** A new key, with its secret. */
const CreatedApiKey = ApiKeyView.extend({
  api_key: z
    .string()
    .describe('Send it as "Authorization: Bearer …". It is shown only once, so save it now.'),
});

/**
 * Makes a secret and calls `api_key_create` with its digest, so the secret is in this answer and nowhere
 * else. If the organisation's policies require an approval, the answer is 202 and has the secret too; it
 * works once the key is approved.
 */
async function addApiKey(
  app: App,
  caller: Caller,
  asked: NewApiKey,
  patience: Patience,
): Promise<Response | z.infer<typeof CreatedApiKey>> {
  const secret = newKeySecret(app.mode);
  const shown = { api_key: `${caller.tenantId}:${secret}` };
  const tool = 'api_key_create';
  const input = { ...asked, secret_sha256: sha256(secret) };
  const answer = await toolOutput(app, withTool(caller, tool), tool, input, patience);
  if (!(answer instanceof Response)) return { ...ApiKeyView.parse(answer), ...shown };
  if (answer.status !== 202) return answer;
  const waiting = (await answer.json()) as Record<string, unknown>;
  return Response.json(
    { ...waiting, ...shown },
    { status: 202, headers: { location: answer.headers.get('location') ?? '' } },
  );
}

/** Revokes a key with `api_key_revoke`. */
async function removeApiKey(app: App, caller: Caller, key: string, patience: Patience): Promise<Response> {
  const tool = 'api_key_revoke';
  const answer = await useTool(app, withTool(caller, tool), tool, { key }, patience);
  return answer.status === 200 ? new Response(null, { status: 204 }) : answer;
}

const PATH = '/v1/tenants/{tenantId}/api-keys';

/** The routes of API keys. */
export const API_KEY_ROUTES = [
  route({
    method: 'GET',
    path: PATH,
    who: 'admin',
    operationId: 'listApiKeys',
    summary: 'Lists all API keys, without their secrets (API key with `admin`)',
    answer: answerOf(z.object({ api_keys: z.array(ApiKeyView) })),
    handle: async ({ app, caller }) => ({
      api_keys: (await readonly(app, caller.tenantId, listApiKeys)).map(apiKeyView),
    }),
  }),
  route({
    method: 'POST',
    path: PATH,
    who: 'admin',
    operationId: 'createApiKey',
    summary: 'Creates an API key and returns its secret once (API key with `admin`)',
    description:
      'If a policy of the organisation requires an approval, the response is 202 and also contains `api_key`, which works once the request is approved.',
    body: bodyOf(NewApiKey),
    waits: true,
    once: 'answer',
    answer: answerOf(CreatedApiKey, 201),
    handle: ({ app, caller, body, patience }) => addApiKey(app, caller, body, patience),
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/{id}`,
    who: 'admin',
    operationId: 'revokeApiKey',
    summary: 'Revokes an API key: its next request is rejected (API key with `admin`)',
    waits: true,
    once: 'call',
    answer: done('Revoked.'),
    handle: ({ app, caller, params, patience }) => removeApiKey(app, caller, params.id, patience),
  }),
];

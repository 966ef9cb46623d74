import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import {
  createApiKey,
  KEY_SCOPES,
  LOOKING_KEY_SCOPES,
  listApiKeys,
  RESOURCE_KEY_SCOPES,
  revokeApiKey,
  type ListedApiKey,
} from '#domain/tenant/api-key.ts';
import { findResourceServer } from '#domain/resource/store.ts';
import { actingScopes, unusableScopes } from '#domain/tenant/key-grant.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { oneLine } from '#lib/one-line.ts';
import type { Caller } from './authenticate.ts';
import { answerOf, bodyOf, done, route } from './route.ts';

/** The body of a request for a new key. */
const NewApiKey = z.strictObject({
  name: oneLine(1, 100).describe('What the key is for. It is shown in the ledger.'),
  scopes: z
    .array(z.string().min(1).max(100))
    .max(50)
    .describe(
      `Read-only scopes: ${LOOKING_KEY_SCOPES.join(', ')}, or names of tools that only read. Two IT admins can add scopes that make changes, in Slack with /apikey grant.`,
    ),
  resource: z
    .string()
    .max(500)
    .optional()
    .describe(
      `Identifier of the resource server that uses the key. Such a key can only have ${RESOURCE_KEY_SCOPES.join(' and ')}, for tokens and scopes of that resource server.`,
    ),
});

/** A key as it is listed. Its secret was in the answer that created it, and is stored nowhere. */
const ApiKeyView = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  source: z.string().nullable(),
  resource: z.string().nullable().describe('The resource server that uses the key.'),
  created_at: z.iso.datetime(),
  revoked_at: z.iso.datetime().nullable(),
});

/** A new key, with its secret. */
const CreatedApiKey = ApiKeyView.extend({
  api_key: z
    .string()
    .describe('Send it as "Authorization: Bearer …". It is shown only once, so save it now.'),
});

/**
 * Creates a key that only reads. Throws Fault `invalid_input` for a scope that no key can have, and
 * `forbidden` for one that acts or governs: nobody knows which person holds a key, so keys must not create
 * keys that can do more than read. Humans grant such scopes (`api_key_grant`).
 */
async function addApiKey(
  app: App,
  { tenantId, actor }: Caller,
  asked: z.infer<typeof NewApiKey>,
): Promise<z.infer<typeof CreatedApiKey>> {
  const scopes = [...new Set(asked.scopes)];
  const tools = app.catalogue.all.map(({ tool }) => tool);
  const wrong = unusableScopes(tools, scopes);
  if (wrong.length > 0)
    throw invalid(
      'scopes',
      `An API key cannot have ${wrong.join(', ')}. Use ${KEY_SCOPES.join(', ')}, or tool names.`,
    );
  const acting = actingScopes(tools, scopes);
  if (acting.length > 0)
    throw new Fault(
      'forbidden',
      `An API key can only create read-only keys. Create this key without ${acting.join(', ')}. Then an IT admin can grant these scopes in Slack with /apikey grant and the key ID, and another IT admin must approve.`,
      { detail: { reason: 'humans_grant_this', scopes: acting } },
    );
  const { name, resource = null } = asked;
  if (resource !== null && scopes.some((scope) => !RESOURCE_KEY_SCOPES.includes(scope)))
    throw invalid(
      'resource',
      `A key of a resource server can only have ${RESOURCE_KEY_SCOPES.join(' and ')}.`,
    );
  return transact(app, tenantId, async (ctx) => {
    if (resource !== null && (await findResourceServer(ctx, resource)) === null)
      throw invalid(
        'resource',
        `There is no resource server ${resource}. IT admins can register one in Slack: /resource server set.`,
      );
    const { id, presented } = await createApiKey(ctx, app.mode, { name, scopes, resource }, actorName(actor));
    const key = { id, name, scopes, source: null, resource, createdAt: ctx.now, revokedAt: null };
    return { ...keyView(key), api_key: presented };
  });
}

/** Every key of the tenant, revoked ones too. */
async function apiKeys(app: App, { tenantId }: Caller) {
  return { api_keys: (await readonly(app, tenantId, listApiKeys)).map(keyView) };
}

/** Revokes a key. Throws Fault `not_found`, and `conflict` for the last key with `admin`. */
async function removeApiKey(app: App, { tenantId, actor }: Caller, keyId: string): Promise<void> {
  await transact(app, tenantId, (ctx) => revokeApiKey(ctx, keyId, actorName(actor)));
}

const invalid = (field: string, problem: string): Fault =>
  new Fault('invalid_input', problem, { detail: { problems: [{ field, problem }] } });

const keyView = (key: ListedApiKey): z.infer<typeof ApiKeyView> => ({
  id: key.id,
  name: key.name,
  scopes: [...key.scopes],
  source: key.source,
  resource: key.resource,
  created_at: key.createdAt.toISOString(),
  revoked_at: key.revokedAt?.toISOString() ?? null,
});

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
    handle: ({ app, caller }) => apiKeys(app, caller),
  }),
  route({
    method: 'POST',
    path: PATH,
    who: 'admin',
    operationId: 'createApiKey',
    summary: 'Creates an API key and returns its secret once (API key with `admin`)',
    body: bodyOf(NewApiKey),
    once: 'answer',
    answer: answerOf(CreatedApiKey, 201),
    handle: ({ app, caller, body }) => addApiKey(app, caller, body),
  }),
  route({
    method: 'DELETE',
    path: `${PATH}/{id}`,
    who: 'admin',
    operationId: 'revokeApiKey',
    summary: 'Revokes an API key: its next request is rejected (API key with `admin`)',
    once: 'answer',
    answer: done('Revoked.'),
    handle: async ({ app, caller, params }) => {
      await removeApiKey(app, caller, params.id);
    },
  }),
];

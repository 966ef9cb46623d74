import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import {
  ADMIN_SCOPE,
  createApiKey,
  KEY_SCOPES,
  listApiKeys,
  revokeApiKey,
  type ListedApiKey,
} from '#domain/tenant/api-key.ts';
import { identityProvidersDocument } from '#domain/tenant/identity-providers.ts';
import { issuerHash } from '#domain/token/providers/oidc.ts';
import type { TenantReader } from '#domain/context.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { readOrFault } from '#lib/problems.ts';
import type { Caller } from './authenticate.ts';

/** Providers that SCIM keys may speak for, besides generic ones, which are named by their issuer. */
const SOURCES = ['okta', 'entra', 'cognito'];

export const NewApiKey = z.strictObject({
  name: z.string().trim().min(1).max(100).describe('What it is for; the ledger names it.'),
  scopes: z
    .array(z.string().min(1).max(100))
    .min(1)
    .max(50)
    .describe(`${KEY_SCOPES.join(', ')}, or names of tools.`),
  source: z
    .string()
    .max(500)
    .optional()
    .describe(
      'For the scope scim, and only there: whose directory it carries. okta, entra, cognito, or the issuer of a configured generic provider.',
    ),
});

/** A key as it is listed: its secret was in the answer that made it, and is nowhere since. */
export const ApiKeyView = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  source: z.string().nullable(),
  created_at: z.iso.datetime(),
  revoked_at: z.iso.datetime().nullable(),
});

export const CreatedApiKey = ApiKeyView.extend({
  api_key: z.string().describe('Present it as "Authorization: Bearer …". It is shown this once.'),
});

/** Throws Fault `not_found` where the path names another organisation than the key's, `forbidden` where the caller is no API key with `admin`. */
export function requireAdmin(caller: Caller, named: string): void {
  const { tenantId, actor, keyScopes } = caller;
  if (named !== tenantId)
    throw new Fault('not_found', 'There is no such organisation for this credential. Look at the tenant id.');
  if (actor.kind === 'service' && keyScopes.includes(ADMIN_SCOPE)) return;
  throw lacksKeyScope(caller, ADMIN_SCOPE);
}

/** What a caller is told who lacks a scope that API keys alone can have, with the request that makes such a key. */
export function lacksKeyScope({ tenantId, actor }: Caller, scope: string): Fault {
  const who = actor.kind === 'service' ? 'This API key lacks' : 'This takes an API key that has';
  return new Fault(
    'forbidden',
    `${who} the scope ${scope}. An administrator makes such a key with one that has ${ADMIN_SCOPE}: ` +
      `POST /v1/tenants/${tenantId}/api-keys with {"name": "…", "scopes": ["${scope}"]}.`,
    { detail: { required_scope: scope } },
  );
}

/** Makes a key. Fault `invalid_input` for a scope that no key can use. */
export async function addApiKey(
  app: App,
  { tenantId, actor }: Caller,
  body: unknown,
): Promise<z.infer<typeof CreatedApiKey>> {
  const asked = parsed(NewApiKey, body);
  const scopes = [...new Set(asked.scopes)];
  const wrong = scopes.filter((scope) => !isScope(app, scope));
  if (wrong.length > 0)
    throw invalid(
      'scopes',
      `No API key can have ${wrong.join(', ')}. Take ${KEY_SCOPES.join(', ')}, or names of tools.`,
    );
  if (scopes.includes('scim') !== (asked.source !== undefined))
    throw invalid('source', 'A key with the scope scim names its source, and no other key does.');
  return transact(app, tenantId, async (ctx) => {
    const source = asked.source === undefined ? null : await sourceOf(ctx, asked.source);
    const { id, presented } = await createApiKey(
      ctx,
      app.mode,
      { name: asked.name, scopes, ...(source === null ? {} : { source }) },
      actorName(actor),
    );
    const key = { id, name: asked.name, scopes, source, createdAt: ctx.now, revokedAt: null };
    return { ...keyView(key), api_key: presented };
  });
}

export async function apiKeys(app: App, { tenantId }: Caller) {
  return { api_keys: (await readonly(app, tenantId, listApiKeys)).map(keyView) };
}

/** Fault `not_found`; `conflict` for the last key with `admin`. */
export async function removeApiKey(app: App, { tenantId, actor }: Caller, keyId: string): Promise<void> {
  await transact(app, tenantId, (ctx) => revokeApiKey(ctx, keyId, actorName(actor)));
}

/** A body as its schema reads it, or Fault `invalid_input` with `detail.problems`. */
export const parsed = <S extends z.ZodType>(schema: S, body: unknown): z.infer<S> =>
  readOrFault(schema, body, 'The body is not valid');

// What is for people only, a key can never use: a scope that means nothing would only mislead.
function isScope({ catalogue }: App, scope: string): boolean {
  const tool = catalogue.get(scope)?.tool;
  return KEY_SCOPES.some((one) => one === scope) || (tool !== undefined && tool.only !== 'people');
}

async function sourceOf(reader: TenantReader, source: string): Promise<string> {
  if (SOURCES.includes(source)) return source;
  const { oidc = [] } = await identityProvidersDocument(reader);
  if (oidc.some(({ issuer }) => issuer === source)) return issuerHash(source);
  throw invalid(
    'source',
    `Take ${SOURCES.join(', ')}, or the issuer of a generic provider that is configured.`,
  );
}

const invalid = (field: string, problem: string): Fault =>
  new Fault('invalid_input', problem, { detail: { problems: [{ field, problem }] } });

const keyView = (key: ListedApiKey): z.infer<typeof ApiKeyView> => ({
  id: key.id,
  name: key.name,
  scopes: [...key.scopes],
  source: key.source,
  created_at: key.createdAt.toISOString(),
  revoked_at: key.revokedAt?.toISOString() ?? null,
});

import { and, eq } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { issuerHash } from '../token/subject/providers/oidc.ts';
import { KEY_SCOPES, LOOKING_KEY_SCOPES, RESOURCE_KEY_SCOPES, type ListedApiKey } from './api-key.ts';
import { identityProvidersDocument } from './identity-providers.ts';
import { apiKeys } from './tables.ts';

/** What must be known about a tool to judge a key's scope; keys name tools by their names. */
export interface NamedTool {
  readonly name: string;
  readonly effects: string;
  readonly only?: 'people' | undefined;
}

/** Providers that a SCIM key may act for. Generic providers are named by their issuer instead. */
const SOURCES = ['okta', 'entra', 'cognito'];

/** The scopes that no key can have: unknown ones, which would mislead, and tools that are for people only. */
export const unusableScopes = (tools: readonly NamedTool[], scopes: readonly string[]): string[] =>
  scopes.filter(
    (scope) =>
      !KEY_SCOPES.some((one) => one === scope) &&
      !tools.some(({ name, only }) => name === scope && only !== 'people'),
  );

/**
 * The scopes that do more than read: they change something, or say what others may do. Only people may grant
 * them.
 */
export const actingScopes = (tools: readonly NamedTool[], scopes: readonly string[]): string[] =>
  scopes.filter(
    (scope) =>
      !LOOKING_KEY_SCOPES.some((one) => one === scope) &&
      !tools.some(({ name, effects }) => name === scope && (effects === 'read' || effects === 'look')),
  );

/** The scopes that two administrators add to a key. */
export interface KeyGrant {
  readonly key: string;
  readonly scopes: readonly string[];
  /** Required for the scope `scim`, and only there: the directory that the key acts for. */
  readonly source?: string | undefined;
}

interface CheckedGrant {
  readonly key: ListedApiKey;
  /** All scopes that the key has afterwards. */
  readonly scopes: readonly string[];
  readonly source: string | null;
}

/**
 * The key as it would be. Throws Fault `not_found`, `conflict` (revoked, a resource server's key, or nothing
 * would change) and `invalid_input` for a source that does not fit the scopes. Does not check that the scopes
 * exist: the caller does.
 */
export async function checkKeyGrant(
  reader: TenantReader,
  { key: id, scopes, source }: KeyGrant,
): Promise<CheckedGrant> {
  const [key] = await reader.db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.tenantId, reader.tenantId), eq(apiKeys.id, id)));
  if (key === undefined) throw new Fault('not_found', 'API key not found.');
  if (key.revokedAt !== null) throw new Fault('conflict', 'This API key is revoked. Choose another key.');
  const after = [...new Set([...key.scopes, ...scopes])];
  if (after.length === key.scopes.length)
    throw new Fault('conflict', 'This API key already has these scopes.');
  if (key.resource !== null && scopes.some((scope) => !RESOURCE_KEY_SCOPES.includes(scope)))
    throw new Fault(
      'conflict',
      `This API key is for ${key.resource}, so it can only have ${RESOURCE_KEY_SCOPES.join(' and ')}. Choose another key.`,
    );
  if (scopes.includes('scim') !== (source !== undefined))
    throw invalidSource('Set source with the scope scim, and only with it.');
  return { key, scopes: after, source: source === undefined ? key.source : await sourceOf(reader, source) };
}

/**
 * Grants the scopes in the caller's transaction and checks again there; faults as in `checkKeyGrant`. They
 * apply from the key's next request on.
 */
export async function grantToKey(
  ctx: TenantWriter,
  grant: KeyGrant,
  by: { readonly actor: string; readonly callId: string },
): Promise<CheckedGrant> {
  const mine = and(eq(apiKeys.tenantId, ctx.tenantId), eq(apiKeys.id, grant.key));
  await ctx.db.select({ id: apiKeys.id }).from(apiKeys).where(mine).for('update');
  const checked = await checkKeyGrant(ctx, grant);
  const { key, scopes, source } = checked;
  await ctx.db
    .update(apiKeys)
    .set({ scopes: [...scopes], source })
    .where(mine);
  ctx.record({
    event: 'key_granted',
    actor: by.actor,
    data: { key_id: key.id, name: key.name, granted: grant.scopes, scopes, source, call_id: by.callId },
  });
  return checked;
}

async function sourceOf(reader: TenantReader, source: string): Promise<string> {
  if (SOURCES.includes(source)) return source;
  const { oidc = [] } = await identityProvidersDocument(reader);
  if (oidc.some(({ issuer }) => issuer === source)) return issuerHash(source);
  throw invalidSource(`Use ${SOURCES.join(', ')}, or the issuer of a configured generic provider.`);
}

const invalidSource = (problem: string): Fault => new Fault('invalid_input', problem, { field: 'source' });

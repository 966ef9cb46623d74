import { and, asc, eq, isNull } from 'drizzle-orm';
import type { Sql } from 'postgres';
import { reachInTime } from '#db/reach.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { gather } from '#lib/gather.ts';
import { isId, newId, newSecret } from '#lib/id.ts';
import { credentialOf } from '#lib/authorization.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { apiKeys } from './tables.ts';

/** An API key that was presented and is valid. */
export interface ApiKey {
  readonly tenantId: string;
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly source: string | null;
  /**
   * The resource server that holds the key; such a key learns of tokens for that server only
   * (`audiencesOfKey`). Null: none.
   */
  readonly resource: string | null;
  /**
   * False if the organisation does not accept API keys at its REST API (`enabled_providers` without
   * `API_KEY`). SCIM and introspection still accept them.
   */
  readonly restEnabled: boolean;
}

/** The scopes of a key that are not names of tools. */
export const KEY_SCOPES = [
  'admin',
  'agent.manage',
  'calls:read',
  'introspect',
  'ledger:read',
  'scim',
  'verify',
] as const;
/** The scopes that only read, or answer whether something is allowed. The others act or govern. */
export const LOOKING_KEY_SCOPES = [
  'calls:read',
  'introspect',
  'ledger:read',
  'verify',
] as const satisfies readonly (typeof KEY_SCOPES)[number][];
/**
 * All scopes that a resource server's key can have. It learns of tokens for that server and of nothing else.
 */
export const RESOURCE_KEY_SCOPES: readonly string[] = [
  'introspect',
  'verify',
] satisfies (typeof KEY_SCOPES)[number][];
/** The scope to manage identity providers and API keys. */
export const ADMIN_SCOPE = 'admin' satisfies (typeof KEY_SCOPES)[number];

/** A presented key: tenant id, colon, secret. */
const KEY = /^(tnt_[0-9a-z]{26}):(mk_(?:live|test)_[0-9a-z]{52})$/i;

const REFUSAL =
  'Send an API key in the Authorization header: Bearer, then the tenant ID, a colon and the key. This key is missing, malformed, unknown or revoked.';

/**
 * Checks an API key. Reads `Authorization: Bearer tnt_x:mk_live_y` (Okta and Entra send the same text) and
 * looks the key up by its digest as it is now; look-ups that are started together become one query per
 * tenant. Throws Fault `unauthenticated` for everything else, without saying which part was wrong, and
 * `unavailable` if the database cannot be reached. Does not check scopes.
 */
export type ApiKeyCheck = (header: string | null) => Promise<ApiKey>;

interface KeyRow {
  readonly hash: string;
  readonly id: string;
  readonly name: string;
  readonly scopes: string[];
  readonly source: string | null;
  readonly resource: string | null;
  readonly rest_enabled: boolean;
}

/** Creates the check. `mode` decides which kind of key is accepted: a test key works only in a sandbox. */
export function createApiKeyCheck(sql: Sql, mode: 'sandbox' | 'live'): ApiKeyCheck {
  const find = gather<string, KeyRow | undefined>(async (tenantId, hashes) => {
    const rows = await reachInTime(
      sql<
        { row: KeyRow }[]
      >`select hot_api_keys(${tenantId}, ${[...new Set(hashes)]}) as row where primary_only()`.then((all) => [
        ...all,
      ]),
    );
    return hashes.map((hash) => rows.find(({ row }) => row.hash === hash)?.row);
  });
  return async (header) => {
    const presented = credentialOf(header);
    const form = presented?.scheme === 'bearer' ? KEY.exec(presented.token) : null;
    const [tenantId, secret] = [form?.[1], form?.[2]];
    if (tenantId === undefined || secret === undefined || !isId('tnt', tenantId))
      throw new Fault('unauthenticated', REFUSAL);
    if (secret.startsWith('mk_test_') && mode === 'live')
      throw new Fault(
        'unauthenticated',
        'This is a test key, which works only in a sandbox. Create a live key.',
      );
    const key = await find(tenantId, sha256(secret));
    if (key === undefined) throw new Fault('unauthenticated', REFUSAL);
    const { id, name, scopes, source, resource, rest_enabled: restEnabled } = key;
    return { tenantId, id, name, scopes, source, resource, restEnabled };
  };
}

/** Throws Fault `forbidden` if the key lacks a scope. */
export function requireKeyScope(key: ApiKey, scope: string): void {
  if (!key.scopes.includes(scope)) {
    throw new Fault(
      'forbidden',
      `The API key "${key.name}" lacks the scope ${scope}. An administrator can create a key that has it.`,
      { detail: { required_scope: scope } },
    );
  }
}

/** A new secret of a key. A test key works only in a sandbox. */
export const newKeySecret = (mode: 'sandbox' | 'live'): string =>
  `mk_${mode === 'live' ? 'live' : 'test'}_${newSecret()}`;

/** What a new key is. `hash` is the SHA-256 of its secret, all that is stored of it. */
interface KeyToAdd {
  readonly name: string;
  readonly hash: string;
  readonly scopes: readonly string[];
  readonly source?: string | null | undefined;
  readonly resource?: string | null | undefined;
}

/** Who changes a key, for the ledger. `callId` is absent where no call does. */
interface ChangedBy {
  readonly actor: string;
  readonly callId?: string;
}

/** Adds a key. Throws Fault `conflict` if there is a key with the same secret. Does not check its scopes. */
export async function addApiKey(
  ctx: TenantWriter,
  { name, hash, scopes, source = null, resource = null }: KeyToAdd,
  by: ChangedBy,
): Promise<ListedApiKey> {
  const id = newId('akey');
  const key = { id, name, scopes: [...scopes], source, resource };
  const added = await ctx.db
    .insert(apiKeys)
    .values({ tenantId: ctx.tenantId, hash, ...key })
    .onConflictDoNothing()
    .returning({ id: apiKeys.id });
  if (added.length === 0)
    throw new Fault('conflict', 'There is already an API key with this secret. Use a new secret.');
  ctx.record({
    event: 'key_created',
    actor: by.actor,
    data: { key_id: id, name, scopes, resource: key.resource ?? undefined, call_id: by.callId },
  });
  return { ...key, createdAt: ctx.now, revokedAt: null };
}

/**
 * Creates a key with a new secret. Only the answer contains the secret. `by` is the actor, for the ledger.
 */
export async function createApiKey(
  ctx: TenantWriter,
  mode: 'sandbox' | 'live',
  key: Omit<KeyToAdd, 'hash'>,
  by = 'prokura',
): Promise<{ id: string; presented: string }> {
  const secret = newKeySecret(mode);
  const { id } = await addApiKey(ctx, { ...key, hash: sha256(secret) }, { actor: by });
  return { id, presented: `${ctx.tenantId}:${secret}` };
}

/** A key without its secret, which we do not have. */
export interface ListedApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly source: string | null;
  readonly resource: string | null;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

/** Every key of the tenant, revoked ones included, oldest first. */
export async function listApiKeys(reader: TenantReader): Promise<ListedApiKey[]> {
  const { id, name, scopes, source, resource, createdAt, revokedAt } = apiKeys;
  return reader.db
    .select({ id, name, scopes, source, resource, createdAt, revokedAt })
    .from(apiKeys)
    .where(eq(apiKeys.tenantId, reader.tenantId))
    .orderBy(asc(apiKeys.createdAt), asc(apiKeys.id));
}

/** Locks all keys until the commit. */
export async function lockApiKeys(ctx: TenantWriter): Promise<void> {
  await ctx.db
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(eq(apiKeys.tenantId, ctx.tenantId))
    .orderBy(asc(apiKeys.id))
    .for('update');
}

/**
 * The key, which may be revoked already. Throws Fault `not_found`, and `conflict` for the last key with the
 * scope `admin`, because without it nobody could create another.
 */
export async function keyToRevoke(reader: TenantReader, keyId: string): Promise<ListedApiKey> {
  const keys = await listApiKeys(reader);
  const key = keys.find(({ id }) => id === keyId);
  if (key === undefined) throw new Fault('not_found', 'API key not found.');
  const others = keys.filter(({ id, revokedAt }) => id !== keyId && revokedAt === null);
  const last =
    key.revokedAt === null &&
    key.scopes.includes(ADMIN_SCOPE) &&
    !others.some(({ scopes }) => scopes.includes(ADMIN_SCOPE));
  if (last)
    throw new Fault(
      'conflict',
      `This is the last API key with the scope ${ADMIN_SCOPE}. Create another one first.`,
      { detail: { reason: 'last_admin_key' } },
    );
  return key;
}

/**
 * Revokes a key. The next request with it is refused. Revoking it again changes nothing. Throws as
 * `keyToRevoke` does. The caller holds `lockApiKeys`, so that two administrators cannot revoke each other's
 * last key at the same time.
 */
export async function revokeApiKey(
  ctx: TenantWriter,
  keyId: string,
  by: ChangedBy,
): Promise<{ key: string; name: string }> {
  const { name, revokedAt } = await keyToRevoke(ctx, keyId);
  if (revokedAt !== null) return { key: keyId, name };
  await ctx.db
    .update(apiKeys)
    .set({ revokedAt: ctx.now })
    .where(and(eq(apiKeys.tenantId, ctx.tenantId), eq(apiKeys.id, keyId), isNull(apiKeys.revokedAt)));
  ctx.record({
    event: 'key_revoked',
    actor: by.actor,
    data: { key_id: keyId, name, call_id: by.callId },
  });
  return { key: keyId, name };
}

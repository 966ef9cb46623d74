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

/** A machine credential that was presented and found good. */
export interface ApiKey {
  readonly tenantId: string;
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly source: string | null;
  /** The resource server that holds the key, which learns of tokens for that one alone; null: none (`audiencesOfKey`). */
  readonly resource: string | null;
  /** False where the organisation takes no API keys at its REST API (`enabled_providers` without `API_KEY`). SCIM and introspection go on. */
  readonly restEnabled: boolean;
}

/** What a key may be good for besides tools, which are scopes by their names. */
export const KEY_SCOPES = [
  'admin',
  'agent.manage',
  'calls:read',
  'introspect',
  'ledger:read',
  'scim',
  'verify',
] as const;
/** Those that only look, or answer whether somebody may; the others act or govern. */
export const LOOKING_KEY_SCOPES = [
  'calls:read',
  'introspect',
  'ledger:read',
  'verify',
] as const satisfies readonly (typeof KEY_SCOPES)[number][];
/** All that a key of a resource server can have: it learns of tokens for that one, and of nothing else. */
export const RESOURCE_KEY_SCOPES: readonly string[] = [
  'introspect',
  'verify',
] satisfies (typeof KEY_SCOPES)[number][];
/** Manages identity providers and API keys. */
export const ADMIN_SCOPE = 'admin' satisfies (typeof KEY_SCOPES)[number];

/** A key as it is presented: tenant and secret. */
const KEY = /^(tnt_[0-9a-z]{26}):(mk_(?:live|test)_[0-9a-z]{52})$/i;

const REFUSAL =
  'Present an API key in the Authorization header, as Bearer, then tenant id, colon and key. This one is missing, malformed, unknown or revoked.';

/**
 * Reads `Authorization: Bearer tnt_x:mk_live_y` (requirements D1; Okta and Entra send the same text) and finds the key by its
 * digest as it is now, many of a tenant in one query. Fault `unauthenticated` for everything else, without saying which part was wrong,
 * and `unavailable` where the database is gone.
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

/** `mode` binds the kind: a test key works only in a sandbox. */
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
        'This is a test key; test keys work only in a sandbox. Create a live key.',
      );
    const key = await find(tenantId, sha256(secret));
    if (key === undefined) throw new Fault('unauthenticated', REFUSAL);
    const { id, name, scopes, source, resource, rest_enabled: restEnabled } = key;
    return { tenantId, id, name, scopes, source, resource, restEnabled };
  };
}

/** Throws Fault `forbidden` where the key lacks a scope. */
export function requireKeyScope(key: ApiKey, scope: string): void {
  if (!key.scopes.includes(scope)) {
    throw new Fault(
      'forbidden',
      `The API key "${key.name}" lacks the scope ${scope}. An administrator can create a key that has it.`,
      { detail: { required_scope: scope } },
    );
  }
}

/** Makes a key; the secret is in the answer and nowhere else. `by` is who asked, for the ledger. */
export async function createApiKey(
  ctx: TenantWriter,
  mode: 'sandbox' | 'live',
  key: { name: string; scopes: readonly string[]; source?: string; resource?: string | null },
  by = 'prokura',
): Promise<{ id: string; presented: string }> {
  const secret = `mk_${mode === 'live' ? 'live' : 'test'}_${newSecret()}`;
  const id = newId('akey');
  await ctx.db.insert(apiKeys).values({
    tenantId: ctx.tenantId,
    id,
    name: key.name,
    hash: sha256(secret),
    scopes: [...key.scopes],
    source: key.source ?? null,
    resource: key.resource ?? null,
  });
  ctx.record({
    event: 'key_created',
    actor: by,
    data: { key_id: id, name: key.name, scopes: key.scopes, resource: key.resource ?? undefined },
  });
  return { id, presented: `${ctx.tenantId}:${secret}` };
}

/** A key as it may be shown: never its secret, of which nothing but a digest is kept. */
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

/**
 * Revokes a key: the next request with it is refused. Revoking it again changes nothing. Throws Fault `not_found`, and `conflict` for the last key
 * with the scope `admin`: without it nobody could make another.
 */
export async function revokeApiKey(ctx: TenantWriter, keyId: string, by: string): Promise<void> {
  // All of them are held, so that two administrators cannot revoke each other's key at once.
  const rows = await ctx.db
    .select({ id: apiKeys.id, name: apiKeys.name, scopes: apiKeys.scopes, revokedAt: apiKeys.revokedAt })
    .from(apiKeys)
    .where(eq(apiKeys.tenantId, ctx.tenantId))
    .orderBy(asc(apiKeys.id))
    .for('update');
  const key = rows.find((row) => row.id === keyId);
  if (key === undefined) throw new Fault('not_found', 'There is no such API key here.');
  if (key.revokedAt !== null) return;
  const others = rows.filter((row) => row.id !== keyId && row.revokedAt === null);
  if (key.scopes.includes(ADMIN_SCOPE) && !others.some(({ scopes }) => scopes.includes(ADMIN_SCOPE)))
    throw new Fault(
      'conflict',
      `This is the last API key with the scope ${ADMIN_SCOPE}. Create another one first.`,
      { detail: { reason: 'last_admin_key' } },
    );
  await ctx.db
    .update(apiKeys)
    .set({ revokedAt: ctx.now })
    .where(and(eq(apiKeys.tenantId, ctx.tenantId), eq(apiKeys.id, keyId), isNull(apiKeys.revokedAt)));
  ctx.record({ event: 'key_revoked', actor: by, data: { key_id: keyId, name: key.name } });
}

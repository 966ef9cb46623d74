import type { Sql } from 'postgres';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { isId, newId, newSecret } from '#lib/id.ts';
import type { TenantWriter } from '../context.ts';
import { apiKeys } from './tables.ts';

/** A machine credential that was presented and found good. */
export interface ApiKey {
  readonly tenantId: string;
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly source: string | null;
}

const REFUSAL =
  'Present an API key as "Authorization: Bearer tnt_…:mk_live_…". This one is missing, malformed, unknown or revoked.';

/**
 * Reads `Authorization: Bearer tnt_x:mk_live_y` (requirements D1; Okta and Entra send the same text) and finds the key by its
 * digest, in one round trip. Throws Fault `unauthenticated` for everything else, without saying which part was wrong. `mode`
 * binds the kind: a test key works only in a sandbox.
 */
export async function authenticateApiKey(
  sql: Sql,
  mode: 'sandbox' | 'live',
  header: string | null,
): Promise<ApiKey> {
  const presented = /^Bearer (tnt_[0-9a-z]{26}):(mk_(?:live|test)_[0-9a-z]{52})$/i.exec(header ?? '');
  const [tenantId, secret] = [presented?.[1], presented?.[2]];
  if (tenantId === undefined || secret === undefined || !isId('tnt', tenantId))
    throw new Fault('unauthenticated', REFUSAL);
  if (secret.startsWith('mk_test_') && mode === 'live')
    throw new Fault(
      'unauthenticated',
      'This is a test key; test keys work only in a sandbox. Create a live key.',
    );
  const rows = await sql<{ id: string; name: string; scopes: string[]; source: string | null }[]>`
    select id, name, scopes, source from hot_api_key(${tenantId}, ${sha256(secret)})`;
  const key = rows[0];
  if (key === undefined) throw new Fault('unauthenticated', REFUSAL);
  return { tenantId, id: key.id, name: key.name, scopes: key.scopes, source: key.source };
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

/** Makes a key; the secret is in the answer and nowhere else. */
export async function createApiKey(
  ctx: TenantWriter,
  mode: 'sandbox' | 'live',
  key: { name: string; scopes: readonly string[]; source?: string },
): Promise<{ id: string; presented: string }> {
  const secret = `mk_${mode === 'live' ? 'live' : 'test'}_${newSecret()}`;
  const id = newId('akey');
  await ctx.db
    .insert(apiKeys)
    .values({
      tenantId: ctx.tenantId,
      id,
      name: key.name,
      hash: sha256(secret),
      scopes: [...key.scopes],
      source: key.source ?? null,
    });
  ctx.record({
    event: 'key_created',
    actor: 'prokura',
    data: { key_id: id, name: key.name, scopes: key.scopes },
  });
  return { id, presented: `${ctx.tenantId}:${secret}` };
}

import { createPrivateKey, randomUUID, sign, type KeyObject } from 'node:crypto';
import { ACCESS_TOKEN_TYPE, JWT_BEARER_ASSERTION, TOKEN_EXCHANGE } from '#domain/token/names.ts';
import type { OAuthSurface } from '#surfaces/oauth/index.ts';
import { AUDIENCE } from './idp.ts';
import type { Tenant, TokenWorld } from './tokens.ts';

export const b64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Signs any header and claims, right or wrong. */
export function jws(header: Record<string, unknown>, claims: unknown, key: KeyObject): string {
  const signed = `${b64(header)}.${b64(claims)}`;
  const dsaEncoding = key.asymmetricKeyType === 'ec' ? ({ dsaEncoding: 'ieee-p1363' } as const) : {};
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, ...dsaEncoding }).toString('base64url')}`;
}

/**
 * Bob's access token as Okta would issue it. `claims` and `header` change it; `undefined` removes a member.
 */
export function subjectToken(
  world: TokenWorld,
  tenant: Tenant,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): string {
  const now = nowSeconds();
  const whole = {
    ver: 1,
    jti: `AT.${randomUUID()}`,
    iss: world.idp.issuer,
    aud: AUDIENCE,
    iat: now,
    exp: now + 3600,
    cid: '0oaclient',
    uid: tenant.uid,
    scp: ['openid', 'delegation:exchange'],
    sub: 'bob@acme.test',
    groups: ['Everyone'],
    ...claims,
  };
  return jws({ kid: world.idp.kid, alg: 'RS256', ...header }, whole, world.idp.privateKey);
}

export function clientAssertion(
  tenant: Tenant,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): string {
  const now = nowSeconds();
  const whole = {
    iss: tenant.agentId,
    sub: tenant.agentId,
    aud: tenant.issuer,
    iat: now,
    exp: now + 60,
    jti: randomUUID(),
    ...claims,
  };
  return jws(
    { alg: 'ES256', kid: tenant.key.kid, ...header },
    whole,
    createPrivateKey({ key: tenant.key.privateJwk, format: 'jwk' }),
  );
}

/** A complete token request. `undefined` leaves a parameter out, an array repeats it. */
export function exchangeForm(
  world: TokenWorld,
  tenant: Tenant,
  change: Record<string, string | string[] | undefined> = {},
): URLSearchParams {
  const form = new URLSearchParams();
  const whole: Record<string, string | string[] | undefined> = {
    grant_type: TOKEN_EXCHANGE,
    client_assertion_type: JWT_BEARER_ASSERTION,
    client_assertion: clientAssertion(tenant),
    subject_token: subjectToken(world, tenant),
    subject_token_type: ACCESS_TOKEN_TYPE,
    mandate_id: tenant.mandateId,
    scope: 'okta.mfa.reset',
    ...change,
  };
  for (const [name, value] of Object.entries(whole)) {
    for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value])
      form.append(name, one);
  }
  return form;
}

export async function post(
  surface: OAuthSurface,
  url: string,
  body: URLSearchParams,
  headers: Record<string, string> = {},
) {
  const response = await surface.fetch(new Request(url, { method: 'POST', body, headers }));
  if (response === null) throw new Error(`not served: ${url}`);
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

export const exchange = (
  world: TokenWorld,
  tenant: Tenant,
  change: Record<string, string | string[] | undefined> = {},
  surface = world.surface,
) => post(surface, `${tenant.issuer}/oauth2/token`, exchangeForm(world, tenant, change));

/**
 * Sends a changed token request that must be refused, and returns how: `400 invalid_request: <description>`.
 * Also reports what no refusal may have: a token, an answer that may be stored, a missing ledger entry.
 */
export async function refusal(
  world: TokenWorld,
  tenant: Tenant,
  change: Parameters<typeof exchangeForm>[2],
): Promise<string> {
  // Refusals of strangers are counted. The ledger gets the count at the end of the minute, or now.
  await world.kernel.close();
  const { status, headers, body } = await exchange(world, tenant, change);
  await world.kernel.close();
  const entry = (await world.ledgerOf(tenant.id)).at(-1);
  const faults = [
    'access_token' in body ? 'WITH A TOKEN' : '',
    headers.get('cache-control') === 'no-store' ? '' : 'STORABLE',
    entry?.event === 'TOKEN_REFUSED' && entry.data['error'] === body['error'] ? '' : 'NOT IN THE LEDGER',
  ];
  return `${faults.join('')}${status} ${String(body['error'])}: ${String(body['error_description'])}`;
}

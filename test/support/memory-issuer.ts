import { randomUUID } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';

export const ISSUER = 'https://prokura.test/t/tnt_1';
export const AUDIENCE = 'https://api.test';
export const LIST = 'https://prokura.test/t/tnt_1/oauth2/status/1';
export const AGENT = 'agt_1';
export const MANDATE = 'mdt_1';

type Answer = (request: Request, form: URLSearchParams) => Response | Promise<Response>;

/**
 * An issuer in memory. `fetch` answers its addresses, `hits` counts them, and each path's answer can be
 * replaced.
 */
export interface TestIssuer {
  readonly key: CryptoKey;
  readonly publicJwk: JWK;
  readonly fetch: (input: string | URL, init?: RequestInit) => Promise<Response>;
  readonly hits: Record<string, number>;
  readonly forms: URLSearchParams[];
  readonly requests: Request[];
  readonly answers: Record<string, Answer>;
  readonly now: () => Date;
  advance(seconds: number): void;
  token(
    claims?: JWTPayload,
    more?: { header?: Record<string, unknown>; key?: CryptoKey | Uint8Array },
  ): Promise<string>;
  list(statuses: Record<number, number>, more?: ListOptions): Promise<string>;
}

interface ListOptions {
  readonly claims?: JWTPayload;
  readonly header?: Record<string, unknown>;
  readonly bits?: number;
  readonly bytes?: Uint8Array;
  readonly key?: CryptoKey;
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  Response.json(body, { status, headers });

export const asList = (token: string): Response =>
  new Response(token, { headers: { 'content-type': 'application/statuslist+jwt' } });

/** Packs statuses as draft-ietf-oauth-status-list section 4.1 describes. */
function pack(statuses: Record<number, number>, bits: number, length = 64): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const [idx, status] of Object.entries(statuses)) {
    const position = Number(idx) * bits;
    bytes[position >> 3] = (bytes[position >> 3] ?? 0) | (status << (position & 7));
  }
  return bytes;
}

export async function testIssuer(): Promise<TestIssuer> {
  const { privateKey: key, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  let nowMs = Date.UTC(2026, 10, 22, 12);
  const hits: Record<string, number> = {};
  const forms: URLSearchParams[] = [];
  const requests: Request[] = [];
  const seconds = () => Math.floor(nowMs / 1000);

  const token: TestIssuer['token'] = async (claims = {}, more = {}) => {
    const all: Record<string, unknown> = {
      iss: ISSUER,
      sub: 'oidc:okta:00u1',
      aud: AUDIENCE,
      client_id: AGENT,
      iat: seconds(),
      exp: seconds() + 300,
      jti: randomUUID(),
      scope: 'okta.users.read',
      act: { sub: AGENT, iss: ISSUER, sub_profile: 'ai_agent' },
      mandate_id: MANDATE,
      authorization_details: [{ type: 'urn:prokura:mandate', mandate_id: MANDATE }],
      tenant: 'tnt_1',
      status: { status_list: { idx: 7, uri: LIST } },
      ...claims,
    };
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return new SignJWT(kept)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...more.header })
      .sign(more.key ?? key);
  };
  const list: TestIssuer['list'] = (statuses, more = {}) => {
    const bits = more.bits ?? 2;
    const lst = deflateSync(more.bytes ?? pack(statuses, bits)).toString('base64url');
    return new SignJWT({
      iss: ISSUER,
      sub: LIST,
      iat: seconds(),
      exp: seconds() + 120,
      ttl: 60,
      status_list: { bits, lst },
      ...more.claims,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'statuslist+jwt', kid: 'k1', ...more.header })
      .sign(more.key ?? key);
  };
  const answers: Record<string, Answer> = {
    '/.well-known/oauth-authorization-server/t/tnt_1': () =>
      json({
        issuer: ISSUER,
        token_endpoint: `${ISSUER}/oauth2/token`,
        introspection_endpoint: `${ISSUER}/oauth2/introspect`,
        revocation_endpoint: `${ISSUER}/oauth2/revoke`,
        jwks_uri: `${ISSUER}/oauth2/jwks`,
        token_endpoint_auth_methods_supported: ['private_key_jwt'],
      }),
    '/t/tnt_1/oauth2/jwks': () => json({ keys: [publicJwk] }),
    '/t/tnt_1/oauth2/token': async () =>
      json({
        access_token: await token(),
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 300,
        scope: 'okta.users.read',
      }),
    '/t/tnt_1/oauth2/status/1': async () => asList(await list({})),
  };
  return {
    key,
    publicJwk,
    hits,
    forms,
    requests,
    answers,
    token,
    list,
    now: () => new Date(nowMs),
    advance: (by) => void (nowMs += by * 1000),
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const { pathname } = new URL(request.url);
      hits[pathname] = (hits[pathname] ?? 0) + 1;
      requests.push(request.clone());
      const form = new URLSearchParams(await request.clone().text());
      if (pathname.startsWith('/t/tnt_1/oauth2/') && request.method === 'POST') forms.push(form);
      const answer = answers[pathname];
      if (answer === undefined) throw new TypeError('fetch failed');
      return answer(request, form);
    },
  };
}

import { createHash, randomBytes } from 'node:crypto';
import { Hono } from 'hono';
import { importJWK, SignJWT } from 'jose';
import { publicJwk } from './keys.ts';
import { SANDBOX_WEB_CLIENT_ID } from './seed.ts';
import type { OktaEnv, Simulation } from './simulation.ts';
import { displayName } from './system-log.ts';
import type { SigningKey, UserRecord } from './types.ts';
import { membersOf } from './views.ts';

/** What `tokenFor` and `POST /_sandbox/tokens` mint. Field names are those of the control API. */
export interface TokenRequest {
  /** The person, by login or by Okta id. */
  readonly login?: string;
  readonly uid?: string;
  /** `custom`, the default, is the server whose tokens others can verify. */
  readonly server?: 'custom' | 'org';
  /**
   * `id-jag` is an identity assertion of the org server for another authorization server (Cross App Access).
   * It requires `audience` and `client_id`.
   */
  readonly type?: 'access_token' | 'id_token' | 'id-jag';
  readonly scopes?: readonly string[];
  readonly audience?: string;
  /** For an `id-jag`: the client's id at the other authorization server. */
  readonly client_id?: string;
  /** For an `id-jag`: the requested resource there. */
  readonly resource?: string;
  /** The default is 3600. A negative value makes an expired token. */
  readonly ttl_seconds?: number;
  /** Applied last: replaces any claim, and removes a claim that is null. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Mints a token even for a person who could not sign in now. */
  readonly force?: boolean;
}

/** The default audience of the custom authorization server. */
export const SANDBOX_AUDIENCE = 'api://prokura';

/** The issuer of the custom authorization server. */
export const customIssuer = (sim: Simulation): string => `${sim.url()}/oauth2/default`;

/**
 * Discovery documents and public keys of the custom server and of the org server. The org server's keys do
 * not verify its access tokens.
 */
export function authorizationServerRoutes(sim: Simulation): Hono<OktaEnv> {
  const app = new Hono<OktaEnv>();
  const custom = (): Record<string, unknown> => metadata(customIssuer(sim), `${customIssuer(sim)}/v1`);
  app.get('/oauth2/default/.well-known/openid-configuration', (c) => c.json(custom()));
  app.get('/oauth2/default/.well-known/oauth-authorization-server', (c) => c.json(custom()));
  app.get('/oauth2/default/v1/keys', (c) => {
    c.header('cache-control', 'max-age=3600, must-revalidate');
    return c.json({ keys: sim.org.keys.custom.map(publicJwk) });
  });
  const org = (): Record<string, unknown> => metadata(sim.url(), `${sim.url()}/oauth2/v1`);
  app.get('/.well-known/openid-configuration', (c) => c.json(org()));
  app.get('/.well-known/oauth-authorization-server', (c) => c.json(org()));
  app.get('/oauth2/v1/keys', (c) => c.json({ keys: [publicJwk(sim.org.keys.orgIdToken)] }));
  app.get('/.well-known/okta-organization', (c) =>
    c.json({
      id: '00osandbox0000000h7',
      cell: 'sandbox',
      pipeline: 'idx',
      settings: { analyticsCollectionEnabled: false, bugReportingEnabled: false, omEnabled: false },
    }),
  );
  return app;
}

const metadata = (issuer: string, base: string): Record<string, unknown> => ({
  issuer,
  authorization_endpoint: `${base}/authorize`,
  token_endpoint: `${base}/token`,
  userinfo_endpoint: `${base}/userinfo`,
  jwks_uri: `${base}/keys`,
  introspection_endpoint: `${base}/introspect`,
  revocation_endpoint: `${base}/revoke`,
  end_session_endpoint: `${base}/logout`,
  response_types_supported: ['code', 'id_token', 'code id_token'],
  response_modes_supported: ['query', 'fragment', 'form_post', 'okta_post_message'],
  grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
  token_endpoint_auth_methods_supported: [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'none',
  ],
  claims_supported: ['ver', 'jti', 'iss', 'aud', 'iat', 'exp', 'cid', 'uid', 'scp', 'sub', 'groups'],
  code_challenge_methods_supported: ['S256'],
});

/**
 * The person that the request names. Throws an Error if there is none, or if Okta would give them no token.
 */
export function tokenSubject(sim: Simulation, request: TokenRequest): UserRecord {
  const user = [...sim.org.users.values()].find(
    (each) =>
      each.id === request.uid || (request.login !== undefined && each.profile['login'] === request.login),
  );
  if (user === undefined) throw new Error('there is no such person in the sandbox org. Pass login or uid');
  if (user.status !== 'ACTIVE' && request.force !== true)
    throw new Error(
      `${String(user.profile['login'])} is ${user.status} and cannot get a token. Pass force to issue one anyway`,
    );
  return user;
}

/**
 * Mints a token in Okta's form: RS256, a header with only `kid` and `alg` (Okta sends no `typ`), `scp` as an
 * array, `sub` the login, `uid` the immutable id, and `groups` the names of the person's groups. In an ID
 * token `sub` is the Okta id and `aud` the client. Throws as `tokenSubject` does.
 */
export async function mintToken(sim: Simulation, request: TokenRequest): Promise<string> {
  const user = tokenSubject(sim, request);
  if (request.type === 'id-jag') return await mintIdJag(sim, user, request);
  const org = request.server === 'org';
  const { keys } = sim.org;
  const key: SigningKey = org ? (request.type === 'id_token' ? keys.orgIdToken : keys.org) : keys.custom[0]!;
  const issuer = org ? sim.url() : customIssuer(sim);
  const now = Math.floor(sim.now() / 1000);
  const ttl = request.ttl_seconds ?? 3600;
  const issued = Math.min(now, now + ttl - 1);
  const base = { ver: 1, iss: issuer, iat: issued, exp: now + ttl, auth_time: issued - 5 };
  const own =
    request.type === 'id_token' ? idClaims(user, key, request) : accessClaims(sim, user, org, request);
  const claims = Object.fromEntries(
    Object.entries({ ...base, ...own, ...request.claims }).filter(([, value]) => value !== null),
  );
  return await new SignJWT(claims)
    .setProtectedHeader({ kid: key.kid, alg: 'RS256' })
    .sign(await importJWK(key.privateJwk, 'RS256'));
}

const ID_JAG_SECONDS = 300;

/**
 * Mints an ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant) as the org authorization server does:
 * `typ` is oauth-id-jag+jwt, `sub` the Okta id, and the key is the published one of ID tokens. Throws an
 * Error without audience or client.
 */
async function mintIdJag(sim: Simulation, user: UserRecord, request: TokenRequest): Promise<string> {
  if (request.audience === undefined || request.client_id === undefined)
    throw new Error(
      'an id-jag needs audience (the issuer that it is for) and client_id (the client at that issuer)',
    );
  const key = sim.org.keys.orgIdToken;
  const now = Math.floor(sim.now() / 1000);
  const ttl = request.ttl_seconds ?? ID_JAG_SECONDS;
  const whole = {
    iss: sim.url(),
    sub: user.id,
    aud: request.audience,
    client_id: request.client_id,
    jti: `ID-JAG.${randomBytes(32).toString('base64url')}`,
    iat: Math.min(now, now + ttl - 1),
    exp: now + ttl,
    auth_time: now - 5,
    email: user.profile['email'],
    amr: ['pwd', 'mfa'],
    ...(request.scopes === undefined ? {} : { scope: request.scopes.join(' ') }),
    ...(request.resource === undefined ? {} : { resource: request.resource }),
    ...request.claims,
  };
  const claims = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== null));
  return await new SignJWT(claims)
    .setProtectedHeader({ kid: key.kid, alg: 'RS256', typ: 'oauth-id-jag+jwt' })
    .sign(await importJWK(key.privateJwk, 'RS256'));
}

const accessClaims = (
  sim: Simulation,
  user: UserRecord,
  org: boolean,
  request: TokenRequest,
): Record<string, unknown> => ({
  jti: `AT.${randomBytes(32).toString('base64url')}`,
  aud: request.audience ?? (org ? sim.url() : SANDBOX_AUDIENCE),
  cid: SANDBOX_WEB_CLIENT_ID,
  uid: user.id,
  scp: [...(request.scopes ?? ['openid', 'profile', 'email'])],
  sub: user.profile['login'],
  ...(!org && { groups: groupNames(sim, user) }),
});

const idClaims = (user: UserRecord, key: SigningKey, request: TokenRequest): Record<string, unknown> => ({
  jti: `ID.${randomBytes(32).toString('base64url')}`,
  sub: user.id,
  aud: request.audience ?? SANDBOX_WEB_CLIENT_ID,
  name: displayName(user),
  email: user.profile['email'],
  email_verified: true,
  preferred_username: user.profile['login'],
  given_name: user.profile['firstName'],
  family_name: user.profile['lastName'],
  idp: '00osandbox0000000h7',
  amr: ['pwd', 'mfa'],
  at_hash: createHash('sha256').update(key.kid).digest().subarray(0, 16).toString('base64url'),
});

/** The names of the groups that list the person, sorted. */
export const groupNames = (sim: Simulation, user: UserRecord): string[] =>
  [...sim.org.groups.values()]
    .filter((group) => membersOf(sim, group).includes(user))
    .map((group) => String(group.profile['name']))
    .sort();

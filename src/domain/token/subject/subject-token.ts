import type { RemoteKeys } from '#lib/jwks.ts';
import { isNumericDate, parseJwt, verifyJws, type JwsAlg, type ParsedJwt, type VerifyKey } from '#lib/jwt.ts';
import { boundKey } from '../client/dpop.ts';
import { SKEW_SECONDS } from '../names.ts';
import { tokenName } from './one-time.ts';
import { providerOf, VENDORS } from './providers/index.ts';
import { refuse, type Claims } from './providers/vendor.ts';
import type { IdentityProvider } from '../store.ts';

/**
 * What a provider's access token proves about its person. Whether that person is in our directory is
 * checked elsewhere.
 */
export interface ProvedSubject {
  /** `okta`, `entra`, `cognito`, or the hash of a generic issuer. The same as the `provider` of people. */
  readonly provider: string;
  /**
   * The provider's immutable id of the person (Okta `uid`, Entra `oid`, otherwise `sub`). Never a login,
   * because a login can be reassigned.
   */
  readonly uid: string;
  /** `oidc:<provider>:<uid>`. */
  readonly subject: string;
  readonly scopes: readonly string[];
  /** The provider's client that the token was issued to. */
  readonly clientId: string;
  /** Groups in the token. They may only narrow what the directory gives. */
  readonly groups: readonly string[];
  /**
   * The `may_act` claim (RFC 8693 section 4.4), not parsed. Undefined: the token does not restrict who
   * may act.
   */
  readonly mayAct: unknown;
  /** Identifies the token (`tokenName`). */
  readonly token: string;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /**
   * Thumbprint of the key that the provider bound it to (RFC 9449 section 6.1); null: a bearer token. No
   * proof of the key has been checked here.
   */
  readonly boundTo: string | null;
}

const TYPES: ReadonlySet<unknown> = new Set([undefined, 'JWT', 'at+jwt', 'application/at+jwt']);

/**
 * Verifies an access token for one tenant. `providers` are those that the tenant has configured; the
 * token's `iss` must be one of them, byte for byte. The vendor then defines what its access tokens look
 * like. Cheap checks come first, the signature last. `now` is in seconds. Throws Fault `unauthenticated`
 * (`detail.reason`), and `unavailable` if the provider's keys cannot be fetched. Does not check scopes,
 * the binding to a key, or whether the person may act.
 */
export async function proveSubject(
  token: string,
  providers: readonly IdentityProvider[],
  keys: RemoteKeys,
  now: number,
): Promise<ProvedSubject> {
  const jwt = readForm(token);
  checkHeader(jwt);
  checkTimes(jwt.claims, now);
  const provider = providerOf(jwt.claims['iss'], providers);
  const person = readPerson(jwt, provider);
  VENDORS[provider.kind].checkAudience(jwt.claims, provider);
  VENDORS[provider.kind].checkClient(person.clientId, provider);
  const check = checkSignature(jwt, provider, keys);
  if (check !== undefined) await check;
  return person;
}

/** Parses the token. Verifies nothing. Throws Fault `unauthenticated` if it is not a JWT. */
export function readForm(token: string): ParsedJwt {
  const jwt = parseJwt(token);
  if (jwt === null) throw refuse('malformed', 'The token is not a signed JWT in compact form.');
  return jwt;
}

/**
 * Checks algorithm, key id and type in the header (RFC 9068 section 2.1; most vendors write `JWT` or no
 * type). Throws Fault `unauthenticated`.
 */
export function checkHeader({ header }: ParsedJwt): void {
  const { alg, kid, typ } = header as Record<'alg' | 'kid' | 'typ', unknown>;
  if (alg !== 'RS256' && alg !== 'ES256')
    throw refuse(
      'algorithm',
      'The token must be signed with RS256, as identity providers sign access tokens.',
    );
  if (!TYPES.has(typ)) throw refuse('type', 'The token is not an access token.');
  if (typeof kid !== 'string' || kid === '' || kid.length > 256)
    throw refuse('key_unknown', 'The header of the token does not name its key (kid).');
}

/**
 * Checks that the token has not expired and is valid already, allowing for clock skew. Throws Fault
 * `unauthenticated`.
 */
export function checkTimes(claims: Claims, now: number): void {
  const { exp, iat, nbf } = claims as Record<'exp' | 'iat' | 'nbf', unknown>;
  if (!isNumericDate(exp)) throw refuse('times', 'The token has no exp.');
  if (exp + SKEW_SECONDS <= now)
    throw refuse('expired', 'The token has expired. Sign the employee in again and use the new token.');
  if (
    !isNumericDate(iat) ||
    iat > now + SKEW_SECONDS ||
    (nbf !== undefined && (!isNumericDate(nbf) || nbf > now + SKEW_SECONDS))
  ) {
    throw refuse('not_yet_valid', 'The token is not valid yet. Check that the clocks agree.');
  }
}

/**
 * Reads the person from an access token, as its vendor names people. Throws Fault `unauthenticated` if it
 * names none.
 */
export function readPerson(jwt: ParsedJwt, provider: IdentityProvider): ProvedSubject {
  const { claims } = jwt;
  const vendor = VENDORS[provider.kind];
  const clientId = vendor.checkType(claims, provider);
  const uid = vendor.readUid(claims);
  const name = vendor.provider(provider.issuer);
  return {
    provider: name,
    uid,
    subject: `oidc:${name}:${uid}`,
    scopes: vendor.readScopes(claims, provider),
    clientId,
    groups: vendor.readGroups(claims),
    mayAct: claims['may_act'],
    token: tokenName(jwt),
    issuedAt: claims['iat'] as number,
    expiresAt: claims['exp'] as number,
    boundTo: boundKey(claims),
  };
}

/**
 * Checks the signature against a key that the provider publishes now; synchronously if its keys are
 * cached. Throws Fault `unauthenticated`, and `unavailable` if the keys cannot be fetched.
 */
export function checkSignature(
  jwt: ParsedJwt,
  { kind, issuer }: IdentityProvider,
  keys: RemoteKeys,
): undefined | Promise<undefined> {
  const { header } = jwt;
  const vendor = VENDORS[kind];
  const algorithms: readonly JwsAlg[] = vendor.algorithms;
  const alg = algorithms.find((algorithm) => algorithm === header['alg']);
  if (alg === undefined)
    throw refuse(
      'algorithm',
      `The token must be signed with ${algorithms.join(' or ')}, as tokens of ${vendor.title} are.`,
    );
  const fallback = 'fallbackJwksUri' in vendor ? { fallbackJwksUri: vendor.fallbackJwksUri(issuer) } : {};
  const key = keys.key({ issuer, ...fallback }, String(header['kid']), alg);
  return key instanceof Promise ? key.then((found) => holdsUnder(jwt, found)) : holdsUnder(jwt, key);
}

function holdsUnder({ signed, signature }: ParsedJwt, key: VerifyKey | null): undefined {
  if (key === null)
    throw refuse('key_unknown', 'Its issuer does not publish the signing key that the token names.');
  if (!verifyJws(key, signed, signature)) throw refuse('signature', 'The signature of the token is invalid.');
}

import { Fault } from '#lib/fault.ts';
import type { RemoteKeys } from '#lib/jwks.ts';
import { isNumericDate, parseJwt, verifyJws } from '#lib/jwt.ts';
import { SKEW_SECONDS } from './names.ts';
import type { IdentityProvider } from './store.ts';

/** What a provider's access token proves about its bearer; whether the person is in our directory is another question. */
export interface ProvedSubject {
  readonly provider: 'okta';
  /** The provider's immutable id of the person: never `sub`, which at Okta is the login and can be given to somebody else. */
  readonly uid: string;
  /** `oidc:okta:<uid>`. */
  readonly subject: string;
  readonly scopes: readonly string[];
  /** The provider's client that the token was issued to (`cid`). */
  readonly clientId: string;
  /** Names of groups in the token; they may only narrow what the directory gives. */
  readonly groups: readonly string[];
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

const TYPES = new Set([undefined, 'JWT', 'at+jwt', 'application/at+jwt']);
const OKTA_HOSTS =
  /(?:^|\.)(?:okta\.com|oktapreview\.com|okta-emea\.com|okta-gov\.com|okta\.mil|trexcloud\.com)$/;

const refuse = (reason: string, message: string): Fault =>
  new Fault('unauthenticated', message, { detail: { reason } });

/**
 * Verifies an access token of Okta's custom authorization server (RS256) for one tenant. `providers` are those that the tenant has
 * configured now; the token's `iss` must be one of them and its `aud` that provider's audience, byte for byte. What costs nothing
 * is checked first, the signature last. Claims as in Okta's "Access token payload" reference: `uid`, `cid`, `scp`, `groups`.
 * Throws Fault `unauthenticated` (`detail.reason`) and, where the provider's keys cannot be had, `unavailable`.
 */
export async function proveSubject(
  token: string,
  providers: () => Promise<readonly IdentityProvider[]>,
  keys: RemoteKeys,
  now: number,
): Promise<ProvedSubject> {
  const jwt = parseJwt(token);
  if (jwt === null) throw refuse('malformed', 'The token is not a signed JWT in compact form.');
  const { alg, kid, typ } = jwt.header as Record<'alg' | 'kid' | 'typ', unknown>;
  if (alg !== 'RS256')
    throw refuse('algorithm', 'The token must be signed with RS256, as Okta signs access tokens.');
  if (!TYPES.has(typ as string | undefined)) throw refuse('type', 'The token is not an access token.');
  if (typeof kid !== 'string' || kid === '' || kid.length > 256)
    throw refuse('key_unknown', 'The header of the token does not name its key (kid).');
  checkTimes(jwt.claims, now);
  const person = readPerson(jwt.claims);

  const configured = await providers();
  const { iss, aud } = jwt.claims as Record<'iss' | 'aud', unknown>;
  if (isOrgIssuer(iss, configured)) {
    throw refuse(
      'org_issuer',
      "This token is from Okta's org authorization server, which nobody but Okta can verify. Use the custom authorization server: its issuer ends in /oauth2/<server id>.",
    );
  }
  const provider = configured.find((one) => one.issuer === iss);
  if (provider === undefined || provider.kind !== 'OKTA') {
    throw refuse(
      'issuer',
      'The issuer of the token is not an identity provider of this organisation. An administrator can configure it.',
    );
  }
  if (
    aud !== provider.audience &&
    !(Array.isArray(aud) && aud.length === 1 && aud[0] === provider.audience)
  ) {
    throw refuse(
      'audience',
      'The token is for another audience than the one that is configured for its issuer.',
    );
  }
  const key = await keys.key(
    { issuer: provider.issuer, fallbackJwksUri: `${provider.issuer}/v1/keys` },
    kid,
    'RS256',
  );
  if (key === null)
    throw refuse('key_unknown', 'The token names a signing key that its issuer does not publish.');
  if (!verifyJws(key, jwt.signed, jwt.signature))
    throw refuse('signature', 'The signature of the token does not hold.');
  return person;
}

function checkTimes(claims: Readonly<Record<string, unknown>>, now: number): void {
  const { exp, iat, nbf } = claims as Record<'exp' | 'iat' | 'nbf', unknown>;
  if (!isNumericDate(exp)) throw refuse('times', 'The token does not say when it expires.');
  if (exp + SKEW_SECONDS <= now)
    throw refuse('expired', 'The token has expired. Sign the employee in again and use the new token.');
  if (
    !isNumericDate(iat) ||
    iat > now + SKEW_SECONDS ||
    (nbf !== undefined && (!isNumericDate(nbf) || nbf > now + SKEW_SECONDS))
  ) {
    throw refuse('not_yet_valid', 'The token is not valid yet. Check the clocks.');
  }
}

function readPerson(claims: Readonly<Record<string, unknown>>): ProvedSubject {
  const { uid, cid, scp, groups, exp } = claims as Record<'uid' | 'cid' | 'scp' | 'groups' | 'exp', unknown>;
  // An ID token has these; one for a client of the same name must not pass for an access token.
  if ('nonce' in claims || 'at_hash' in claims || 'c_hash' in claims || 'events' in claims) {
    throw refuse(
      'not_an_access_token',
      'This is an ID token or another kind of token. Present the access token.',
    );
  }
  if (typeof cid !== 'string' || cid === '' || !isStrings(scp)) {
    throw refuse(
      'not_an_access_token',
      'This is not an Okta access token: it has no cid or no scp. Present the access token.',
    );
  }
  if (typeof uid !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(uid)) {
    throw refuse(
      'no_person',
      'The token stands for no person: it has no uid. Tokens of client credentials cannot delegate.',
    );
  }
  return {
    provider: 'okta',
    uid,
    subject: `oidc:okta:${uid}`,
    scopes: scp,
    clientId: cid,
    groups: isStrings(groups) ? groups : [],
    expiresAt: exp as number,
  };
}

function isOrgIssuer(issuer: unknown, configured: readonly IdentityProvider[]): boolean {
  if (typeof issuer !== 'string' || !URL.canParse(issuer)) return false;
  const url = new URL(issuer);
  const okta =
    OKTA_HOSTS.test(url.hostname) ||
    configured.some(
      (one) => one.kind === 'OKTA' && URL.canParse(one.issuer) && new URL(one.issuer).origin === url.origin,
    );
  return okta && !url.pathname.startsWith('/oauth2/');
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');

import { sha256 } from '#lib/crypto.ts';
import { isId } from '#lib/id.ts';
import { isNumericDate, parseJwt, type ParsedJwt } from '#lib/jwt.ts';
import { SKEW_SECONDS } from '../names.ts';
import { OAuthError } from '../oauth-error.ts';

/** A client assertion whose claims are valid. Its signature has not been checked. */
export interface ClaimedAssertion {
  readonly agentId: string;
  readonly kid: string;
  readonly alg: unknown;
  readonly jwt: ParsedJwt;
  /**
   * What makes the assertion usable once (RFC 7523 section 3, item 7): a key to spend, and when it may be
   * forgotten.
   */
  readonly once: { readonly key: string; readonly expiresAt: Date };
}

/** The longest lifetime of an assertion, in seconds. */
const MAX_LIFE_SECONDS = 300;
/** Accepted `typ` values. `client-authentication+jwt` comes from draft-ietf-oauth-rfc7523bis. */
const TYPES = new Set([
  undefined,
  'JWT',
  'jwt',
  'client-authentication+jwt',
  'application/client-authentication+jwt',
]);

/** `invalid_client` with a reason for the ledger and a description for the client. */
export const refuseClient = (reason: string, description: string): OAuthError =>
  new OAuthError('invalid_client', reason, description);

/** The error for every use of an assertion after the first. */
export const assertionReplayed = (): OAuthError =>
  refuseClient(
    'assertion_replayed',
    'This client assertion was already used. Create a new one, with a new jti, for each request.',
  );

/**
 * Reads a client assertion for private_key_jwt (RFC 7523 section 3). `aud` must be our issuer identifier
 * alone, as one string (draft-ietf-oauth-rfc7523bis section 4). `now` is in seconds. Throws OAuthError
 * `invalid_client`. Checks neither the signature nor whether the assertion was used before.
 */
export function readAssertion(
  assertion: string,
  clientId: string | undefined,
  issuer: string,
  now: number,
): ClaimedAssertion {
  const jwt = parseJwt(assertion);
  if (jwt === null || !TYPES.has(jwt.header['typ'] as string | undefined)) {
    throw refuseClient(
      'client_malformed',
      'The client assertion is not a signed JWT for client authentication.',
    );
  }
  const { iss, sub, aud, jti } = jwt.claims as Record<'iss' | 'sub' | 'aud' | 'jti', unknown>;
  if (
    typeof sub !== 'string' ||
    !isId('agt', sub) ||
    iss !== sub ||
    (clientId !== undefined && clientId !== sub)
  ) {
    throw refuseClient(
      'client_identity',
      'In the client assertion, iss and sub must both be the agent ID (agt_...), the same as client_id.',
    );
  }
  if (aud !== issuer)
    throw refuseClient(
      'client_audience',
      `In the client assertion, aud must be the single string ${issuer}.`,
    );
  const exp = checkTimes(jwt.claims, now, MAX_LIFE_SECONDS);
  if (typeof jti !== 'string' || jti.length < 8 || jti.length > 256) {
    throw refuseClient(
      'client_jti',
      'The client assertion must have a jti of 8 to 256 characters, new for each request.',
    );
  }
  const { kid, alg } = jwt.header as Record<'kid' | 'alg', unknown>;
  if (typeof kid !== 'string' || kid === '' || kid.length > 256)
    throw refuseClient('client_key_unknown', 'The header of the client assertion must name its key in kid.');
  const once = {
    key: sha256(`client_assertion ${sub} ${jti}`),
    expiresAt: new Date((exp + SKEW_SECONDS) * 1000),
  };
  return { agentId: sub, kid, alg, jwt, once };
}

/**
 * Checks `exp`, `iat` and `nbf` of an assertion and returns `exp`; all in seconds. Throws OAuthError
 * `invalid_client`.
 */
export function checkTimes(
  claims: Readonly<Record<string, unknown>>,
  now: number,
  maxLifeSeconds: number,
): number {
  const { exp, iat, nbf } = claims as Record<'exp' | 'iat' | 'nbf', unknown>;
  if (!isNumericDate(exp) || exp + SKEW_SECONDS <= now || exp > now + maxLifeSeconds + SKEW_SECONDS) {
    throw refuseClient(
      'client_expired',
      `The client assertion must have an exp in the future, at most ${maxLifeSeconds} seconds from now.`,
    );
  }
  const early = (moment: unknown): boolean =>
    moment !== undefined && (!isNumericDate(moment) || moment > now + SKEW_SECONDS);
  if (early(iat) || early(nbf))
    throw refuseClient(
      'client_not_yet_valid',
      'The client assertion is dated in the future. Check the clock of the agent.',
    );
  return exp;
}

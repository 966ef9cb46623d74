import { Fault } from '#lib/fault.ts';
import type { RemoteKeys } from '#lib/jwks.ts';
import { isNumericDate, parseJwt, verifyJws } from '#lib/jwt.ts';
import { SKEW_SECONDS } from '../names.ts';

type Claims = Readonly<Record<string, unknown>>;

/** What a notice about a person's sessions must match. */
export interface NoticeExpectations {
  /** The `typ` of its header (RFC 8725 section 3.11), without `application/`. */
  readonly type: 'global-token-revocation+jwt' | 'secevent+jwt';
  /** The accepted values of `aud`; one of them is enough. */
  readonly audiences: readonly string[];
  /** The issuers that the tenant trusts now. */
  readonly trusted: readonly string[];
  /**
   * How long after `iat` it is accepted, in seconds, if it has no `exp` (RFC 8417 section 2.2 advises against
   * one).
   */
  readonly maxAgeSeconds: number;
  /** Seconds since 1970. */
  readonly now: number;
}

/** A notice with a valid signature and valid claims. */
export interface Notice {
  readonly issuer: string;
  readonly jti: string;
  /** Until when it can be presented, in seconds since 1970. */
  readonly until: number;
  readonly claims: Claims;
}

/** Why a notice is refused. */
export type NoticeProblem =
  | 'malformed'
  | 'type'
  | 'algorithm'
  | 'times'
  | 'audience'
  | 'issuer'
  | 'key_unknown'
  | 'signature';

const refuse = (reason: NoticeProblem, message: string): Fault =>
  new Fault('unauthenticated', message, { detail: { reason } });

/**
 * Verifies a notice from an Okta organisation about its people's sessions: type, issuer, audience, times and
 * signature. Throws Fault `unauthenticated` (`detail.reason` is a NoticeProblem), and `unavailable` if the
 * issuer's keys cannot be fetched. Does not spend its `jti`.
 */
export async function proveNotice(
  token: string,
  expected: NoticeExpectations,
  keys: RemoteKeys,
): Promise<Notice> {
  const jwt = parseJwt(token.trim());
  if (jwt === null) throw refuse('malformed', 'This is not a signed JWT in compact form.');
  const { typ, alg, kid } = jwt.header as Record<'typ' | 'alg' | 'kid', unknown>;
  if (String(typ).replace(/^application\//, '') !== expected.type)
    throw refuse('type', `The typ must be ${expected.type}.`);
  if (alg !== 'RS256' && alg !== 'ES256') throw refuse('algorithm', 'It must be signed with RS256 or ES256.');
  if (typeof kid !== 'string' || kid === '' || kid.length > 256)
    throw refuse('key_unknown', 'Its header does not name its key (kid).');
  const { iss, aud, jti, iat, exp, nbf } = jwt.claims;
  if (typeof jti !== 'string' || jti === '' || jti.length > 256)
    throw refuse('malformed', 'It must have a jti of 1 to 256 characters.');
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.some((one) => expected.audiences.some((ours) => ours === one)))
    throw refuse('audience', `Its aud must be ${expected.audiences.join(' or ')}.`);
  const until = timesOf({ iat, exp, nbf }, expected);
  const issuer = expected.trusted.find((one) => one === iss);
  if (issuer === undefined) throw refuse('issuer', 'Its issuer is not the Okta of this organisation.');
  const key = await keys.key({ issuer, fallbackJwksUri: keysOf(issuer) }, kid, alg);
  if (key === null) throw refuse('key_unknown', 'Its issuer does not publish the signing key that it names.');
  if (!verifyJws(key, jwt.signed, jwt.signature)) throw refuse('signature', 'Its signature is invalid.');
  return { issuer, jti, until, claims: jwt.claims };
}

/** Where Okta publishes the keys of an organisation and of a custom authorization server. */
const keysOf = (issuer: string): string =>
  issuer.includes('/oauth2/') ? `${issuer}/v1/keys` : `${issuer}/oauth2/v1/keys`;

function timesOf({ iat, exp, nbf }: Claims, { now, maxAgeSeconds, type }: NoticeExpectations): number {
  const early = (moment: unknown) => !isNumericDate(moment) || moment > now + SKEW_SECONDS;
  if (!isNumericDate(iat) || early(iat) || (nbf !== undefined && early(nbf)))
    throw refuse('times', 'Its iat must not be in the future.');
  if (exp === undefined && type !== 'secevent+jwt') throw refuse('times', 'It has no exp.');
  if (exp !== undefined && (!isNumericDate(exp) || exp + SKEW_SECONDS <= now))
    throw refuse('times', 'It has expired.');
  const until = Math.min(isNumericDate(exp) ? exp : Infinity, iat + maxAgeSeconds) + SKEW_SECONDS;
  if (until <= now) throw refuse('times', 'It is too old.');
  return until;
}

/** A subject identifier that we can look up (RFC 9493 sections 3.2.2 and 3.2.3). */
export type SubjectIdentifier =
  | { readonly format: 'iss_sub'; readonly iss: string; readonly sub: string }
  | { readonly format: 'email'; readonly email: string };

/**
 * Reads a subject identifier, or the `user` of a complex one (SSF 1.0 section 3.2). Null if we cannot look it
 * up.
 */
export function subjectIdentifier(value: unknown): SubjectIdentifier | null {
  if (typeof value !== 'object' || value === null) return null;
  if ('user' in value) return subjectIdentifier(value.user);
  const { format, iss, sub, email } = value as Record<'format' | 'iss' | 'sub' | 'email', unknown>;
  if (format === 'iss_sub' && typeof iss === 'string' && typeof sub === 'string' && sub.length <= 255)
    return { format, iss, sub };
  if (format === 'email' && typeof email === 'string' && email.length <= 320) return { format, email };
  return null;
}

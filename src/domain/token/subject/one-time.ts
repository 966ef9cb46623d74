import { sha256 } from '#lib/crypto.ts';
import type { ParsedJwt } from '#lib/jwt.ts';
import type { Once } from '../../ledger/store.ts';
import type { Granted, Subject } from '../grant/grant.ts';
import { SKEW_SECONDS } from '../names.ts';
import { OAuthError } from '../oauth-error.ts';

/**
 * A name that identifies a token: its issuer and `jti` (RFC 7519 section 4.1.7), or, without a `jti` (as at
 * Entra), the SHA-256 of everything that its signature covers. The signature itself is left out because it
 * has several valid encodings (unused bits of base64url, the other S of ECDSA), and each would look like
 * another token.
 */
export function tokenName({ claims, signed }: Pick<ParsedJwt, 'claims' | 'signed'>): string {
  const { iss, jti } = claims as Record<'iss' | 'jti', unknown>;
  return typeof iss === 'string' && typeof jti === 'string' && jti !== '' ? `${iss} ${jti}` : sha256(signed);
}

/**
 * What makes a subject token usable once: set if the grant contains a scope that the tenant has marked for
 * one exchange (T26), as read together with the mandate. Null otherwise, and if the mandate itself is the
 * subject, since that is not a token that someone could have copied.
 */
export function oneExchange({ mandate, scopes }: Granted, { token, expiresAt }: Subject): Once | null {
  const high = mandate.one_time;
  if (high === null || token === null || expiresAt === null) return null;
  if (!scopes.some((scope) => high.includes(scope))) return null;
  return {
    key: sha256(`subject_token ${token}`),
    expiresAt: new Date((expiresAt + SKEW_SECONDS) * 1000),
  };
}

/**
 * The error for every exchange of such a token after the first: `invalid_request` (RFC 8693 section 2.2.2),
 * or `invalid_grant` for an ID-JAG (RFC 7523 section 3.1).
 */
export const subjectReplayed = ({ kind }: Subject): OAuthError =>
  new OAuthError(
    kind === 'id_jag' ? 'invalid_grant' : 'invalid_request',
    'subject_replayed',
    `${kind === 'id_jag' ? 'assertion' : 'subject_token'}: it was already exchanged, and one of these scopes makes it single-use. Keep using the token you have until it expires, or sign the employee in for a new one.`,
  );

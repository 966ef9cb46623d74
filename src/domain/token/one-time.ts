import { sha256 } from '#lib/crypto.ts';
import type { ParsedJwt } from '#lib/jwt.ts';
import type { Once } from '../ledger/store.ts';
import type { Granted, Subject } from './grant.ts';
import { SKEW_SECONDS } from './names.ts';
import { OAuthError } from './oauth-error.ts';

/**
 * What tells a token from every other: its issuer and `jti` (RFC 7519 section 4.1.7), or, where it has none (Entra's has not), the SHA-256 of
 * all that its signature covers. Not the whole token: a signature can be written in more than one way (unused bits of base64url, the other S of ECDSA), and each would be
 * a token of its own.
 */
export function tokenName({ claims, signed }: Pick<ParsedJwt, 'claims' | 'signed'>): string {
  const { iss, jti } = claims as Record<'iss' | 'jti', unknown>;
  return typeof iss === 'string' && typeof jti === 'string' && jti !== '' ? `${iss} ${jti}` : sha256(signed);
}

/**
 * What makes a subject token usable once: where the grant has a scope for which the tenant, as it was read with the mandate, has it so (T26). Null
 * otherwise, and for the mandate itself, which is no token that somebody could have copied.
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

/** What every exchange of such a token but the first gets: `invalid_request` (RFC 8693 section 2.2.2), of an ID-JAG `invalid_grant` (RFC 7523 section 3.1). */
export const subjectReplayed = ({ kind }: Subject): OAuthError =>
  new OAuthError(
    kind === 'id_jag' ? 'invalid_grant' : 'invalid_request',
    'subject_replayed',
    `${kind === 'id_jag' ? 'assertion' : 'subject_token'}: it was exchanged before, and for one of these scopes it is good for one exchange. Keep the token that you have until it ends, or get a new one from where this one came from.`,
  );

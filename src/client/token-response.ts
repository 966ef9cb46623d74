import { isDelegation, type DelegationClaims } from './claims.ts';
import { ProkuraError } from './errors.ts';
import { isNumericDate, parseJwt } from './jwt.ts';
import type { Expiring } from './token-cache.ts';

/** A delegation token and its response (RFC 8693 section 2.2.1). */
export interface DelegationToken {
  readonly access_token: string;
  readonly issued_token_type: string;
  readonly token_type: 'Bearer' | 'DPoP';
  /** Seconds from now, by the clock of this process. */
  readonly expires_in: number;
  readonly scope: string;
  readonly authorization_details?: readonly Readonly<Record<string, unknown>>[];
  readonly expiresAt: Date;
  /**
   * The token's claims. They are not verified, because the token came from the issuer itself.
   * Absent if the token is not a JWT.
   */
  readonly claims?: DelegationClaims;
}

/** A token as it is cached. */
export interface IssuedToken extends Expiring {
  readonly accessToken: string;
  readonly mandateId: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  readonly issuedTokenType: string;
  readonly scope: string;
  readonly details: readonly Readonly<Record<string, unknown>>[] | null;
  readonly claims: DelegationClaims | null;
}

const TOKEN_TYPES: Readonly<Record<string, 'Bearer' | 'DPoP'>> = { bearer: 'Bearer', dpop: 'DPoP' };

const invalid = (description: string, reason: string) =>
  new ProkuraError('invalid_response', description, { reason });

/**
 * Reads a token response. The token's lifetime counts from the time of the request, so it ends here
 * no later than at the server. If a bound token was asked for and the token is not bound, it is
 * discarded (RFC 9449 section 5). Throws ProkuraError `invalid_response`.
 */
export function issuedToken(
  body: Readonly<Record<string, unknown>>,
  asked: { readonly startedAtMs: number; readonly mandateId: string; readonly bound: boolean },
): IssuedToken {
  const {
    access_token: token,
    token_type: type,
    expires_in: life,
    issued_token_type: issuedType,
  } = body as Record<'access_token' | 'token_type' | 'expires_in' | 'issued_token_type', unknown>;
  const tokenType = typeof type === 'string' ? TOKEN_TYPES[type.toLowerCase()] : undefined;
  if (typeof token !== 'string' || token === '' || tokenType === undefined)
    throw invalid('The token response has no access_token of a known token_type.', 'token');
  if (asked.bound !== (tokenType === 'DPoP'))
    throw invalid(
      `A ${asked.bound ? 'DPoP' : 'Bearer'} token was requested, but the server issued another type.`,
      'token_type',
    );
  const claims = parseJwt(token)?.claims ?? null;
  const seconds = isNumericDate(life) ? life : lifeOf(claims);
  if (seconds === null || seconds <= 0) throw invalid('The token response has no expires_in.', 'expires_in');
  const details = body['authorization_details'];
  const scope = body['scope'] ?? claims?.['scope'];
  return {
    accessToken: token,
    mandateId: asked.mandateId,
    tokenType,
    issuedTokenType: typeof issuedType === 'string' ? issuedType : '',
    scope: typeof scope === 'string' ? scope : '',
    details: Array.isArray(details) ? (details as Readonly<Record<string, unknown>>[]) : null,
    claims: claims !== null && isDelegation(claims) ? claims : null,
    issuedAtMs: asked.startedAtMs,
    expiresAtMs: asked.startedAtMs + seconds * 1000,
  };
}

function lifeOf(claims: Readonly<Record<string, unknown>> | null): number | null {
  const [iat, exp] = [claims?.['iat'], claims?.['exp']];
  return isNumericDate(iat) && isNumericDate(exp) ? exp - iat : null;
}

/** A cached token as the caller gets it. */
export function drawToken(token: IssuedToken, now: Date): DelegationToken {
  return {
    access_token: token.accessToken,
    issued_token_type: token.issuedTokenType,
    token_type: token.tokenType,
    expires_in: Math.max(0, Math.floor((token.expiresAtMs - now.getTime()) / 1000)),
    scope: token.scope,
    expiresAt: new Date(token.expiresAtMs),
    ...(token.details === null ? {} : { authorization_details: token.details }),
    ...(token.claims === null ? {} : { claims: token.claims }),
  };
}

import { sha256 } from './base64url.ts';
import { ProkuraError } from './errors.ts';

/** A token exchange with the parameter names of RFC 8693 section 2.1, and Prokura's `mandate_id`. */
export interface ExchangeRequest {
  /**
   * The employee's access token from their identity provider, or a delegation token that another agent
   * passed to this one; or a function that gets one and is called only when needed. Leave it out for an
   * `offline` mandate, which then is the subject itself.
   */
  readonly subject_token?: string | (() => string | Promise<string>);
  /** Default: `urn:ietf:params:oauth:token-type:access_token`. */
  readonly subject_token_type?: string;
  readonly mandate_id: string;
  /** Scopes, separated by spaces or as a list. Default: everything that the mandate allows. */
  readonly scope?: string | readonly string[];
  /** The resource server that the token is for. Default: the client's, or else the server's default. */
  readonly audience?: string;
  /** Limits to ask for (RFC 9396). */
  readonly authorization_details?: readonly Readonly<Record<string, unknown>>[];
  readonly actor_token?: string;
  /** Default: `urn:ietf:params:oauth:token-type:jwt`. */
  readonly actor_token_type?: string;
  /**
   * Your own identifier of the employee whose token this is. With it, cached tokens are found without the
   * subject token, so a newer subject token finds them too. Set it only if you know whose token it is:
   * requests with the same `subject` get the same delegation token.
   */
  readonly subject?: string;
}

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const MANDATE = 'urn:prokura:params:oauth:token-type:mandate';

/**
 * Sorted scopes without duplicates, or null if none are named. Throws ProkuraError `configuration` for an
 * empty text or list.
 */
export function scopesOf(scope: ExchangeRequest['scope']): string[] | null {
  if (scope === undefined) return null;
  const names = typeof scope === 'string' ? scope.split(' ') : [...scope];
  const some = [...new Set(names.filter((name) => name !== ''))].sort();
  if (some.length === 0)
    throw new ProkuraError('configuration', 'scope is empty. Omit it to request everything in the mandate.');
  return some;
}

/**
 * The cache key of a request. Unless `subject` is given, it contains the whole subject token: the token's
 * claims are not verified here, so a forged token must not get another person's delegation token.
 */
export async function cacheKey(
  request: ExchangeRequest,
  subjectToken: string | null,
  audience: string | null,
): Promise<string> {
  const who =
    request.subject === undefined ? ['token', await sha256(subjectToken ?? '')] : ['name', request.subject];
  const actor = request.actor_token === undefined ? null : await sha256(request.actor_token);
  return JSON.stringify([
    who,
    request.mandate_id,
    scopesOf(request.scope),
    audience,
    request.authorization_details ?? null,
    request.subject_token_type ?? null,
    actor,
  ]);
}

/** The form of the request, without client authentication. */
export function exchangeForm(
  request: ExchangeRequest,
  subjectToken: string,
  audience: string | null,
): Record<string, string> {
  const scopes = scopesOf(request.scope);
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type:
      request.subject_token_type ?? (request.subject_token === undefined ? MANDATE : ACCESS_TOKEN),
    mandate_id: request.mandate_id,
    ...(scopes === null ? {} : { scope: scopes.join(' ') }),
    ...(audience === null ? {} : { audience }),
    ...(request.authorization_details === undefined
      ? {}
      : { authorization_details: JSON.stringify(request.authorization_details) }),
    ...(request.actor_token === undefined
      ? {}
      : { actor_token: request.actor_token, actor_token_type: request.actor_token_type ?? JWT }),
  };
}

import { sha256 } from './base64url.ts';
import { ProkuraError } from './errors.ts';

/** A token exchange, as RFC 8693 section 2.1 names its parts, with Prokura's `mandate_id`. */
export interface ExchangeRequest {
  /**
   * The employee's access token from their identity provider, or a delegation token of this agent's principal to pass on; or a function that
   * gets one, called only when it is needed. Left out for an `offline` mandate: then the mandate stands for itself.
   */
  readonly subject_token?: string | (() => string | Promise<string>);
  /** `urn:ietf:params:oauth:token-type:access_token` unless named. */
  readonly subject_token_type?: string;
  readonly mandate_id: string;
  /** Scopes with spaces between, or as a list. Everything that the mandate holds unless named. */
  readonly scope?: string | readonly string[];
  /** Which resource server the token is for; the client's, or else the server's default. */
  readonly audience?: string;
  /** RFC 9396. */
  readonly authorization_details?: readonly Readonly<Record<string, unknown>>[];
  readonly actor_token?: string;
  /** `urn:ietf:params:oauth:token-type:jwt` unless named. */
  readonly actor_token_type?: string;
  /**
   * Your own name for the employee whose token this is. With it a cached token is found without the subject token, so one may renew it.
   * Name it only where you know whose token it is: whoever gets the same name gets the same delegation token.
   */
  readonly subject?: string;
}

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const MANDATE = 'urn:prokura:params:oauth:token-type:mandate';

/** Scopes in order, each once; null where none are named. */
export function scopesOf(scope: ExchangeRequest['scope']): string[] | null {
  if (scope === undefined) return null;
  const names = typeof scope === 'string' ? scope.split(' ') : [...scope];
  const some = [...new Set(names.filter((name) => name !== ''))].sort();
  if (some.length === 0)
    throw new ProkuraError(
      'configuration',
      'scope is empty. Leave it out to ask for all that the mandate holds.',
    );
  return some;
}

/**
 * What makes two requests the same for the cache. The whole subject token counts unless `subject` is named: what a token says of itself
 * is not verified here, and whoever presents a forged one must not be given another person's delegation token.
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

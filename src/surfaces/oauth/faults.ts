import type { ExchangeResponse } from '#domain/token/exchange/exchange.ts';
import { OAuthError } from '#domain/token/oauth-error.ts';
import { asFault, type Fault, type FaultCode } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { Logger } from '#lib/log.ts';
import { toWeb, type PlainAnswer } from '#lib/plain-http.ts';
import { retryAfterSeconds } from '#lib/retry-after.ts';

// The error of each fault: RFC 6749 section 5.2, and RFC 6750 section 3.1 for callers with an API key.
const FAULTS = {
  invalid_input: { status: 400, error: 'invalid_request' },
  unauthenticated: { status: 401, error: 'invalid_token' },
  forbidden: { status: 403, error: 'insufficient_scope' },
  not_found: { status: 404, error: 'not_found' },
  conflict: { status: 400, error: 'invalid_request' },
  rate_limited: { status: 429, error: 'temporarily_unavailable' },
  unavailable: { status: 503, error: 'temporarily_unavailable' },
  internal: { status: 500, error: 'server_error' },
} as const satisfies Record<FaultCode, { status: number; error: string }>;

/** A JSON answer that must not be stored, like every answer about a token (RFC 6749 section 5.1). */
export const json = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): PlainAnswer => ({ status, headers: { ...UNSTORED, ...headers }, body: JSON.stringify(body) });

const UNSTORED = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  pragma: 'no-cache',
} as const;

/**
 * The same for a token response. A token needs no JSON escaping, and looking for characters to escape would
 * be most of the cost.
 */
export const tokenJson = ({ access_token: token, ...others }: ExchangeResponse): PlainAnswer => ({
  status: 200,
  headers: UNSTORED,
  body: `{"access_token":"${token}",${JSON.stringify(others).slice(1)}`,
});

/** The same as a web response. */
export const answer = (...parts: Parameters<typeof json>): Response => toWeb(json(...parts));

/**
 * The answer for anything thrown. An unexpected error is logged under an id, which the answer contains;
 * neither contains a token. `authorization` is the header that the caller sent: a failed authentication is
 * answered in its scheme (RFC 6749 section 5.2).
 */
export function failure(error: unknown, log: Logger, authorization: string | null): PlainAnswer {
  if (error instanceof OAuthError) {
    const scheme = error.status === 401 ? /^[A-Za-z]+/.exec(authorization ?? '')?.[0] : undefined;
    const challenge = scheme === undefined ? {} : { 'www-authenticate': `${scheme} realm="prokura"` };
    return json(
      error.status,
      { error: error.error, error_description: error.description, ...error.extra },
      challenge,
    );
  }
  const fault = asFault(error);
  const { status, error: code } = FAULTS[fault.code];
  const body: Record<string, unknown> = {
    error: code,
    error_description: fault.message.replaceAll(/[^\x20-\x7e]|["\\]/g, "'"),
  };
  if (fault.code === 'internal' || fault.code === 'unavailable') {
    const errorId = newId('err');
    log.error({ err: fault.cause ?? fault, error_id: errorId }, 'oauth');
    body['error_id'] = errorId;
  }
  return json(status, body, faultHeaders(fault));
}

function faultHeaders(fault: Fault): Record<string, string> {
  const { code } = fault;
  if (code === 'unauthenticated')
    return { 'www-authenticate': 'Bearer realm="prokura", error="invalid_token"' };
  if (code === 'forbidden')
    return { 'www-authenticate': 'Bearer realm="prokura", error="insufficient_scope"' };
  if (code === 'unavailable' || code === 'rate_limited')
    return { 'retry-after': String(retryAfterSeconds(fault)) };
  return {};
}

import { proofChallenge } from '#domain/token/client/dpop.ts';
import { asFault, type FaultCode } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import type { Logger } from '#lib/log.ts';
import { retryAfterSeconds } from '#lib/retry-after.ts';

const FAULTS = {
  invalid_input: { status: 400, title: 'The request is invalid' },
  unauthenticated: { status: 401, title: 'Not authenticated' },
  forbidden: { status: 403, title: 'Not allowed' },
  not_found: { status: 404, title: 'Not found' },
  conflict: { status: 409, title: 'Conflict' },
  rate_limited: { status: 429, title: 'Too many requests' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
  internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<FaultCode, { status: number; title: string }>;

/** A refusal by the protocol that has no Fault code: 405, 413, 415. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'Refusal';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** An error as RFC 9457 problem details. `members` are added to the standard ones and never replace them. */
export function problem(
  status: number,
  code: string,
  title: string,
  detail: string,
  members: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = { ...members, type: `urn:prokura:problem:${code}`, title, status, detail, code };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}

/**
 * Anything thrown, as a response. 503 and 429 have Retry-After. An unexpected error is 500 with an error id,
 * under which its cause is logged; the cause is never shown. `metadataUrl` goes into the challenge of a 401.
 */
export function problemOf(error: unknown, log: Logger, metadataUrl?: string): Response {
  if (error instanceof Refusal)
    return problem(error.status, error.code, 'The request was refused', error.message, {}, error.headers);
  const fault = asFault(error);
  const { status, title } = FAULTS[fault.code];
  const { reason, retry_after_seconds: _, dpop: __, ...detail } = fault.detail;
  const members: Record<string, unknown> = { ...detail, ...(reason === undefined ? {} : { reason }) };
  const headers: Record<string, string> = {};
  if (fault.code === 'unauthenticated')
    headers['www-authenticate'] =
      proofChallenge(fault) ?? (reason === 'no_token' ? 'Bearer' : 'Bearer error="invalid_token"');
  // RFC 9728 section 5.1: a client that knows only this address can find the issuer of the token that it
  // needs.
  if (fault.code === 'unauthenticated' && metadataUrl !== undefined) {
    const said = headers['www-authenticate'] ?? '';
    headers['www-authenticate'] =
      `${said}${said.includes('=') ? ',' : ''} resource_metadata="${metadataUrl}"`;
  }
  if (fault.code === 'unavailable' || fault.code === 'rate_limited')
    headers['retry-after'] = String(retryAfterSeconds(fault));
  if (fault.code === 'internal') {
    members['error_id'] = newId('err');
    log.error({ err: fault.cause ?? fault, error_id: members['error_id'] }, 'a REST request failed');
  }
  return problem(status, fault.code, title, fault.message, members, headers);
}

import type { TokenKernel } from '#domain/token/kernel.ts';
import type { NoticeProblem } from '#domain/token/logout/logout-notice.ts';
import { OAuthError } from '#domain/token/oauth-error.ts';
import { Fault } from '#lib/fault.ts';
import { credentialOf } from '#lib/authorization.ts';
import type { Address } from './address.ts';
import { answer } from './faults.ts';
import { formBody } from './form.ts';

interface Parts {
  readonly kernel: Pick<TokenKernel, 'logout' | 'tenantOf'>;
}

// The error codes of RFC 8935 section 2.4, by what is wrong with a security event token.
const SET_ERRORS = {
  malformed: 'invalid_request',
  type: 'invalid_request',
  times: 'invalid_request',
  algorithm: 'invalid_key',
  key_unknown: 'invalid_key',
  signature: 'authentication_failed',
  issuer: 'invalid_issuer',
  audience: 'invalid_audience',
} as const satisfies Record<NoticeProblem, string>;

async function tenantOf({ kernel }: Parts, { tenantId }: Address): Promise<string> {
  const found = tenantId === null ? null : await kernel.tenantOf('tenant', tenantId);
  if (found === null) throw new Fault('not_found', 'Unknown issuer.');
  return found;
}

/**
 * Okta Universal Logout: `POST <issuer>/oauth2/global-token-revocation`
 * (draft-parecki-oauth-global-token-revocation). Answers 204 once the person's tokens and sessions have
 * ended. Throws OAuthError, and Fault `not_found` for an unknown issuer or person, `unauthenticated` and
 * `invalid_input`.
 */
export async function globalTokenRevocation(
  parts: Parts,
  address: Address,
  request: Request,
): Promise<Response> {
  const tenantId = await tenantOf(parts, address);
  const presented = credentialOf(request.headers.get('authorization'));
  if (presented?.scheme !== 'bearer')
    throw new Fault('unauthenticated', 'Send "Authorization: Bearer" with a JWT that your Okta signed.');
  const body = jsonOf((await formBody(request)).toString('utf8'));
  const { known } = await parts.kernel.logout.globalTokenRevocation(tenantId, presented.token, body);
  if (!known) throw new Fault('not_found', 'Person not found.');
  return new Response(null, { status: 204 });
}

/**
 * Receives pushed security events: `POST <issuer>/ssf/events` (RFC 8935). Answers 202, also for an unknown
 * person or an irrelevant event. Throws Fault.
 */
export async function securityEvents(parts: Parts, address: Address, request: Request): Promise<Response> {
  const tenantId = await tenantOf(parts, address);
  try {
    const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
    if (type !== 'application/secevent+jwt')
      return refused('invalid_request', 'Send one security event token as application/secevent+jwt.');
    await parts.kernel.logout.securityEvent(tenantId, (await formBody(request)).toString('utf8'));
    return new Response(null, { status: 202 });
  } catch (error) {
    if (error instanceof OAuthError) return refused('invalid_request', error.description);
    if (!(error instanceof Fault)) throw error;
    if (error.code === 'invalid_input') return refused('invalid_request', error.message);
    if (error.code !== 'unauthenticated') throw error;
    return refused(SET_ERRORS[error.detail.reason as NoticeProblem], error.message);
  }
}

const refused = (err: string, description: string): Response => answer(400, { err, description });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Fault('invalid_input', 'The body must be JSON.');
  }
}

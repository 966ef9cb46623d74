import type { App } from '#engine/app.ts';
import { presentedRequest, proofChallenge } from '#domain/token/client/dpop.ts';
import type { TokenKernel, VerifiedToken } from '#domain/token/kernel.ts';
import { mcpAudience, type McpAddress } from '#domain/token/grant/mcp-address.ts';
import { Fault } from '#lib/fault.ts';
import { parseJwt } from '#lib/jwt.ts';
import { credentialOf } from '#lib/authorization.ts';
import { retryAfterSeconds } from '#lib/retry-after.ts';
import { isLoopback } from '#lib/url.ts';

type Where = Pick<App, 'baseUrl' | 'mode'>;

/**
 * Refuses a request that another site's page sends through a browser (DNS rebinding: MCP 2026-07-28,
 * basic/transports, "Security Warning"). The Host must be ours, and so must the Origin if there is one. In a
 * sandbox loopback names count as ours. Returns null if the request may continue. Does not authenticate.
 */
export function foreignRequest(app: Where, request: Request): Response | null {
  const host = request.headers.get('host') ?? new URL(request.url).host;
  if (!isOurs(app, `http://${host}`))
    return plain(
      403,
      'forbidden_host',
      'This server does not answer under this host name. Use the URL that it publishes.',
    );
  const origin = request.headers.get('origin');
  if (origin !== null && !isOurs(app, origin))
    return plain(403, 'forbidden_origin', 'Pages of other websites cannot call this server.');
  return null;
}

function isOurs(app: Where, origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { hostname } = new URL(origin);
  return hostname === new URL(app.baseUrl).hostname || (app.mode === 'sandbox' && isLoopback(origin));
}

/**
 * Verifies the request's token: one of ours for this resource, of an agent or of a client that a person
 * signed in to, in good standing now. A tenant's own address accepts that tenant's tokens only, for that
 * address or for `/mcp`.
 *
 * Throws Fault `unauthenticated` (`detail.reason` is `no_token` if none was sent) and `unavailable`.
 */
export async function authenticate(
  app: Where,
  kernel: Pick<TokenKernel, 'verify'>,
  request: Request,
  endpoint: McpAddress,
): Promise<VerifiedToken> {
  if (new URL(request.url).searchParams.has('access_token')) {
    throw refuse(
      'token_in_query',
      'Never put a token in a URL, where it is logged. Discard this token and send "Authorization: Bearer …".',
    );
  }
  const presented = credentialOf(request.headers.get('authorization'));
  if (presented === null || !['bearer', 'dpop'].includes(presented.scheme))
    throw refuse(
      'no_token',
      'Send an access token as "Authorization: Bearer …". A client gets one when its user signs in (see the metadata of this resource); an agent gets one by token exchange.',
    );
  const { token } = presented;
  const delegation = await kernel.verify(
    token,
    audience(app, token, endpoint),
    presentedRequest(app.baseUrl, request),
  );
  if (endpoint.tenantId !== null && delegation.tenantId !== endpoint.tenantId) {
    throw refuse('other_tenant', 'The token belongs to a different organisation than this URL.');
  }
  return delegation;
}

/**
 * The audience to check the token against. The token's claim is not trusted: it only chooses which of the two
 * checks must pass.
 */
function audience(app: Where, token: string, endpoint: McpAddress): string {
  const own = mcpAudience(app.baseUrl, endpoint.tenantId);
  return parseJwt(token)?.claims['aud'] === own ? own : mcpAudience(app.baseUrl, null);
}

const refuse = (reason: string, message: string): Fault =>
  new Fault('unauthenticated', message, { detail: { reason } });

/**
 * The 401 answer (RFC 6750 section 3, RFC 9728 section 5.1, RFC 9449 section 7.1). It contains `error` only
 * if a token was sent.
 */
export function challenge(fault: Fault, metadataUrl: string, scopes: readonly string[]): Response {
  const { reason = 'invalid_token' } = fault.detail;
  const proof = proofChallenge(fault);
  const parts = [
    `resource_metadata="${metadataUrl}"`,
    ...(scopes.length === 0 ? [] : [`scope="${scopes.join(' ')}"`]),
  ];
  if (reason !== 'no_token')
    parts.push('error="invalid_token"', `error_description="${headerText(fault.message)}"`);
  const body = {
    error: fault.detail.dpop ?? (reason === 'no_token' ? 'unauthorized' : 'invalid_token'),
    error_description: fault.message,
    code: reason,
    retryable: false,
  };
  return Response.json(body, {
    status: 401,
    headers: {
      'www-authenticate':
        proof === null ? `Bearer ${parts.join(', ')}` : `${proof}, resource_metadata="${metadataUrl}"`,
      'cache-control': 'no-store',
    },
  });
}

/** The 503 answer: nothing was checked, and the same request may be sent again. */
export function unavailable(fault: Fault): Response {
  const body = {
    error: 'temporarily_unavailable',
    error_description: fault.message,
    code: 'unavailable',
    retryable: true,
  };
  return Response.json(body, {
    status: 503,
    headers: { 'retry-after': String(retryAfterSeconds(fault)), 'cache-control': 'no-store' },
  });
}

/**
 * The 404 answer for a toolset that does not exist. With an empty list instead, the client would wonder where
 * its tools are.
 */
export const noSuchToolset = (toolset: string, known: Iterable<string>): Response =>
  plain(404, 'not_found', `There is no toolset "${toolset}". Toolsets: ${[...known].join(', ')}.`);

const plain = (status: number, code: string, message: string): Response =>
  Response.json({ error: code, error_description: message, code }, { status });

/**
 * Text for `error_description`: printable ASCII without quotation marks and backslashes (RFC 6750 section 3).
 */
export const headerText = (text: string): string =>
  text.replaceAll(/["\\]/g, "'").replaceAll(/[^\x20-\x7e]/g, '?');

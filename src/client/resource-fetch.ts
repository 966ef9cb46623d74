import type { DpopProver } from './dpop.ts';
import { ProkuraError } from './errors.ts';
import { safeUrl, type Fetch } from './http.ts';
import type { IssuedToken } from './token-response.ts';

interface ResourceParts {
  readonly fetch: Fetch;
  readonly prover: DpopProver | null;
  readonly audience: string | null;
  readonly token: () => Promise<IssuedToken>;
  readonly drop: (accessToken: string) => void;
  readonly origins: readonly string[];
}

/**
 * Sends a request with a token (RFC 6750 section 2.1, RFC 9449 section 7.1). Makes at most three
 * attempts: the first, one with a nonce, and one with a new token. Throws ProkuraError: that of getting
 * a token, `configuration` for an address that must not get the token, or `unavailable`.
 */
export async function fetchWithToken(
  parts: ResourceParts,
  target: string | URL,
  init: RequestInit,
): Promise<Response> {
  const url = safeUrl(String(target), 'The URL');
  guardOrigin(url, parts.audience, parts.origins);
  const tried = { nonce: false, token: false };
  for (;;) {
    const token = await parts.token();
    guardOrigin(url, token.claims?.aud, parts.origins);
    const response = await send(parts, url, init, token);
    const learned = parts.prover?.learn(url, response.headers) ?? false;
    if (response.status !== 401 || !canRepeat(init.body)) return response;
    const challenge = response.headers.get('www-authenticate') ?? '';
    if (learned && !tried.nonce && /error="use_dpop_nonce"/.test(challenge)) tried.nonce = true;
    else if (!tried.token && /error="invalid_token"/.test(challenge)) {
      tried.token = true;
      parts.drop(token.accessToken);
    } else return response;
    await response.body?.cancel();
  }
}

async function send(
  parts: ResourceParts,
  url: URL,
  init: RequestInit,
  token: IssuedToken,
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `${token.tokenType} ${token.accessToken}`);
  if (parts.prover !== null)
    headers.set('dpop', await parts.prover.proof(init.method ?? 'GET', url, token.accessToken));
  try {
    return await parts.fetch(url, { redirect: 'manual', ...init, headers });
  } catch (error) {
    // Callers that abort a request expect an AbortError.
    if (init.signal?.aborted === true) throw error;
    throw new ProkuraError('unavailable', `${url.origin} did not respond.`, { cause: error });
  }
}

/** Refuses to send a token to another server than its own, because that server could use it. */
function guardOrigin(url: URL, audience: unknown, origins: readonly string[]): void {
  if (typeof audience !== 'string' || !/^https?:/.test(audience) || !URL.canParse(audience)) return;
  if (new URL(audience).origin === url.origin || origins.includes(url.origin)) return;
  throw new ProkuraError(
    'configuration',
    `A token for ${audience} is not sent to ${url.origin}. If this is the right server, add that origin to origins.`,
    { reason: 'other_origin' },
  );
}

/** Whether the body can be sent again. A stream cannot. */
const canRepeat = (body: RequestInit['body']): boolean =>
  !(typeof body === 'object' && body !== null && ('getReader' in body || Symbol.asyncIterator in body));

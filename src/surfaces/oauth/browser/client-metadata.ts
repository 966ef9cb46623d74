import { readLimited } from '#lib/body.ts';
import { createGuardedFetch } from '#lib/guarded-fetch.ts';

/**
 * Returns a fetch for clients' metadata documents and keys that connects only to public addresses. The
 * library's own guard connects first and checks the address afterwards, which is enough to find out what
 * listens inside (draft-ietf-oauth-client-id-metadata-document, "Server Side Request Forgery (SSRF)
 * Attacks").
 */
export function publicFetch(): typeof fetch {
  const guarded = createGuardedFetch({ loopback: false });
  return (input, init) => {
    const { url, headers, signal } = new Request(input, init);
    return guarded(url, { headers: Object.fromEntries(headers), signal });
  };
}

/**
 * The metadata without `scope`. Clients state the scopes that they will ask for (RFC 7591 section 2); the MCP
 * SDK repeats those of a challenge. Consent decides what a client may have, so a server may leave `scope`
 * out, as the RFC allows. Otherwise an unknown name would refuse the client, and a known one would limit it
 * for ever.
 */
function unscoped(text: string): string {
  try {
    const metadata: unknown = JSON.parse(text);
    if (typeof metadata !== 'object' || metadata === null || !('scope' in metadata)) return text;
    const { scope: _scope, ...rest } = metadata;
    return JSON.stringify(rest);
  } catch {
    // The next reader says what is wrong with it.
    return text;
  }
}

/** The same for the body of a registration request. */
export const unscopedBody = (body: Uint8Array): Uint8Array =>
  Buffer.from(unscoped(Buffer.from(body).toString()));

/** Longer than any document that the library accepts, in bytes. */
export const MAX_DOCUMENT_BYTES = 64 * 1024;

/**
 * The same for fetched documents. Status, headers, options and errors are unchanged. Throws TypeError for a
 * document that is too long.
 */
export const unscopedFetch =
  (inner: typeof fetch): typeof fetch =>
  async (input, init) => {
    const response = await inner(input, init);
    if (response.status !== 200) return response;
    const document = await readLimited(response.body, MAX_DOCUMENT_BYTES);
    if (document === null) throw new TypeError(`answered more than ${MAX_DOCUMENT_BYTES} bytes`);
    const headers = new Headers(response.headers);
    headers.delete('content-length');
    headers.delete('content-encoding');
    return new Response(unscoped(document.toString()), { status: 200, headers });
  };

import { createGuardedFetch } from '#lib/guarded-fetch.ts';

/**
 * Fetches what a client says of itself, its document and its keys, from public addresses alone. The library's own guard lets a connection be made
 * first and then looks where it leads: enough to find out what listens inside (draft-ietf-oauth-client-id-metadata-document, "Server Side Request
 * Forgery (SSRF) Attacks").
 */
export function publicFetch(): typeof fetch {
  const guarded = createGuardedFetch({ loopback: false });
  return (input, init) => {
    const { url, headers, signal } = new Request(input, init);
    return guarded(url, { headers: Object.fromEntries(headers), signal });
  };
}

/**
 * Clients say in their metadata which scopes they will ask for (RFC 7591 section 2), and the MCP SDK puts in what a challenge named.
 * What they may have is decided when a person consents, so `scope` is left out of it, as the RFC lets a server do: otherwise an
 * unknown name would refuse the client, and a known one would bind it for ever.
 */
function unscoped(text: string): string {
  try {
    const metadata: unknown = JSON.parse(text);
    if (typeof metadata !== 'object' || metadata === null || !('scope' in metadata)) return text;
    const { scope: _scope, ...rest } = metadata;
    return JSON.stringify(rest);
  } catch {
    // Whoever reads it next says what is wrong with it.
    return text;
  }
}

/** The same for the body of a registration request. */
export const unscopedBody = (body: Uint8Array): Uint8Array =>
  Buffer.from(unscoped(Buffer.from(body).toString()));

/** Longer than any document that is accepted, so that the reader behind refuses what is cut here. */
const MAX_DOCUMENT_BYTES = 64 * 1024;

/** The same for documents that are fetched. Everything else passes: status, headers, options and errors. */
export const unscopedFetch =
  (inner: typeof fetch): typeof fetch =>
  async (input, init) => {
    const response = await inner(input, init);
    if (response.status !== 200) return response;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > MAX_DOCUMENT_BYTES) break;
    }
    const headers = new Headers(response.headers);
    headers.delete('content-length');
    headers.delete('content-encoding');
    return new Response(unscoped(Buffer.concat(chunks).toString()), { status: 200, headers });
  };

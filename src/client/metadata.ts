import { ProkuraError, errorOfAnswer } from './errors.ts';
import { exchangeHttp, jsonObject, safeUrl, type Fetch, type Limits } from './http.ts';

/** The issuer's metadata (RFC 8414 section 2). Every endpoint is an address to which secrets may be sent. */
export interface ServerMetadata {
  readonly issuer: string;
  readonly tokenEndpoint: string | null;
  readonly introspectionEndpoint: string | null;
  readonly revocationEndpoint: string | null;
  readonly jwksUri: string | null;
  readonly clientAuthMethods: readonly string[];
}

/** How long the document is cached, in milliseconds. */
const KEPT_MS = 60 * 60 * 1000;
const MAX_BYTES = 64 * 1024;

/**
 * The address of an issuer's metadata: the well-known part goes between host and path (RFC 8414 section 3.1).
 */
export function metadataUrl(issuer: string): string {
  const url = safeUrl(issuer, 'issuer');
  if (url.search !== '' || url.hash !== '')
    throw new ProkuraError('configuration', 'issuer must not have a query or fragment.');
  return `${url.origin}/.well-known/oauth-authorization-server${url.pathname.replace(/\/$/, '')}`;
}

/**
 * Creates the reader of an issuer's metadata. Concurrent calls share one fetch. The document is cached for
 * an hour; failures are not cached. It must name the same issuer, byte for byte (RFC 8414 section 3.3).
 * Throws ProkuraError.
 */
export function createDiscovery(parts: {
  issuer: string;
  fetch: Fetch;
  now: () => Date;
  timeoutMs: number;
}): () => Promise<ServerMetadata> {
  const url = metadataUrl(parts.issuer);
  const limits: Limits = { timeoutMs: parts.timeoutMs, maxBytes: MAX_BYTES };
  let kept: { readonly metadata: ServerMetadata; readonly until: number } | null = null;
  let flight: Promise<ServerMetadata> | null = null;

  async function load(): Promise<ServerMetadata> {
    const answer = await exchangeHttp(parts.fetch, url, { headers: { accept: 'application/json' } }, limits);
    const body = jsonObject(answer.bytes);
    if (answer.status !== 200) throw errorOfAnswer(answer.status, answer.headers, body, parts.now());
    const metadata = read(body, parts.issuer, url);
    kept = { metadata, until: parts.now().getTime() + KEPT_MS };
    return metadata;
  }

  return async () => {
    if (kept !== null && parts.now().getTime() < kept.until) return kept.metadata;
    flight ??= load().finally(() => (flight = null));
    return flight;
  };
}

function read(body: Readonly<Record<string, unknown>> | null, issuer: string, url: string): ServerMetadata {
  if (body?.['issuer'] !== issuer)
    throw new ProkuraError(
      'invalid_response',
      `The metadata at ${url} belongs to another issuer than ${issuer}.`,
      {
        reason: 'issuer',
      },
    );
  const endpoint = (name: string): string | null => {
    const value = body[name];
    return typeof value === 'string' ? safeUrl(value, name).href : null;
  };
  const methods = body['token_endpoint_auth_methods_supported'];
  return {
    issuer,
    tokenEndpoint: endpoint('token_endpoint'),
    introspectionEndpoint: endpoint('introspection_endpoint'),
    revocationEndpoint: endpoint('revocation_endpoint'),
    jwksUri: endpoint('jwks_uri'),
    clientAuthMethods: Array.isArray(methods) ? methods.filter((one) => typeof one === 'string') : [],
  };
}

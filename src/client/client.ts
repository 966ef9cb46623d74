import { createAuthenticator, type ClientCredentials } from './credentials.ts';
import { createProver, type DpopKeyPair } from './dpop.ts';
import { ProkuraError } from './errors.ts';
import { cacheKey, exchangeForm, type ExchangeRequest } from './exchange-request.ts';
import { platformFetch, type Fetch } from './http.ts';
import { createDiscovery, type ServerMetadata } from './metadata.ts';
import { fetchWithToken } from './resource-fetch.ts';
import { createTokenCache } from './token-cache.ts';
import { postForm, type EndpointParts } from './token-endpoint.ts';
import { drawToken, issuedToken, type DelegationToken, type IssuedToken } from './token-response.ts';

/** The options of a client. */
export interface ClientOptions extends ClientCredentials {
  /** The issuer identifier of the tenant, byte for byte: `https://prokura.example/t/tnt_…`. */
  readonly issuer: string;
  /**
   * The resource server that tokens are for, unless a request names another. Default: the server's default.
   */
  readonly audience?: string;
  /** Origins to which tokens may be sent besides the audience's own, such as your own proxy. */
  readonly origins?: readonly string[];
  /**
   * Binds tokens to a key (RFC 9449): `true` for a new key that cannot leave the process, or a pair of
   * your own.
   */
  readonly dpop?: boolean | DpopKeyPair;
  /**
   * How many seconds before its end a token is renewed. Default 30; never more than a fifth of its lifetime.
   */
  readonly renewBeforeSeconds?: number;
  /** The maximum number of cached tokens. Default 1000. */
  readonly maxTokens?: number;
  /** The time limit of a request to the issuer, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  readonly fetch?: Fetch;
  readonly now?: () => Date;
}

/** The answer to an introspection (RFC 7662 section 2.2). */
export interface Introspection {
  readonly active: boolean;
  readonly [member: string]: unknown;
}

/**
 * An agent's client for Prokura. Every function throws only ProkuraError, except for what the caller's
 * own functions throw.
 */
export interface ProkuraClient {
  /**
   * Returns a delegation token (RFC 8693) for an employee's token and a mandate: from the cache if it
   * is valid long enough, otherwise a new one. Concurrent calls for the same token share one request.
   * Never returns an expired token.
   */
  readonly exchangeToken: (request: ExchangeRequest) => Promise<DelegationToken>;
  /**
   * Does a `fetch` with a delegation token, Bearer or DPoP. If a 401 says that the token is invalid, or
   * asks for a nonce, the request is repeated once for each of these reasons, unless its body cannot be
   * sent again. Does not follow redirects unless `init.redirect` says so. If the token's audience is an
   * http(s) address, it is sent only to that origin and to `origins`.
   */
  readonly fetch: (
    url: string | URL,
    init: RequestInit | undefined,
    request: ExchangeRequest,
  ) => Promise<Response>;
  /** Asks the issuer about a token (RFC 7662). An agent only learns about its own tokens. */
  readonly introspect: (token: string) => Promise<Introspection>;
  /**
   * Revokes a token at the issuer (RFC 7009) and removes it from the cache. Throws `unsupported` if the
   * issuer does not offer revocation.
   */
  readonly revoke: (token: string) => Promise<void>;
  /** Removes cached tokens: those of one mandate, or all. */
  readonly forget: (which?: { readonly mandate_id: string }) => void;
  /** The issuer's metadata. */
  readonly metadata: () => Promise<ServerMetadata>;
}

const MAX_ANSWER_BYTES = 256 * 1024;

/**
 * Creates a client. Makes no request yet. Throws ProkuraError `configuration` if `issuer`, or the
 * choice between key and secret, is wrong.
 */
export function createClient(options: ClientOptions): ProkuraClient {
  const { fetch = platformFetch, now = () => new Date(), timeoutMs = 10_000 } = options;
  const discover = createDiscovery({ issuer: options.issuer, fetch, now, timeoutMs });
  const authenticate = createAuthenticator(options, now);
  const pair = typeof options.dpop === 'object' ? options.dpop : undefined;
  const prover = options.dpop === undefined || options.dpop === false ? null : createProver(now, pair);
  const limits = { timeoutMs, maxBytes: MAX_ANSWER_BYTES };
  const parts: EndpointParts = { fetch, now, limits, discover, authenticate };
  const cache = createTokenCache<IssuedToken>({
    now,
    leewayMs: (options.renewBeforeSeconds ?? 30) * 1000,
    max: options.maxTokens ?? 1000,
    survives: (error) => error instanceof ProkuraError && error.retryable,
  });

  async function issued(request: ExchangeRequest): Promise<IssuedToken> {
    const audience = request.audience ?? options.audience ?? null;
    const { subject_token: given = request.mandate_id } = request;
    const bring = async () => (typeof given === 'function' ? given() : given);
    const brought = request.subject === undefined ? await bring() : null;
    const key = await cacheKey(request, brought, audience);
    return cache.get(key, async () => {
      const form = exchangeForm(request, brought ?? (await bring()), audience);
      const startedAtMs = now().getTime();
      const body = await postForm(parts, 'tokenEndpoint', form, prover);
      return issuedToken(body, { startedAtMs, mandateId: request.mandate_id, bound: prover !== null });
    });
  }

  return {
    exchangeToken: async (request) => drawToken(await issued(request), now()),
    fetch: async (url, init, request) =>
      fetchWithToken(
        {
          fetch,
          prover,
          audience: request.audience ?? options.audience ?? null,
          token: () => issued(request),
          drop: (token) => cache.drop((one) => one.accessToken === token),
          origins: options.origins ?? [],
        },
        url,
        init ?? {},
      ),
    introspect: async (token) => {
      const body = await postForm(parts, 'introspectionEndpoint', { token });
      if (typeof body['active'] !== 'boolean')
        throw new ProkuraError(
          'invalid_response',
          'The introspection response does not say whether the token is active.',
        );
      return body as Introspection;
    },
    revoke: async (token) => {
      cache.drop((one) => one.accessToken === token);
      await postForm(parts, 'revocationEndpoint', { token, token_type_hint: 'access_token' });
    },
    forget: (which) => cache.forget((one) => which === undefined || one.mandateId === which.mandate_id),
    metadata: discover,
  };
}

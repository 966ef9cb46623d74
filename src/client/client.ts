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

/** How a client is set up. */
export interface ClientOptions extends ClientCredentials {
  /** The issuer identifier of the tenant, byte for byte: `https://prokura.example/t/tnt_…`. */
  readonly issuer: string;
  /** Which resource server tokens are for, unless a request names another; else the server's default. */
  readonly audience?: string;
  /** Origins beside the audience's own that tokens may be sent to, such as a proxy of yours before it. */
  readonly origins?: readonly string[];
  /** Bind tokens to a key (RFC 9449): one that is made here and cannot leave the process, or a pair of yours. */
  readonly dpop?: boolean | DpopKeyPair;
  /** A token is renewed this many seconds before its end: 30 unless named, never more than a fifth of its life. */
  readonly renewBeforeSeconds?: number;
  /** How many tokens are kept: 1000 unless named. */
  readonly maxTokens?: number;
  /** How long an endpoint may take, in milliseconds: 10,000 unless named. */
  readonly timeoutMs?: number;
  readonly fetch?: Fetch;
  readonly now?: () => Date;
}

/** The answer of an introspection (RFC 7662 section 2.2). */
export interface Introspection {
  readonly active: boolean;
  readonly [member: string]: unknown;
}

/** An agent's side of Prokura. Every function throws ProkuraError and nothing else, but for what the caller's own functions throw. */
export interface ProkuraClient {
  /**
   * A delegation token (RFC 8693) for an employee's token and a mandate: from the cache while it is good for a while, otherwise a new
   * one. Many calls at once for the same thing make one request. It is never expired when it is returned.
   */
  readonly exchangeToken: (request: ExchangeRequest) => Promise<DelegationToken>;
  /**
   * `fetch` with a delegation token, Bearer or DPoP. A 401 that calls the token invalid is answered with one more try with a new token, and
   * so is a demand for a nonce, where the body can be sent again. Redirects are not followed unless `init.redirect` says so.
   * Where the token's audience is an http(s) address, it goes to that origin and to `origins` alone.
   */
  readonly fetch: (
    url: string | URL,
    init: RequestInit | undefined,
    request: ExchangeRequest,
  ) => Promise<Response>;
  /** Asks the issuer about a token (RFC 7662). An agent is told of its own tokens only. */
  readonly introspect: (token: string) => Promise<Introspection>;
  /** Has the issuer revoke a token (RFC 7009), and drops it here. `unsupported` where the issuer does not offer it. */
  readonly revoke: (token: string) => Promise<void>;
  /** Drops kept tokens: those of one mandate, or all. */
  readonly forget: (which?: { readonly mandate_id: string }) => void;
  /** What the issuer says of itself. */
  readonly metadata: () => Promise<ServerMetadata>;
}

const MAX_ANSWER_BYTES = 256 * 1024;

/** Makes a client. Asks nobody yet; throws ProkuraError `configuration` for options that cannot work. */
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
          'The introspection does not say whether the token is active.',
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

import { ProkuraError } from './errors.ts';
import type { Introspection } from './client.ts';
import { platformFetch, type Fetch } from './http.ts';
import { createDiscovery } from './metadata.ts';
import { postForm } from './token-endpoint.ts';

/**
 * Creates introspection (RFC 7662) for a resource server that has an API key with the scope
 * `introspect`: a function `(token) => answer`, for `verifyDelegation({ introspect })`. Nothing is
 * cached: each call asks the issuer. Throws ProkuraError.
 */
export function introspectWithKey(options: {
  /** The issuer identifier of the tenant. */
  readonly issuer: string;
  /** `tnt_…:mk_…` */
  readonly apiKey: string;
  /** In milliseconds. Default 2,000. */
  readonly timeoutMs?: number;
  readonly fetch?: Fetch;
  readonly now?: () => Date;
}): (token: string) => Promise<Introspection> {
  const { issuer, apiKey, fetch = platformFetch, now = () => new Date(), timeoutMs = 2_000 } = options;
  const parts = {
    fetch,
    now,
    limits: { timeoutMs, maxBytes: 256 * 1024 },
    discover: createDiscovery({ issuer, fetch, now, timeoutMs }),
    authenticate: async () => ({ form: {}, headers: { authorization: `Bearer ${apiKey}` } }),
  };
  return async (token) => {
    const body = await postForm(parts, 'introspectionEndpoint', { token });
    if (typeof body['active'] !== 'boolean')
      throw new ProkuraError(
        'invalid_response',
        'The introspection response does not say whether the token is active.',
      );
    return body as Introspection;
  };
}

import type { ProkuraClient } from './client.ts';
import type { ExchangeRequest } from './exchange-request.ts';
import type { Fetch } from './http.ts';

/**
 * A `fetch` for the transport of an MCP SDK. Each request carries a valid token, Bearer or DPoP, which is
 * renewed in time. Pass it as the transport's `fetch`, without an `Authorization` header and without an
 * `authProvider`. If there is no token, it throws ProkuraError, which the transport passes on; `terminal`
 * tells whether to stop.
 *
 *     new StreamableHTTPClientTransport(new URL(mcpUrl), {
 *       fetch: mcpTransportFetch(client, { subject_token, mandate_id }),
 *     })
 */
export function mcpTransportFetch(client: Pick<ProkuraClient, 'fetch'>, request: ExchangeRequest): Fetch {
  return (url, init) => client.fetch(url, init, request);
}

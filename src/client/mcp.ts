import type { ProkuraClient } from './client.ts';
import type { ExchangeRequest } from './exchange-request.ts';
import type { Fetch } from './http.ts';

/**
 * A `fetch` for a transport of an MCP SDK: each request carries a token that is good then, renewed as time goes by, Bearer or DPoP. Give it
 * as the transport's `fetch`, and no `Authorization` header and no `authProvider` beside it. Where no token can be had it throws
 * ProkuraError, which the transport passes on: `terminal` says whether to stop.
 *
 *     new StreamableHTTPClientTransport(new URL(mcpUrl), { fetch: mcpTransportFetch(client, { subject_token, mandate_id }) })
 */
export function mcpTransportFetch(client: Pick<ProkuraClient, 'fetch'>, request: ExchangeRequest): Fetch {
  return (url, init) => client.fetch(url, init, request);
}

import { createMcpHandler } from '@modelcontextprotocol/server';
import type { TokenKernel, VerifiedToken } from '#domain/token/kernel.ts';
import { mcpAddressAt, type McpAddress } from '#domain/token/grant/mcp-address.ts';
import type { App } from '#engine/app.ts';
import { asFault, type Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { clientScopes } from '#engine/client-tools.ts';
import { readBody } from '#lib/body.ts';
import { inForm, notAcceptable, takenBy, takingBoth } from './accept.ts';
import { contractsOf } from './contract.ts';
import { authenticate, challenge, foreignRequest, noSuchToolset, unavailable } from './gate.ts';
import { metadataAt, metadataUrl } from './metadata.ts';
import { serverFor } from './server.ts';
import { insufficientScope, lackingScope } from './step-up.ts';

/** The MCP interface. */
/** Answers requests to its own paths, and null for all others. */
export interface McpSurface {
  readonly name: 'mcp';
  fetch(request: Request): Promise<Response | null>;
  /** Ends waiting requests. The calls that they started continue. */
  close(): Promise<void>;
}

/** The longest request body, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/**
 * MCP over Streamable HTTP, in revision 2026-07-28 and, statelessly, in those of 2025. Paths are `/mcp`,
 * `/mcp/readonly`, `/mcp/x/<toolset>`, the same below `/t/<tenant>`, and RFC 9728 metadata. Every request
 * carries its token, and nothing is kept between requests.
 *
 * `holdMs`: how long a call waits for its approval or its outcome before it answers that it is not done.
 * Clients give up after 60 s.
 */
export function mcpSurface(
  app: App,
  kernel: Pick<TokenKernel, 'verify' | 'tenantOf'>,
  options: { holdMs?: number } = {},
): McpSurface {
  const contracts = contractsOf(app.catalogue);
  const scopes = clientScopes(app);
  const toolsets = new Set(app.catalogue.all.map(({ family }) => family).toSorted());
  const holdMs = options.holdMs ?? 19_000;
  const handler = createMcpHandler(
    ({ authInfo }) => serverFor(app, contracts, { ...(authInfo?.extra as Seen), holdMs }),
    {
      maxRequestBodySize: MAX_BODY_BYTES,
      onerror: (error) => app.log.debug({ err: error }, 'mcp'),
    },
  );

  async function serve(request: Request, endpoint: McpAddress): Promise<Response> {
    const delegation = await authenticate(app, kernel, request, endpoint);
    if (delegation.kind === 'client') {
      const lacking = await lackingScope(app, contracts, { delegation, endpoint }, await bodyOf(request));
      if (lacking !== null)
        return insufficientScope(request, metadataUrl(app.baseUrl, endpoint), delegation, lacking);
    }
    const seen: Seen = { delegation, endpoint };
    // The token itself goes no further (law 12).
    const authInfo = {
      token: '',
      clientId: delegation.kind === 'client' ? delegation.clientId : delegation.agentId,
      scopes: [...delegation.scopes],
      extra: { ...seen },
    };
    if (request.method !== 'POST') return handler.fetch(request, { authInfo });
    const taken = takenBy(request);
    if (taken === null) return notAcceptable();
    return inForm(await handler.fetch(takingBoth(request), { authInfo }), taken);
  }

  return {
    name: 'mcp',
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const endpoint = mcpAddressAt(pathname);
      try {
        if (endpoint === null) return await metadataAt(app, kernel, pathname, scopes, toolsets);
        const foreign = foreignRequest(app, request);
        if (foreign !== null) return foreign;
        const { toolset } = endpoint;
        if (toolset !== null && !toolsets.has(toolset)) return noSuchToolset(toolset, toolsets);
        return await serve(request, endpoint);
      } catch (error) {
        return refused(asFault(error), endpoint);
      }
    },
    close: () => handler.close(),
  };

  function refused(fault: Fault, endpoint: McpAddress | null): Response {
    if (fault.code === 'unauthenticated')
      return challenge(fault, metadataUrl(app.baseUrl, endpoint ?? { path: '/mcp' }), scopes);
    if (fault.code === 'unavailable') return unavailable(fault);
    const errorId = newId('err');
    app.log.error({ err: fault.cause ?? fault, error_id: errorId }, 'the MCP surface failed');
    const body = {
      error: 'server_error',
      error_description: fault.message,
      code: 'internal',
      error_id: errorId,
    };
    return Response.json(body, { status: 500, headers: { 'cache-control': 'no-store' } });
  }
}

/**
 * The body as JSON, read from a copy of the request. Undefined if it is too long or not JSON; the SDK's
 * handler then refuses it.
 */
async function bodyOf(request: Request): Promise<unknown> {
  const bytes = await readBody(request.clone(), MAX_BODY_BYTES);
  try {
    return bytes === null ? undefined : JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

type Seen = {
  readonly delegation: VerifiedToken;
  readonly endpoint: McpAddress;
};

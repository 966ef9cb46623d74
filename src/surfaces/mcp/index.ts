import { createMcpHandler } from '@modelcontextprotocol/server';
import type { TokenKernel, VerifiedToken } from '#domain/token/kernel.ts';
import type { App } from '#engine/app.ts';
import { asFault, type Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { baselineScopes, contractsOf } from './contract.ts';
import { endpointAt, type Endpoint } from './endpoint.ts';
import { authenticate, challenge, foreignRequest, noSuchToolset, unavailable } from './gate.ts';
import { metadataAt, metadataUrl } from './metadata.ts';
import { serverFor } from './server.ts';

/** A door: answers the requests that are its own, and null for all others. */
export interface McpSurface {
  readonly name: 'mcp';
  fetch(request: Request): Promise<Response | null>;
  /** Ends waiting requests. What they started goes on. */
  close(): Promise<void>;
}

/** The longest body of a request, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024;

/**
 * MCP over Streamable HTTP, 2026-07-28 and, statelessly, the 2025 revisions: `/mcp`, `/mcp/readonly`, `/mcp/x/<toolset>`, the same below
 * `/t/<tenant>`, and RFC 9728 metadata. Every request carries its token; nothing is kept between requests. `holdMs`: how long a
 * gated call or an act waits for its outcome before it answers that it is not done; clients give up after 60 s.
 */
export function mcpSurface(
  app: App,
  kernel: Pick<TokenKernel, 'verify' | 'tenantOf'>,
  options: { holdMs?: number } = {},
): McpSurface {
  const contracts = contractsOf(app.catalogue);
  const scopes = baselineScopes(app.catalogue);
  const toolsets = new Set(app.catalogue.all.map(({ family }) => family).toSorted());
  const holdMs = options.holdMs ?? 19_000;
  const handler = createMcpHandler(
    ({ authInfo }) => serverFor(app, contracts, { ...(authInfo?.extra as unknown as Seen), holdMs }),
    {
      maxRequestBodySize: MAX_BODY_BYTES,
      onerror: (error) => app.log.debug({ err: error }, 'mcp'),
    },
  );

  async function serve(request: Request, endpoint: Endpoint): Promise<Response> {
    const delegation = await authenticate(app, kernel, request, endpoint);
    const seen: Seen = { delegation, endpoint };
    // The token itself goes no further than this line (law 12).
    return handler.fetch(request, {
      authInfo: {
        token: '',
        clientId: delegation.kind === 'client' ? delegation.clientId : delegation.agentId,
        scopes: [...delegation.scopes],
        extra: { ...seen },
      },
    });
  }

  return {
    name: 'mcp',
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      const endpoint = endpointAt(pathname);
      try {
        if (endpoint === null) return await metadataAt(app, kernel, pathname, scopes);
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

  function refused(fault: Fault, endpoint: Endpoint | null): Response {
    if (fault.code === 'unauthenticated')
      return challenge(fault, metadataUrl(app.baseUrl, endpoint?.tenantId ?? null), scopes);
    if (fault.code === 'unavailable') return unavailable(fault);
    const errorId = newId('err');
    app.log.error({ err: fault.cause ?? fault, error_id: errorId }, 'the MCP door failed');
    const body = {
      error: 'server_error',
      error_description: fault.message,
      code: 'internal',
      error_id: errorId,
    };
    return Response.json(body, { status: 500, headers: { 'cache-control': 'no-store' } });
  }
}

interface Seen {
  readonly delegation: VerifiedToken;
  readonly endpoint: Endpoint;
}

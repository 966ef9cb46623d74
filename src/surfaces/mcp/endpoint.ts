import { isId } from '#lib/id.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';

/** One address of the MCP server. All are the same server: an address can only take tools away. */
export interface Endpoint {
  /** The tenant that the address names, or null: the token alone says whose it is. */
  readonly tenantId: string | null;
  /** Only tools that change nothing. */
  readonly readOnly: boolean;
  /** Only tools of this family of the catalogue, or null: all. */
  readonly toolset: string | null;
}

/** Where `/mcp` itself begins: `/mcp`, `/t/<tenant>/mcp`; then nothing, `/readonly`, `/x/<toolset>` or `/x/<toolset>/readonly`. */
const PATH =
  /^(?:\/t\/(?<tenant>tnt_[0-9a-z]{26}))?\/mcp(?:\/x\/(?<toolset>[a-z][a-z0-9-]{0,40}))?(?<readonly>\/readonly)?$/;

/** The endpoint at this path, or null where the path is somebody else's. Does not say that the toolset exists. */
export function endpointAt(pathname: string): Endpoint | null {
  const match = PATH.exec(pathname);
  if (match === null) return null;
  const { tenant, toolset, readonly } = match.groups as Record<string, string | undefined>;
  if (tenant !== undefined && !isId('tnt', tenant)) return null;
  return { tenantId: tenant ?? null, readOnly: readonly !== undefined, toolset: toolset ?? null };
}

/**
 * The resource identifier (RFC 8707, RFC 9728) that an endpoint belongs to: one for all addresses below `/mcp`, and one for each
 * tenant's own. No trailing slash, no fragment.
 */
export const resourceOf = (baseUrl: string, tenantId: string | null): string =>
  `${baseUrl}${tenantId === null ? '' : `/t/${tenantId}`}/mcp`;

/** The family whose tools follow up what was gated; every toolset has them, since answers name them. */
const FOLLOW_UP = 'approval';

/** Whether the address leaves this tool. Says nothing of whether anybody may use it. */
export function isOffered(
  endpoint: Endpoint,
  { tool, family }: Pick<CatalogueEntry, 'tool' | 'family'>,
): boolean {
  if (endpoint.readOnly && tool.effects !== 'read' && tool.effects !== 'look') return false;
  return endpoint.toolset === null || family === endpoint.toolset || family === FOLLOW_UP;
}

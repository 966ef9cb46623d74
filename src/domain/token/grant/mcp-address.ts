import { isId } from '#lib/id.ts';

/**
 * One address of the MCP server. All addresses lead to the same server; a narrower address only removes
 * tools.
 */
export interface McpAddress {
  /** The path as requested. */
  readonly path: string;
  /** The tenant in the address, or null: then only the token says which tenant it is. */
  readonly tenantId: string | null;
  /** Whether only tools that change nothing are offered. */
  readonly readOnly: boolean;
  /** Only tools of this family of the catalogue. Null: all families. */
  readonly toolset: string | null;
}

/**
 * `/mcp` or `/t/<tenant>/mcp`, then nothing, `/readonly`, `/x/<toolset>` or `/x/<toolset>/readonly`, and an
 * optional slash.
 */
const PATH =
  /^(?:\/t\/(?<tenant>tnt_[0-9a-z]{26}))?\/mcp(?:\/x\/(?<toolset>[a-z][a-z0-9-]{0,40}))?(?<readonly>\/readonly)?\/?$/;

/**
 * The MCP address at this path, or null for any other path. Does not check that the tenant or toolset exists.
 */
export function mcpAddressAt(path: string): McpAddress | null {
  const match = PATH.exec(path);
  if (match === null) return null;
  const { tenant, toolset, readonly } = match.groups as Record<string, string | undefined>;
  if (tenant !== undefined && !isId('tnt', tenant)) return null;
  return { path, tenantId: tenant ?? null, readOnly: readonly !== undefined, toolset: toolset ?? null };
}

/**
 * The audience of tokens for the addresses below `/mcp`, or for those of one tenant. No trailing slash, no
 * fragment.
 */
export const mcpAudience = (baseUrl: string, tenantId: string | null): string =>
  `${baseUrl}${tenantId === null ? '' : `/t/${tenantId}`}/mcp`;

/**
 * The audience for a resource indicator (RFC 8707). Clients treat each address of the MCP server as a
 * resource of its own (RFC 9728), but all of them share one audience. Any other name is returned unchanged.
 * Does not check that the resource is ours.
 */
export function audienceNamed(baseUrl: string, resource: string): string {
  const address = resource.startsWith(`${baseUrl}/`) ? mcpAddressAt(resource.slice(baseUrl.length)) : null;
  return address === null ? resource : mcpAudience(baseUrl, address.tenantId);
}

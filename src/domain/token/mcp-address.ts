import { isId } from '#lib/id.ts';

/** One address of the MCP server. All are the same server: an address can only take tools away. */
export interface McpAddress {
  /** The path as it was asked for. */
  readonly path: string;
  /** The tenant that the address names, or null: the token alone says whose it is. */
  readonly tenantId: string | null;
  /** Only tools that change nothing. */
  readonly readOnly: boolean;
  /** Only tools of this family of the catalogue, or null: all. */
  readonly toolset: string | null;
}

/** Where `/mcp` itself begins: `/mcp`, `/t/<tenant>/mcp`; then nothing, `/readonly`, `/x/<toolset>` or `/x/<toolset>/readonly`, and perhaps a slash. */
const PATH =
  /^(?:\/t\/(?<tenant>tnt_[0-9a-z]{26}))?\/mcp(?:\/x\/(?<toolset>[a-z][a-z0-9-]{0,40}))?(?<readonly>\/readonly)?\/?$/;

/** The MCP address at this path, or null where the path is somebody else's. Does not say that tenant or toolset exist. */
export function mcpAddressAt(path: string): McpAddress | null {
  const match = PATH.exec(path);
  if (match === null) return null;
  const { tenant, toolset, readonly } = match.groups as Record<string, string | undefined>;
  if (tenant !== undefined && !isId('tnt', tenant)) return null;
  return { path, tenantId: tenant ?? null, readOnly: readonly !== undefined, toolset: toolset ?? null };
}

/** The audience of tokens for all addresses below `/mcp`, and of those for a tenant's own. No trailing slash, no fragment. */
export const mcpAudience = (baseUrl: string, tenantId: string | null): string =>
  `${baseUrl}${tenantId === null ? '' : `/t/${tenantId}`}/mcp`;

/**
 * The audience that a resource indicator (RFC 8707) asks for. Each address of the MCP server is a resource to its clients (RFC 9728) and
 * all of them are one audience; every other name stands for itself. Does not say that it is ours.
 */
export function audienceNamed(baseUrl: string, resource: string): string {
  const address = resource.startsWith(`${baseUrl}/`) ? mcpAddressAt(resource.slice(baseUrl.length)) : null;
  return address === null ? resource : mcpAudience(baseUrl, address.tenantId);
}

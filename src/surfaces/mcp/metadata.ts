import type { App } from '#engine/app.ts';
import { mcpAddressAt, type McpAddress } from '#domain/token/mcp-address.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import {
  onlyTenant,
  RESOURCE_WELL_KNOWN as WELL_KNOWN,
  resourceMetadata,
} from '#domain/token/resource-metadata.ts';
import { noSuchToolset } from './gate.ts';

/** Where the metadata of an address stands (RFC 9728 section 3.1): the well-known name goes between host and path. */
export const metadataUrl = (baseUrl: string, { path }: Pick<McpAddress, 'path'>): string =>
  `${baseUrl}${WELL_KNOWN}${path}`;

/**
 * Answers for RFC 9728 metadata, or null where the path is somebody else's. Each address is a resource of its own, byte for byte as it was asked
 * for: clients compare it with the address that they were given and stop where it differs (RFC 9728 section 3.3).
 *
 * Which authorization server: `/t/<tenant>/mcp` names its tenant, so its metadata names that tenant's issuer. `/mcp` names none; where
 * the installation has exactly one tenant the metadata names that one's issuer, and otherwise there is none to name: 404, and clients
 * that discover use the tenant's own address. Whoever holds a token already may use `/mcp` in any case.
 */
export async function metadataAt(
  app: Pick<App, 'baseUrl' | 'database'>,
  kernel: Pick<TokenKernel, 'tenantOf'>,
  pathname: string,
  scopes: readonly string[],
  toolsets: ReadonlySet<string>,
): Promise<Response | null> {
  if (pathname !== WELL_KNOWN && !pathname.startsWith(`${WELL_KNOWN}/`)) return null;
  const address = mcpAddressAt(pathname.slice(WELL_KNOWN.length) || '/mcp');
  if (address === null) return null;
  const { path, tenantId: named, toolset } = address;
  if (toolset !== null && !toolsets.has(toolset)) return noSuchToolset(toolset, toolsets);
  const tenantId =
    named === null ? await onlyTenant(app.database.sql) : await kernel.tenantOf('tenant', named);
  if (tenantId === null) {
    const error =
      named === null
        ? `Several organisations live here: use ${app.baseUrl}/t/<tenant id>/mcp.`
        : 'There is no such organisation here.';
    return Response.json({ error: 'not_found', error_description: error }, { status: 404 });
  }
  return resourceMetadata(app.baseUrl, `${app.baseUrl}${path}`, tenantId, scopes);
}

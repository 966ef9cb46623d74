import type { App } from '#engine/app.ts';
import { mcpAddressAt, type McpAddress } from '#domain/token/grant/mcp-address.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import {
  onlyTenant,
  RESOURCE_WELL_KNOWN as WELL_KNOWN,
  resourceMetadata,
} from '#domain/token/resource-metadata.ts';
import { noSuchToolset } from './gate.ts';

/**
 * The address of a resource's metadata: the well-known name comes between host and path (RFC 9728 section
 * 3.1).
 */
export const metadataUrl = (baseUrl: string, { path }: Pick<McpAddress, 'path'>): string =>
  `${baseUrl}${WELL_KNOWN}${path}`;

/**
 * Answers with RFC 9728 metadata, or null for other paths. Each address is a resource of its own, exactly as
 * it was requested: clients compare it with the address that they were given, and stop if it differs (RFC
 * 9728 section 3.3).
 *
 * The authorization server: `/t/<tenant>/mcp` names its tenant, so its metadata names that tenant's issuer.
 * `/mcp` names no tenant. If the installation has exactly one, its issuer is named. Otherwise the answer is
 * 404, and clients that discover use the tenant's own address. With a token, `/mcp` works in any case.
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
        ? `This server hosts several organisations. Use ${app.baseUrl}/t/<tenant id>/mcp.`
        : 'Organisation not found.';
    return Response.json({ error: 'not_found', error_description: error }, { status: 404 });
  }
  return resourceMetadata(app.baseUrl, `${app.baseUrl}${path}`, tenantId, scopes);
}

import type { App } from '#engine/app.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import {
  onlyTenant,
  RESOURCE_WELL_KNOWN as WELL_KNOWN,
  resourceMetadata,
} from '#domain/token/resource-metadata.ts';
import { resourceOf } from './endpoint.ts';

/** Where the metadata of a resource stands (RFC 9728 section 3.1): the well-known name goes between host and path. */
export const metadataUrl = (baseUrl: string, tenantId: string | null): string =>
  `${baseUrl}${WELL_KNOWN}${resourceOf('', tenantId)}`;

/**
 * Answers for RFC 9728 metadata, or null where the path is somebody else's.
 *
 * Which authorization server: `/t/<tenant>/mcp` names its tenant, so its metadata names that tenant's issuer. `/mcp` names none; where
 * the installation has exactly one tenant the metadata names that one's issuer, and otherwise there is none to name: 404, and clients
 * that discover use the tenant's own address. Whoever holds a token already may use `/mcp` in any case. Addresses below `/mcp`
 * (`/mcp/readonly` …) have the metadata of `/mcp`: RFC 9728 lets a client accept a resource that its address lies below.
 */
export async function metadataAt(
  app: Pick<App, 'baseUrl' | 'database'>,
  kernel: Pick<TokenKernel, 'tenantOf'>,
  pathname: string,
  scopes: readonly string[],
): Promise<Response | null> {
  if (pathname !== WELL_KNOWN && !pathname.startsWith(`${WELL_KNOWN}/`)) return null;
  const of = pathname.slice(WELL_KNOWN.length);
  const named = /^\/t\/(tnt_[0-9a-z]{26})\/mcp(?:\/.*)?$/.exec(of)?.[1];
  if (named === undefined && !/^(?:\/mcp(?:\/.*)?)?$/.test(of)) return null;
  const tenantId =
    named === undefined ? await onlyTenant(app.database.sql) : await kernel.tenantOf('tenant', named);
  if (tenantId === null) {
    const error =
      named === undefined
        ? `Several organisations live here: use ${app.baseUrl}/t/<tenant id>/mcp.`
        : 'There is no such organisation here.';
    return Response.json({ error: 'not_found', error_description: error }, { status: 404 });
  }
  return resourceMetadata(
    app.baseUrl,
    resourceOf(app.baseUrl, named === undefined ? null : tenantId),
    tenantId,
    scopes,
  );
}

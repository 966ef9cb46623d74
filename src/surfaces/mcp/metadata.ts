import type { App } from '#engine/app.ts';
import { PROOF_ALGORITHMS } from '#domain/token/dpop.ts';
import { issuerOf } from '#domain/token/names.ts';
import { reach } from '#db/reach.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { resourceOf } from './endpoint.ts';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

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
  const tenantId = named === undefined ? await onlyTenant(app) : await kernel.tenantOf('tenant', named);
  if (tenantId === null) {
    const error =
      named === undefined
        ? `Several organisations live here: use ${app.baseUrl}/t/<tenant id>/mcp.`
        : 'There is no such organisation here.';
    return Response.json({ error: 'not_found', error_description: error }, { status: 404 });
  }
  const document = {
    resource: resourceOf(app.baseUrl, named === undefined ? null : tenantId),
    authorization_servers: [issuerOf(app.baseUrl, tenantId)],
    // A baseline, never the whole catalogue: clients ask for everything that they see here.
    scopes_supported: scopes,
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    resource_name: 'Prokura',
  };
  // Read by inspectors in a browser; it holds nothing that is not public.
  return Response.json(document, {
    headers: { 'cache-control': 'public, max-age=60', 'access-control-allow-origin': '*' },
  });
}

async function onlyTenant(app: Pick<App, 'database'>): Promise<string | null> {
  const { sql } = app.database;
  const [row] = await reach(
    sql<{ tenant: string | null }[]>`select tenant_of('only', '') as tenant`.then((rows) => [...rows]),
  );
  return row?.tenant ?? null;
}

import type { Sql } from 'postgres';
import { reach } from '#db/reach.ts';
import { PROOF_ALGORITHMS } from './client/dpop.ts';
import { issuerOf } from './names.ts';

/** The well-known name goes between the host and the path of a resource (RFC 9728 section 3.1). */
export const RESOURCE_WELL_KNOWN = '/.well-known/oauth-protected-resource';

/**
 * The metadata of one of our resources (RFC 9728 section 2). `scopes` is a baseline and never the
 * whole catalogue, because clients request every scope that they see here.
 */
export function resourceMetadata(
  baseUrl: string,
  resource: string,
  tenantId: string,
  scopes?: readonly string[],
): Response {
  const document = {
    resource,
    authorization_servers: [issuerOf(baseUrl, tenantId)],
    ...(scopes === undefined ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    resource_name: 'Prokura',
  };
  // Inspectors read it in a browser. It holds only public data.
  return Response.json(document, {
    headers: { 'cache-control': 'public, max-age=60', 'access-control-allow-origin': '*' },
  });
}

/**
 * The tenant of an installation that has exactly one, or null. Fault `unavailable` if the database
 * cannot be reached.
 */
export async function onlyTenant(sql: Sql): Promise<string | null> {
  const [row] = await reach(
    sql<{ tenant: string | null }[]>`select tenant_of('only', '') as tenant`.then((rows) => [...rows]),
  );
  return row?.tenant ?? null;
}

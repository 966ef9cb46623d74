import { onlyTenant, RESOURCE_WELL_KNOWN, resourceMetadata } from '#domain/token/resource-metadata.ts';
import { clientScopes } from '#engine/client-tools.ts';
import { Fault } from '#lib/fault.ts';
import { derivedRoute } from './route.ts';

/** The path of the metadata of this resource (RFC 9728). */
export const METADATA = `${RESOURCE_WELL_KNOWN}/v1`;

/** What describes the interface itself. It is not in the OpenAPI document. */
export const META_ROUTES = [
  derivedRoute({
    method: 'GET',
    path: '/v1/openapi.json',
    who: 'anybody',
    paths: () => ({}),
    handle: async ({ openApi }) =>
      new Response(openApi, {
        headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=60' },
      }),
  }),
  derivedRoute({
    method: 'GET',
    path: METADATA,
    who: 'anybody',
    paths: () => ({}),
    handle: async ({ app }) => {
      const tenantId = await onlyTenant(app.database.sql);
      if (tenantId !== null)
        return resourceMetadata(app.baseUrl, `${app.baseUrl}/v1`, tenantId, clientScopes(app));
      const several = 'This server hosts several organisations, so this URL has no issuer of its own.';
      throw new Fault('not_found', several);
    },
  }),
];

import { audiencesOf } from '../names.ts';
import type { HotMandate } from './hot-mandate.ts';

/**
 * Which scopes a token for `audience` may carry (RFC 9700 section 2.3): those that its resource server
 * registered, or, for our own addresses, those that no resource server registered. Null if the tenant
 * has no such resource.
 */
export function scopesFor(
  baseUrl: string,
  tenantId: string,
  audience: string,
  servers: HotMandate['resource_servers'],
): ((scope: string) => boolean) | null {
  if (audiencesOf(baseUrl, tenantId).includes(audience))
    return (scope) => !servers.some(({ scopes }) => scopes.includes(scope));
  const server = servers.find(({ identifier }) => identifier === audience);
  return server === undefined ? null : (scope) => server.scopes.includes(scope);
}

/**
 * The audiences about which an API key may ask, in verification and introspection: that of its
 * resource server, or our own addresses if it has none.
 */
export const audiencesOfKey = (
  baseUrl: string,
  tenantId: string,
  resource: string | null,
): readonly [string, ...string[]] => (resource === null ? audiencesOf(baseUrl, tenantId) : [resource]);

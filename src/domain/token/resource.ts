import { audiencesOf } from './names.ts';
import type { HotMandate } from './hot-mandate.ts';

/**
 * Which scopes a token for `audience` may carry (RFC 9700 section 2.3): those that its resource server has registered, or, for one of our own
 * addresses, all that no resource server has. Null: the tenant has no such resource.
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

/** The audiences of which an API key may learn by verification and introspection: that of its resource server, or without one our own addresses. */
export const audiencesOfKey = (
  baseUrl: string,
  tenantId: string,
  resource: string | null,
): readonly [string, ...string[]] => (resource === null ? audiencesOf(baseUrl, tenantId) : [resource]);

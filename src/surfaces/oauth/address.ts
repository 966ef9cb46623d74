import { isId } from '#lib/id.ts';

/** What this door does at an address. */
export type Endpoint = 'token' | 'introspect' | 'jwks' | 'metadata';

/** An address of this door; `tenantId` is null at the root aliases, where the tenant follows from the caller. */
export interface Address {
  readonly endpoint: Endpoint;
  readonly tenantId: string | null;
}

const ROOT = new Map<string, Endpoint>([
  ['/oauth2/token', 'token'],
  ['/oauth2/introspect', 'introspect'],
]);
const UNDER_ISSUER = new Map<string, Endpoint>([
  ['/oauth2/token', 'token'],
  ['/oauth2/introspect', 'introspect'],
  ['/oauth2/jwks', 'jwks'],
  ['/.well-known/oauth-authorization-server', 'metadata'],
]);
// RFC 8414 section 3.1: the well-known part stands between the host and the path of the issuer.
const INSERTED = '/.well-known/oauth-authorization-server/t/';
const ISSUER = '/t/';

/** The address that a path names, or null where it is not this door's. Does not say that the tenant exists. */
export function addressOf(path: string): Address | null {
  const root = ROOT.get(path);
  if (root !== undefined) return { endpoint: root, tenantId: null };
  if (path.startsWith(INSERTED)) return under(path.slice(INSERTED.length), () => 'metadata');
  if (!path.startsWith(ISSUER)) return null;
  const slash = path.indexOf('/', ISSUER.length);
  const endpoint = slash < 0 ? undefined : UNDER_ISSUER.get(path.slice(slash));
  return endpoint === undefined ? null : under(path.slice(ISSUER.length, slash), () => endpoint);
}

const under = (tenantId: string, endpoint: () => Endpoint): Address | null =>
  isId('tnt', tenantId) ? { endpoint: endpoint(), tenantId } : null;

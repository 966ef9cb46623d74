import { isId } from '#lib/id.ts';

/** What the OAuth interface does at an address. */
export type Endpoint =
  | 'token'
  | 'introspect'
  | 'revoke'
  | 'jwks'
  | 'metadata'
  | 'status'
  | 'logout'
  | 'events'
  | 'browser';

/**
 * An address of the OAuth interface. `tenantId` is null at the root aliases, where the caller determines the
 * tenant.
 */
export interface Address {
  readonly endpoint: Endpoint;
  readonly tenantId: string | null;
}

const ROOT = new Map<string, Endpoint>([
  ['/oauth2/token', 'token'],
  ['/oauth2/introspect', 'introspect'],
  ['/oauth2/revoke', 'revoke'],
]);
const UNDER_ISSUER = new Map<string, Endpoint>([
  ['/oauth2/token', 'token'],
  ['/oauth2/introspect', 'introspect'],
  ['/oauth2/revoke', 'revoke'],
  ['/oauth2/jwks', 'jwks'],
  ['/oauth2/global-token-revocation', 'logout'],
  ['/ssf/events', 'events'],
  ['/.well-known/oauth-authorization-server', 'metadata'],
  // OpenID Connect Discovery section 4 appends the name, and RFC 8414 section 5 keeps that for the older
  // name.
  ['/.well-known/openid-configuration', 'metadata'],
]);
// A status list, and the address that lists them all.
const STATUS = /^\/oauth2\/status(?:\/(?:0|[1-9]\d{0,2}))?$/;
// Everything else below an issuer belongs to the browser side.
const BROWSER = /^\/oauth2\/(?:authorize|par|register|callback|interaction|session)(?:\/|$)/;
// RFC 8414 section 3.1: the well-known part comes between the host and the issuer's path.
const INSERTED = /^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)\/t\/(?<tenant>[^/]*)$/;
const ISSUER = '/t/';

/**
 * The address that a path names, or null if it belongs to another interface. Does not check that the tenant
 * exists.
 */
export function addressOf(path: string): Address | null {
  if (!path.startsWith(ISSUER)) {
    const root = ROOT.get(path);
    if (root !== undefined) return { endpoint: root, tenantId: null };
    const inserted = INSERTED.exec(path)?.groups?.['tenant'];
    return inserted === undefined ? null : under(inserted, () => 'metadata');
  }
  const slash = path.indexOf('/', ISSUER.length);
  if (slash < 0) return null;
  const below = path.slice(slash);
  const endpoint =
    UNDER_ISSUER.get(below) ??
    (STATUS.test(below) ? 'status' : undefined) ??
    (BROWSER.test(below) ? 'browser' : undefined);
  return endpoint === undefined ? null : under(path.slice(ISSUER.length, slash), () => endpoint);
}

const under = (tenantId: string, endpoint: () => Endpoint): Address | null =>
  isId('tnt', tenantId) ? { endpoint: endpoint(), tenantId } : null;

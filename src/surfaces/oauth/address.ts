import { isId } from '#lib/id.ts';

/** What this door does at an address. */
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

/** An address of this door; `tenantId` is null at the root aliases, where the tenant follows from the caller. */
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
  // OpenID Connect Discovery section 4 appends; RFC 8414 section 5 keeps that for the older name.
  ['/.well-known/openid-configuration', 'metadata'],
]);
/** The status lists, and the address that names them all. */
const STATUS = /^\/oauth2\/status(?:\/(?:0|[1-9]\d{0,2}))?$/;
/** Whatever else lies here below an issuer is the browser side's. */
const BROWSER = /^\/oauth2\/(?:authorize|par|register|callback|interaction|session)(?:\/|$)/;
// RFC 8414 section 3.1: the well-known part stands between the host and the path of the issuer.
const INSERTED = /^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)\/t\/(?<tenant>[^/]*)$/;
const ISSUER = '/t/';

/** The address that a path names, or null where it is not this door's. Does not say that the tenant exists. */
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

import type { IdentityProvider } from '../../store.ts';
import { cognito } from './cognito.ts';
import { entra } from './entra.ts';
import { oidc } from './oidc.ts';
import { isOktaHost, isOrgServer, okta } from './okta.ts';
import { refuse, type Vendor } from './vendor.ts';

/**
 * How the tokens of each kind of provider are read. A vendor that is added here is detected, validated and
 * explained everywhere.
 */
export const VENDORS = { OKTA: okta, ENTRA: entra, COGNITO: cognito, OIDC: oidc } as const satisfies Record<
  IdentityProvider['kind'],
  Vendor
>;

/**
 * The provider that the tenant has configured for an issuer, compared byte for byte. Throws Fault
 * `unauthenticated`.
 */
export function providerOf(issuer: unknown, configured: readonly IdentityProvider[]): IdentityProvider {
  const found = configured.find((one) => one.issuer === issuer);
  if (found !== undefined && !(found.kind === 'OKTA' && isOrgServer(found.issuer))) return found;
  if (isOrgIssuer(issuer, configured)) {
    throw refuse(
      'org_issuer',
      "This token is from Okta's org authorization server, and only Okta can verify its tokens. Use a custom authorization server: its issuer ends in /oauth2/<server id>.",
    );
  }
  throw refuse(
    'issuer',
    'The issuer of the token is not an identity provider of this organisation. An administrator can configure it.',
  );
}

function isOrgIssuer(issuer: unknown, configured: readonly IdentityProvider[]): boolean {
  if (typeof issuer !== 'string' || !URL.canParse(issuer)) return false;
  const url = new URL(issuer);
  const ofOkta =
    isOktaHost(url.hostname) ||
    configured.some(
      (one) => one.kind === 'OKTA' && URL.canParse(one.issuer) && new URL(one.issuer).origin === url.origin,
    );
  return ofOkta && !url.pathname.startsWith('/oauth2/');
}

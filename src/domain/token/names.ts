import { isId } from '#lib/id.ts';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** RFC 7523 section 2.1; we take identity assertions (ID-JAG) by it. */
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** draft-ietf-oauth-identity-assertion-authz-grant, section "Authorization Server Metadata". */
export const ID_JAG_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag';
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
/** The mandate itself as the subject token: for `offline` mandates, of which the principal need not be there. */
export const MANDATE_TYPE = 'urn:prokura:params:oauth:token-type:mandate';
export const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** A JWT-SVID as client assertion (draft-ietf-oauth-spiffe-client-auth). */
export const SPIFFE_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
/** The type of our entries in `authorization_details` (RFC 9396 section 2). */
export const MANDATE_DETAILS = 'urn:prokura:mandate';

/** How far clocks may differ, in seconds, when a token's times are checked. */
export const SKEW_SECONDS = 5;
/** The longest life of a delegation token, in seconds. */
export const TOKEN_SECONDS = 300;
/** How long anybody may keep our JWKS, in seconds (`Cache-Control: max-age`). */
export const JWKS_MAX_AGE_SECONDS = 60;
/** The most agents that one token may have passed through, the present one among them. */
export const MAX_ACTORS = 3;

/** The issuer identifier of a tenant (RFC 8414 section 2): compared byte for byte. */
export const issuerOf = (baseUrl: string, tenantId: string): string => `${baseUrl}/t/${tenantId}`;

/** The tenant whose issuer identifier this is, or null. Does not say that the tenant exists. */
export function tenantOfIssuer(baseUrl: string, issuer: unknown): string | null {
  const prefix = `${baseUrl}/t/`;
  if (typeof issuer !== 'string' || !issuer.startsWith(prefix)) return null;
  const tenantId = issuer.slice(prefix.length);
  return isId('tnt', tenantId) ? tenantId : null;
}

/**
 * What a delegation token of a tenant may be for: each of our resource servers by its canonical address (RFC 8707), MCP under the
 * tenant's own address too, as its RFC 9728 metadata names it. The first is the default.
 */
export const audiencesOf = (baseUrl: string, tenantId: string): readonly [string, ...string[]] => [
  `${baseUrl}/mcp`,
  `${baseUrl}/v1`,
  `${issuerOf(baseUrl, tenantId)}/mcp`,
];

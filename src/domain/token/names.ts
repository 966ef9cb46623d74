import { isId } from '#lib/id.ts';

/** Grant type of a token exchange (RFC 8693 section 2.1). */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
/** Grant type of RFC 7523 section 2.1, by which we accept identity assertions (ID-JAG). */
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** draft-ietf-oauth-identity-assertion-authz-grant, section "Authorization Server Metadata". */
export const ID_JAG_PROFILE = 'urn:ietf:params:oauth:grant-profile:id-jag';
/** Token type of an OAuth access token (RFC 8693 section 3). */
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';
/** Token type of any JWT (RFC 8693 section 3). */
export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
/**
 * Our token type for a mandate as the subject token. Only an `offline` mandate, which works without
 * the principal's token, can be used so.
 */
export const MANDATE_TYPE = 'urn:prokura:params:oauth:token-type:mandate';
/** A JWT as client assertion (RFC 7523 section 2.2). */
export const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
/** A JWT-SVID as client assertion (draft-ietf-oauth-spiffe-client-auth). */
export const SPIFFE_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
/** The type of our entries in `authorization_details` (RFC 9396 section 2). */
export const MANDATE_DETAILS = 'urn:prokura:mandate';

/** How far clocks may differ when a token's times are checked, in seconds. */
export const SKEW_SECONDS = 5;
/** The longest lifetime of a delegation token, in seconds. */
export const TOKEN_SECONDS = 300;
/** How long others may cache our JWKS, in seconds (`Cache-Control: max-age`). */
export const JWKS_MAX_AGE_SECONDS = 60;
/** The greatest number of agents that one token may have passed through, including the present one. */
export const MAX_ACTORS = 3;

/** The issuer identifier of a tenant (RFC 8414 section 2). Compared byte for byte. */
export const issuerOf = (baseUrl: string, tenantId: string): string => `${baseUrl}/t/${tenantId}`;

/** The tenant with this issuer identifier, or null. Does not check that the tenant exists. */
export function tenantOfIssuer(baseUrl: string, issuer: unknown): string | null {
  const prefix = `${baseUrl}/t/`;
  if (typeof issuer !== 'string' || !issuer.startsWith(prefix)) return null;
  const tenantId = issuer.slice(prefix.length);
  return isId('tnt', tenantId) ? tenantId : null;
}

/**
 * The audiences that a tenant's delegation tokens may have: each of our resource servers by its
 * canonical address (RFC 8707), and MCP also at the tenant's own address, as its RFC 9728 metadata
 * names it. The first is the default.
 */
export const audiencesOf = (baseUrl: string, tenantId: string): readonly [string, ...string[]] => [
  `${baseUrl}/mcp`,
  `${baseUrl}/v1`,
  `${issuerOf(baseUrl, tenantId)}/mcp`,
];

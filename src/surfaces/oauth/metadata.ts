import { issuerOf, MANDATE_DETAILS, TOKEN_EXCHANGE } from '#domain/token/names.ts';

/** The authorization server metadata of a tenant (RFC 8414 section 2): what is in it works, and what works is in it. */
export function metadata(baseUrl: string, tenantId: string): Record<string, unknown> {
  const issuer = issuerOf(baseUrl, tenantId);
  const algorithms = ['ES256', 'RS256'];
  return {
    issuer,
    token_endpoint: `${issuer}/oauth2/token`,
    introspection_endpoint: `${issuer}/oauth2/introspect`,
    jwks_uri: `${issuer}/oauth2/jwks`,
    // Required by the RFC, and empty: there is no authorization endpoint.
    response_types_supported: [],
    grant_types_supported: [TOKEN_EXCHANGE],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: algorithms,
    introspection_endpoint_auth_methods_supported: ['private_key_jwt', 'Bearer'],
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    authorization_details_types_supported: [MANDATE_DETAILS],
  };
}

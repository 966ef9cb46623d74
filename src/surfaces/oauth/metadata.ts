import { PROOF_ALGORITHMS } from '#domain/token/client/dpop.ts';
import { globalRevocationEndpoint } from '#domain/token/logout/logout.ts';
import {
  ID_JAG_PROFILE,
  issuerOf,
  JWT_BEARER,
  MANDATE_DETAILS,
  TOKEN_EXCHANGE,
} from '#domain/token/names.ts';

const CLIENT_METHODS = ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'spiffe_jwt'];
const ALGORITHMS = ['ES256', 'RS256'];

/**
 * A tenant's authorization server metadata (RFC 8414 section 2). It lists exactly what works, except the
 * trusted issuers of identity assertions (draft-ietf-oauth-identity-assertion-authz-grant).
 */
export function metadata(baseUrl: string, tenantId: string): Record<string, unknown> {
  const issuer = issuerOf(baseUrl, tenantId);
  return {
    issuer,
    token_endpoint: `${issuer}/oauth2/token`,
    introspection_endpoint: `${issuer}/oauth2/introspect`,
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    jwks_uri: `${issuer}/oauth2/jwks`,
    // Required by the RFC. Empty here, since only the browser side has an authorization endpoint.
    response_types_supported: [],
    grant_types_supported: [TOKEN_EXCHANGE, JWT_BEARER],
    authorization_grant_profiles_supported: [ID_JAG_PROFILE],
    token_endpoint_auth_methods_supported: CLIENT_METHODS,
    token_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
    introspection_endpoint_auth_methods_supported: [...CLIENT_METHODS, 'Bearer'],
    introspection_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
    revocation_endpoint_auth_methods_supported: CLIENT_METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
    global_token_revocation_endpoint: globalRevocationEndpoint(issuer),
    authorization_details_types_supported: [MANDATE_DETAILS],
    dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
    // Every delegation token names its list. This is for readers that fetch all lists ahead
    // (draft-ietf-oauth-status-list-20 section 9.1).
    status_list_aggregation_endpoint: `${issuer}/oauth2/status`,
  };
}

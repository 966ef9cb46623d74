import { ROUTES } from './provider.ts';

/**
 * The browser side's part of a tenant's metadata (RFC 8414 section 2, RFC 9126 section 5, RFC 9207 section 3,
 * OpenID Connect Discovery section 3, draft-ietf-oauth-client-id-metadata-document). `offline_access` is not
 * offered, because every sign-in can be renewed.
 */
export const browserMetadata = (
  issuer: string,
  scopes: readonly string[],
  dynamicRegistration: boolean,
): Record<string, unknown> => ({
  authorization_endpoint: `${issuer}${ROUTES.authorization}`,
  pushed_authorization_request_endpoint: `${issuer}${ROUTES.pushed_authorization_request}`,
  ...(dynamicRegistration ? { registration_endpoint: `${issuer}${ROUTES.registration}` } : {}),
  response_types_supported: ['code'],
  response_modes_supported: ['query', 'fragment', 'form_post'],
  grant_types_supported: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  revocation_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
  client_id_metadata_document_supported: true,
  scopes_supported: [...scopes, 'openid'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['ES256'],
  claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'auth_time', 'nonce'],
});

/** Merges two descriptions of one server. Lists are joined; for anything else the second one wins. */
export function joined(
  own: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> | null,
): Record<string, unknown> {
  const both: Record<string, unknown> = { ...own };
  for (const [name, value] of Object.entries(more ?? {})) {
    const before = both[name];
    both[name] =
      Array.isArray(before) && Array.isArray(value)
        ? [...new Set<unknown>([...(before as unknown[]), ...(value as unknown[])])]
        : value;
  }
  return both;
}

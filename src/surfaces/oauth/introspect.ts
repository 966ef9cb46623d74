import { requireKeyScope } from '#domain/tenant/api-key.ts';
import {
  claimedClient,
  hasCredentials,
  readClient,
  type FormParameters,
} from '#domain/token/client/client-request.ts';
import type { IntrospectionCaller } from '#domain/token/issued/introspection.ts';
import type { TokenKernel } from '#domain/token/kernel.ts';
import { OAuthError } from '#domain/token/oauth-error.ts';
import type { App } from '#engine/app.ts';
import { Fault } from '#lib/fault.ts';
import { MAX_TOKEN_LENGTH } from '#lib/jwt.ts';

/** The API key scope of a resource server. */
const INTROSPECT_SCOPE = 'introspect';

/**
 * Answers an introspection request (RFC 7662 section 2). A resource server authenticates with its API key in
 * the Authorization header, an agent as at the token endpoint. `tenantId` is null at the root alias. Throws
 * OAuthError and Fault.
 */
export async function introspect(
  parts: { kernel: TokenKernel; app: Pick<App, 'apiKey'> },
  tenantId: string | null,
  authorization: string | null,
  form: FormParameters,
): Promise<Record<string, unknown>> {
  const basic = /^Basic /i.test(authorization ?? '');
  const credentials = readClient(form, basic ? authorization : null);
  const token = form.get('token')?.[0];
  if (authorization !== null && !basic && hasCredentials(credentials)) {
    throw new OAuthError(
      'invalid_request',
      'two_authentications',
      'Authenticate in only one way: with an API key, or as a client.',
    );
  }
  const { tenant, caller } = await authenticated();
  if (token === undefined)
    throw new OAuthError('invalid_request', 'token', 'Send the token to inspect as token.');
  // A longer text cannot be a token of ours.
  return token.length > MAX_TOKEN_LENGTH ? { active: false } : parts.kernel.introspect(tenant, token, caller);

  async function authenticated(): Promise<{ tenant: string; caller: IntrospectionCaller }> {
    if (hasCredentials(credentials)) {
      const client = claimedClient(credentials);
      const tenant = tenantId ?? (client === null ? null : await parts.kernel.tenantOf('agent', client));
      if (tenant === null) throw new OAuthError('invalid_client', 'no_such_client', 'Unknown client.');
      return {
        tenant,
        caller: { kind: 'agent', ...(await parts.kernel.authenticateClient(tenant, credentials)) },
      };
    }
    const key = await parts.app.apiKey(authorization);
    // For a tenant, another tenant's key is an unknown key.
    if (tenantId !== null && key.tenantId !== tenantId)
      throw new Fault('unauthenticated', 'This API key does not belong to this issuer.');
    requireKeyScope(key, INTROSPECT_SCOPE);
    return { tenant: key.tenantId, caller: { kind: 'key', resource: key.resource } };
  }
}

import { actorName } from '#domain/actor.ts';
import {
  checkDocument,
  checkOneTimeScopes,
  identityProvidersDocument,
  IdentityProvidersDocument,
  providerChanges,
  saveIdentityProviders,
  StoredIdentityProviders,
} from '#domain/tenant/identity-providers.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'provider_set',
  title: 'Set identity providers',
  description:
    'Replaces the list of identity providers whose access tokens this organisation accepts: Okta, Entra, Cognito and other OpenID Connect providers. Another IT admin must approve. PUT /v1/tenants/{tenantId}/identity-providers also checks the issuers first.',
  input: IdentityProvidersDocument,
  output: StoredIdentityProviders,
  scope: 'provider.manage',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const current = await identityProvidersDocument(ctx);
    // Outside a sandbox a loopback issuer lets nobody in: its keys are never fetched.
    checkDocument(input, { loopback: true, current });
    await checkOneTimeScopes(ctx, input);
    const changes = providerChanges(current, input);
    return {
      changes,
      effect:
        changes.length === 0
          ? 'Nothing changes.'
          : 'From now on, only access tokens of these providers are accepted. Anyone who controls one of them can act as its people.',
      reversible: true,
    };
  },
  run: (ctx, input) => saveIdentityProviders(ctx, input, { actor: actorName(ctx.actor), callId: ctx.callId }),
});

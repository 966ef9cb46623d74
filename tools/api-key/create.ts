import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { addApiKey } from '#domain/tenant/api-key.ts';
import { ApiKeyView, apiKeyView, checkNewKey, NewApiKey } from '#domain/tenant/new-key.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'api_key_create',
  title: 'Create an API key',
  description:
    'Creates an API key that only reads. Use POST /v1/tenants/{tenantId}/api-keys, which makes the secret and returns it once; this tool gets its digest only.',
  input: NewApiKey.extend({
    secret_sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest in hexadecimal')
      .describe('SHA-256 of the secret of the key, in hexadecimal. Never send the secret itself.'),
  }),
  output: ApiKeyView,
  scope: 'api_key.manage',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'mild',
  preview: async (ctx, input) => {
    await checkNewKey(ctx, ctx.tools, input);
    const { name, scopes } = input;
    return {
      changes: [{ what: `API key ${name}`, to: scopes.join(', ') || 'nothing' }],
      effect: `Anyone who holds the API key ${name} can read all of this at any time, without signing in.`,
      reversible: true,
    };
  },
  run: async (ctx, { secret_sha256: hash, scopes, ...key }) =>
    apiKeyView(
      await addApiKey(
        ctx,
        { ...key, scopes: [...new Set(scopes)], hash },
        { actor: actorName(ctx.actor), callId: ctx.callId },
      ),
    ),
});

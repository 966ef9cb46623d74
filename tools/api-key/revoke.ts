import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { keyToRevoke, lockApiKeys, revokeApiKey } from '#domain/tenant/api-key.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'api_key_revoke',
  title: 'Revoke an API key',
  description:
    'Revokes an API key: its next request is rejected. Cannot be undone. The last key with the scope admin cannot be revoked.',
  input: z.object({ key: z.string().min(1).max(100).describe('API key ID (akey_…).') }),
  output: z.object({ key: z.string(), name: z.string() }),
  scope: 'api_key.manage',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'destructive',
  // A key that leaked is revoked at once, whatever a policy says and while everything is frozen.
  tightens: true,
  worksFrozen: true,
  // Two administrators must not revoke each other's last key at the same time.
  pin: lockApiKeys,
  preview: async (ctx, input) => {
    const { id, name, revokedAt } = await keyToRevoke(ctx, input.key);
    return {
      changes: revokedAt === null ? [{ what: `API key ${name} (${id})`, to: 'revoked' }] : [],
      effect:
        revokedAt === null
          ? `The next request with the API key ${name} is rejected.`
          : `The API key ${name} is already revoked.`,
      reversible: false,
    };
  },
  run: (ctx, input) => revokeApiKey(ctx, input.key, { actor: actorName(ctx.actor), callId: ctx.callId }),
});

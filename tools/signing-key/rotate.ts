import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import {
  RotatedSigningKey,
  rotateSigningKey,
  rotationView,
  signingKeysToRetire,
} from '#domain/token/keys/rotate-signing-key.ts';
import { holdTenant } from '#domain/tenant/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'signing_key_rotate',
  title: 'Rotate the signing key',
  description:
    'Creates a new key that signs the tokens of this organisation. It is published immediately and starts to sign when every cached copy of the JWKS has expired; older keys are retired when their last token has expired.',
  input: z.object({}),
  output: RotatedSigningKey,
  scope: 'signing_key.manage',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  worksFrozen: true,
  pin: (ctx) => holdTenant(ctx, 'no key update'),
  preview: async (ctx) => ({
    changes: (await signingKeysToRetire(ctx)).map((kid) => ({ what: `signing key ${kid}`, to: 'retired' })),
    effect:
      'A new key is published now and signs soon. Tokens that the old key signed work until they expire.',
    reversible: false,
  }),
  run: async (ctx) =>
    rotationView(await rotateSigningKey(ctx, ctx.seal, { actor: actorName(ctx.actor), callId: ctx.callId })),
});

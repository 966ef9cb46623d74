import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { policyFacts } from '#domain/policy/store.ts';
import { checkResourceServer, requireForeign, ResourceIdentifier } from '#domain/resource/rules.ts';
import { findResourceServer, saveResourceServer } from '#domain/resource/store.ts';
import { holdTenant } from '#domain/tenant/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'resource_server_set',
  title: 'Set a resource server',
  description:
    'Registers one of your own systems that accepts delegation tokens (a resource server), or changes its scopes. Tokens for it carry only these scopes, and no other token carries them. Another IT admin must approve.',
  input: z.object({
    identifier: ResourceIdentifier,
    scopes: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(50)
      .meta({ ref: 'scope' })
      .refine((scopes) => new Set(scopes).size === scopes.length, 'names a scope twice')
      .describe(
        'Its scopes (see scope_list); they replace the previous ones. Scopes that tools of this server or other resource servers use are not possible.',
      ),
  }),
  output: z.object({
    identifier: z.string(),
    scopes: z.array(z.string()),
    two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
  }),
  scope: 'provider.manage',
  command: '/resource server set <identifier> <scopes>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  pin: (ctx) => holdTenant(ctx, 'no key update'),
  preview: async (ctx, input) => {
    requireForeign(ctx, input);
    await checkResourceServer(ctx, input);
    const before = await findResourceServer(ctx, input.identifier);
    return {
      changes: [
        {
          what: `resource server ${input.identifier}`,
          ...(before === null ? {} : { from: before.scopes.join(', ') }),
          to: input.scopes.join(', '),
        },
      ],
      effect: `Agents get tokens for ${input.identifier} with these scopes, if their mandates include them. No other tokens carry these scopes, and existing tokens that do stop working.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    await saveResourceServer(ctx, input, { actor: actorName(ctx.actor), callId: ctx.callId });
    const { singleAdmin } = await policyFacts(ctx);
    return { ...input, two_humans: !(singleAdmin && ctx.actor.kind === 'person') };
  },
});

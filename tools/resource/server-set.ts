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
    'Registers a system of your own that takes delegation tokens (a resource server), or gives it other scopes: a token for it carries these alone, and no other token carries them. Another IT admin must agree.',
  input: z.object({
    identifier: ResourceIdentifier,
    scopes: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(50)
      .meta({ ref: 'scope' })
      .refine((scopes) => new Set(scopes).size === scopes.length, 'names a scope twice')
      .describe(
        'Its scopes, from scope_list, in place of those that it had. No scope of a tool of this server, or of another resource server.',
      ),
  }),
  output: z.object({
    identifier: z.string(),
    scopes: z.array(z.string()),
    two_humans: z.boolean().describe('False where one IT admin alone has changed it.'),
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
      effect: `Agents get tokens for ${input.identifier} with these scopes, as far as their mandates hold them. Tokens for anything else do not carry them, and those that do end now.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    await saveResourceServer(ctx, input, { actor: actorName(ctx.actor), callId: ctx.callId });
    const { singleAdmin } = await policyFacts(ctx);
    return { ...input, two_humans: !(singleAdmin && ctx.actor.kind === 'person') };
  },
});

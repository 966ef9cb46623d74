import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { policyFacts } from '#domain/policy/store.ts';
import { ResourceIdentifier } from '#domain/resource/rules.ts';
import { findResourceServer, removeResourceServer } from '#domain/resource/store.ts';
import { holdTenant } from '#domain/tenant/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

const noServer = (identifier: string): Fault =>
  new Fault(
    'not_found',
    `Resource server ${identifier} does not exist. Use /resource server list to see the ones that do.`,
  );

export default defineTool({
  name: 'resource_server_remove',
  title: 'Remove a resource server',
  description:
    'Removes a resource server. Its existing tokens stop working, and no new ones are issued. Another IT admin must approve.',
  input: z.object({ identifier: ResourceIdentifier }),
  output: z.object({
    identifier: z.string(),
    two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
  }),
  scope: 'provider.manage',
  command: '/resource server remove <identifier>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  pin: (ctx) => holdTenant(ctx, 'no key update'),
  preview: async (ctx, { identifier }) => {
    const before = await findResourceServer(ctx, identifier);
    if (before === null) throw noServer(identifier);
    return {
      changes: [{ what: `resource server ${identifier}`, from: before.scopes.join(', '), to: 'removed' }],
      effect: `Agents can no longer get tokens for ${identifier}, and its API keys can no longer see any. From now on, tokens for this server can carry its scopes.`,
      reversible: true,
    };
  },
  run: async (ctx, { identifier }) => {
    const by = { actor: actorName(ctx.actor), callId: ctx.callId };
    if (!(await removeResourceServer(ctx, identifier, by))) throw noServer(identifier);
    const { singleAdmin } = await policyFacts(ctx);
    return { identifier, two_humans: !(singleAdmin && ctx.actor.kind === 'person') };
  },
});

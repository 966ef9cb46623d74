import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { policyFacts } from '#domain/policy/store.ts';
import { findScope, removeScope, scopesOf } from '#domain/scope/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'scope_remove',
  title: 'Remove a scope',
  description:
    'Removes a scope from the catalogue, so that nobody can be given it. Mandates and group mappings that already have it do not change. Another IT admin must approve.',
  input: z.object({ scope: z.string().max(100).meta({ ref: 'scope' }).describe('Name of the scope.') }),
  output: z.object({
    scope: z.string(),
    two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
  }),
  scope: 'scope.manage',
  command: '/scope remove <scope>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const there = await findScope(ctx, input.scope);
    if (there === null) throw new Fault('not_found', `Scope ${input.scope} does not exist.`);
    const last = (await scopesOf(ctx)).length === 1;
    return {
      changes: [{ what: `scope ${input.scope}`, from: there.description, to: 'removed' }],
      effect: `${input.scope} can no longer be delegated.${last ? ' It is the last scope, so nothing can be delegated any more.' : ''}`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    if (!(await removeScope(ctx, input.scope, { actor: actorName(ctx.actor), callId: ctx.callId })))
      throw new Fault('not_found', `Scope ${input.scope} does not exist.`);
    const { singleAdmin } = await policyFacts(ctx);
    return { scope: input.scope, two_humans: !(singleAdmin && ctx.actor.kind === 'person') };
  },
});

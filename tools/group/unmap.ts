import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { changeMapping, mappingEffect } from '#domain/group/mappings.ts';
import { changedAnswer, effectChanges, effectWords, MappingChanged } from '#domain/group/view.ts';
import { policyFacts } from '#domain/policy/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'group_unmap',
  title: 'Unmap a group',
  description:
    'Removes a role and its scopes from the members of a group. The preview shows who loses what, and which mandates freeze. Another IT admin must approve.',
  input: z.object({
    group: z
      .string()
      .min(1)
      .max(200)
      .meta({ ref: 'group' })
      .describe("The group's immutable ID at its source, not its name."),
    source: z
      .string()
      .min(1)
      .max(80)
      .default('okta')
      .describe('Source of the group: okta, or scim:<key id>.'),
    role: z.string().max(40).meta({ ref: 'role' }).describe('Role to remove.'),
  }),
  output: MappingChanged,
  scope: 'group.manage',
  command: '/group unmap <group> <role>',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const effect = await mappingEffect(ctx, { ...input, groupUid: input.group, scopes: null });
    return {
      changes: [
        {
          what: `${effect.group.name} as ${input.role}`,
          from: effect.before?.scopes.join(', ') ?? '',
          to: 'nothing',
        },
        ...effectChanges(effect),
      ],
      effect: effectWords(effect),
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { group, source, role } = input;
    const by = { actor: actorName(ctx.actor), callId: ctx.callId };
    const { singleAdmin } = await policyFacts(ctx);
    const done = await changeMapping(ctx, { source, groupUid: group, role, scopes: null }, by);
    return {
      source,
      group,
      role,
      scopes: [],
      ...changedAnswer(done),
      two_humans: !(singleAdmin && ctx.actor.kind === 'person'),
    };
  },
});

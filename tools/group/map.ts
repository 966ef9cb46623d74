import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { changeMapping, mappingEffect } from '#domain/group/mappings.ts';
import { changedAnswer, effectChanges, effectWords, MappingChanged } from '#domain/group/view.ts';
import { policyFacts } from '#domain/policy/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'group_map',
  title: 'Map a group',
  description:
    'Gives the members of a directory group a role and scopes, or changes what they get. The preview shows who gains or loses what, and which mandates freeze. Another IT admin must approve.',
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
    role: z
      .string()
      .regex(/^[a-z0-9_]{2,40}$/, 'use small letters, digits and _')
      .meta({ ref: 'role' })
      .describe('Role to give: it_admin, manager, executive, member, or a role that your policies use.'),
    scopes: z
      .array(z.string().min(1).max(200))
      .max(100)
      .meta({ ref: 'scope' })
      .default([])
      .describe(
        'Scopes that members can use and delegate (see scope_list). They replace the previous scopes of this mapping.',
      ),
  }),
  output: MappingChanged,
  scope: 'group.manage',
  command: '/group map <group> <role> [scopes]',
  targets: () => TENANT_TARGET,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const effect = await mappingEffect(ctx, { ...input, groupUid: input.group });
    const from = effect.before === null ? {} : { from: effect.before.scopes.join(', ') || 'no scopes' };
    return {
      changes: [
        {
          what: `${effect.group.name} as ${input.role}`,
          ...from,
          to: input.scopes.join(', ') || 'no scopes',
        },
        ...effectChanges(effect),
      ],
      effect: effectWords(effect),
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { group, source, role, scopes } = input;
    const by = { actor: actorName(ctx.actor), callId: ctx.callId };
    const { singleAdmin } = await policyFacts(ctx);
    const done = await changeMapping(ctx, { source, groupUid: group, role, scopes }, by);
    return {
      source,
      group,
      role,
      scopes,
      ...changedAnswer(done),
      two_humans: !(singleAdmin && ctx.actor.kind === 'person'),
    };
  },
});

import { z } from 'zod';
import { peopleOfGroup } from '#domain/group/authority.ts';
import { mappingList } from '#domain/group/mappings.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'group_mapping_list',
  title: 'List group mappings',
  description: 'Lists which directory groups give their members which roles and scopes.',
  input: z.object({}),
  output: z.object({
    mappings: z.array(
      z.object({
        source: z.string(),
        group: z.string().describe("The group's immutable ID at its source."),
        name: z.string().nullable().describe('Null if the source has not reported this group.'),
        role: z.string(),
        scopes: z.array(z.string()),
        members: z.number(),
      }),
    ),
  }),
  scope: 'policy.read',
  command: '/group list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx) => {
    const mappings = [];
    for (const { mapping, group } of await mappingList(ctx)) {
      mappings.push({
        source: mapping.source,
        group: mapping.groupUid,
        name: group?.name ?? null,
        role: mapping.role,
        scopes: mapping.scopes,
        members: group === null ? 0 : (await peopleOfGroup(ctx, group.id)).length,
      });
    }
    return { mappings };
  },
});

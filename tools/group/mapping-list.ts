import { z } from 'zod';
import { counted, listed, sentence, strong } from '#engine/answer-words.ts';
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
  inWords: {
    lists: {
      mappings: {
        heading: 'Group mappings',
        sentence: (one) => {
          const scopes =
            one.scopes.length === 0 ? '' : ` and lets them use and delegate ${listed(one.scopes)}`;
          return sentence`${strong(one.name ?? one.group)} (${one.source}, ${counted(one.members, 'member')}) gives its members the role ${one.role.replaceAll('_', ' ')}${scopes}.`;
        },
        empty:
          'No groups are mapped, so nobody has a role here. An IT admin maps a group of the directory with /group map.',
        buttons: [
          {
            text: 'Change',
            tool: 'group_map',
            input: ({ group, source, role, scopes }) => ({ group, source, role, scopes }),
            form: true,
          },
          {
            text: 'Remove',
            tool: 'group_unmap',
            input: ({ group, source, role }) => ({ group, source, role }),
            danger: true,
          },
        ],
      },
    },
  },
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

import { z } from 'zod';
import { counted, listed, sentence, strong } from '#engine/answer-words.ts';
import { mappingPage } from '#domain/group/mapping-list.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'group_mapping_list',
  title: 'List group mappings',
  description: 'Lists which directory groups give their members which roles and scopes.',
  input: z.object({
    limit: z.number().int().min(1).max(100).default(50).describe('Maximum number of mappings to return.'),
    cursor: z.string().max(1000).optional().describe('next_cursor from the previous page.'),
  }),
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
    next_cursor: z.string().nullable(),
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
  run: async (ctx, input) => {
    const { page, next } = await mappingPage(ctx, { cursor: input.cursor, limit: input.limit });
    const mappings = page.map(({ groupUid: group, scopes, ...one }) => ({
      ...one,
      group,
      scopes: [...scopes],
    }));
    return { mappings, next_cursor: next };
  },
});

import { z } from 'zod';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'okta_find_user',
  title: 'Find a person',
  description:
    'Finds people in Okta by the start of a name, login or email address. Use it to get the person ID that other tools take.',
  input: z.object({
    query: z.string().trim().min(2).max(100).describe('Start of a name, login or email address.'),
    limit: z.number().int().min(1).max(25).default(10).describe('Maximum number of people to return.'),
  }),
  output: z.object({
    people: z.array(
      z.object({
        person: z
          .string()
          .nullable()
          .describe('Person ID for other tools, or null until the next sync imports this person.'),
        name: z.string(),
        email: z.string(),
        status: z.string().describe('User status in Okta.'),
        title: z.string().nullable(),
        department: z.string().nullable(),
      }),
    ),
  }),
  scope: 'okta.users.read',
  command: '/okta find <query>',
  targets: () => TENANT_TARGET,
  effects: 'look',
  run: async (ctx, input) => ({
    people: (await ctx.directory.find(input.query, input.limit)).map((found) => ({
      person: found.id,
      name: found.displayName,
      email: found.email,
      status: found.status,
      title: found.title,
      department: found.department,
    })),
  }),
});

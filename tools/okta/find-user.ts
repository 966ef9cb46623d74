import { z } from 'zod';
import { sentence, strong } from '#engine/answer-words.ts';
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
  inWords: {
    lists: {
      people: {
        heading: 'People',
        state: ({ status }) => status.charAt(0) + status.slice(1).toLowerCase().replaceAll('_', ' '),
        sentence: (one) => {
          const what = [one.title, one.department].filter((text) => text !== null && text !== '').join(', ');
          const late = one.person === null ? ' They can be chosen after the next sync with Okta.' : '';
          return sentence`${strong(one.name)} (${one.email})${what === '' ? '' : `: ${what}`}.${late}`;
        },
        empty:
          'Nobody found. Try the beginning of the first or last name, of the login or of the email address.',
        buttons: [
          {
            text: 'Reset password',
            tool: 'okta_reset_password',
            input: ({ person }) => ({ person }),
            when: ({ person }) => person !== null,
          },
          {
            text: 'Reset MFA',
            tool: 'okta_reset_mfa',
            input: ({ person }) => ({ person }),
            when: ({ person }) => person !== null,
          },
          {
            text: 'Suspend',
            tool: 'okta_suspend_user',
            input: ({ person }) => ({ person }),
            when: ({ person, status }) => person !== null && status === 'ACTIVE',
            danger: true,
          },
        ],
      },
    },
  },
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

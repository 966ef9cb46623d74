import { z } from 'zod';
import { listed, sentence } from '#engine/answer-words.ts';
import { clientsOf } from '#domain/sign-in/clients.ts';
import { clientPerson, clientTargets, CLIENT_PERSON } from '#engine/client-input.ts';
import { defineTool, IMPLIED_SCOPE } from '#engine/tool.ts';

export default defineTool({
  name: 'client_list',
  title: 'List clients',
  description:
    'Lists the MCP clients that can act for a person because they signed in. You can list your own and those of your direct reports; IT admins can list anyone’s.',
  input: z.object({ person: CLIENT_PERSON }),
  output: z.object({
    clients: z.array(
      z.object({
        client_id: z.string().describe('URL of the client’s metadata, or the ID it was registered with.'),
        summary: z.string(),
        scopes: z.array(z.string()),
        since: z.iso.datetime(),
        until: z.iso.datetime().nullable().describe('When this access expires.'),
      }),
    ),
  }),
  inWords: {
    lists: {
      clients: {
        heading: 'Clients',
        sentence: (one) => {
          const end = one.until === null ? [] : sentence` It ends ${new Date(one.until)}.`;
          return sentence`${one.summary}. It may use ${listed(one.scopes)}.${end}`;
        },
        empty:
          'No clients. A client is a program, such as an AI assistant, that a person has signed in to and that acts for them over MCP.',
        buttons: [
          {
            text: 'End access',
            tool: 'client_revoke',
            input: ({ client_id: client }, { asked }) => ({
              client,
              ...(asked['person'] === undefined ? {} : { person: asked['person'] }),
            }),
            danger: true,
          },
        ],
      },
    },
  },
  scope: IMPLIED_SCOPE,
  only: 'people',
  command: '/client list [person]',
  targets: clientTargets,
  effects: 'read',
  run: async (ctx, input) => {
    const person = await clientPerson(ctx, input);
    return {
      clients: (await clientsOf(ctx, person)).map(({ clientId, name, scopes, since, until }) => ({
        client_id: clientId,
        summary: `${name === null ? clientId : `${name} (${clientId})`} can act for ${person.displayName} since ${since.toISOString().slice(0, 10)}`,
        scopes: [...scopes],
        since: since.toISOString(),
        until: until?.toISOString() ?? null,
      })),
    };
  },
});

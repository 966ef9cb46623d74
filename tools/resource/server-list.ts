import { z } from 'zod';
import { code, listed, sentence } from '#engine/answer-words.ts';
import { resourceServersOf } from '#domain/resource/store.ts';
import { defineTool, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'resource_server_list',
  title: 'List resource servers',
  description:
    'Lists your own systems that accept delegation tokens (resource servers), with the scopes reserved for each.',
  input: z.object({}),
  output: z.object({
    resource_servers: z.array(z.object({ identifier: z.string(), scopes: z.array(z.string()) })),
  }),
  inWords: {
    lists: {
      resource_servers: {
        heading: 'Resource servers',
        sentence: ({ identifier, scopes }) =>
          sentence`${code(identifier)} takes delegation tokens for ${listed(scopes)}.`,
        empty:
          'No resource servers. A resource server is a system of yours that takes delegation tokens from agents. An IT admin adds one with /resource server set.',
        buttons: [
          {
            text: 'Change',
            tool: 'resource_server_set',
            input: ({ identifier, scopes }) => ({ identifier, scopes }),
            form: true,
          },
          {
            text: 'Remove',
            tool: 'resource_server_remove',
            input: ({ identifier }) => ({ identifier }),
            danger: true,
          },
        ],
      },
    },
  },
  scope: 'policy.read',
  command: '/resource server list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx) => ({
    resource_servers: (await resourceServersOf(ctx)).map(({ identifier, scopes }) => ({
      identifier,
      scopes: [...scopes],
    })),
  }),
});

import { z } from 'zod';
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

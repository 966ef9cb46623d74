import { z } from 'zod';
import { listAgents } from '#domain/agent/store.ts';
import { authorityOf } from '#domain/group/authority.ts';
import { findPerson } from '#domain/person/store.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'agent_list',
  title: 'List agents',
  description:
    'Lists agents with their owners and the scopes they can be given. People see every agent; an agent sees only itself.',
  input: z.object({
    mine: z.boolean().default(false).describe('Return only agents that you own.'),
    limit: z.number().int().min(1).max(100).default(25).describe('Maximum number of agents to return.'),
    cursor: z.string().optional().describe('next_cursor from the previous page.'),
  }),
  output: z.object({
    agents: z.array(
      z.object({
        agent_id: z.string(),
        name: z.string(),
        owner: z.string(),
        status: z.string(),
        scopes: z.array(z.string()),
      }),
    ),
    next_cursor: z.string().nullable(),
    can_register: z.boolean().describe('Whether you can register agents.'),
  }),
  scope: IMPLIED_SCOPE,
  command: '/agent list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx, input) => {
    const { actor } = ctx;
    const mine = input.mine && actor.kind === 'person' ? { ownerId: actor.personId } : {};
    const rows = await listAgents(ctx, {
      ...mine,
      limit: input.limit + 1,
      ...(input.cursor === undefined ? {} : { after: input.cursor }),
    });
    const seen = actor.kind === 'agent' ? rows.filter((row) => row.id === actor.agentId) : rows;
    const page = seen.slice(0, input.limit);
    const agents = [];
    for (const row of page) {
      const owner = await findPerson(ctx, row.ownerId);
      agents.push({
        agent_id: row.id,
        name: row.name,
        owner: owner?.displayName ?? row.ownerId,
        status: row.status,
        scopes: row.ceiling,
      });
    }
    const roles = actor.kind === 'person' ? (await authorityOf(ctx, actor.personId)).roles : [];
    return {
      agents,
      next_cursor: seen.length > input.limit ? (page.at(-1)?.id ?? null) : null,
      can_register: roles.includes('it_admin'),
    };
  },
});

import { z } from 'zod';
import { listed, sentence, strong } from '#engine/answer-words.ts';
import { AGENT_STATES } from '#domain/agent/causes.ts';
import { countAgents, listAgents } from '#domain/agent/store.ts';
import { authorityOf } from '#domain/group/authority.ts';
import { cursorField, cutPage, totalField } from '#domain/paging.ts';
import { namesOfPeople } from '#domain/person/names.ts';
import { defineTool, IMPLIED_SCOPE, TENANT_TARGET } from '#engine/tool.ts';

export default defineTool({
  name: 'agent_list',
  title: 'List agents',
  description:
    'Lists agents with their owners and the scopes they can be given. People see every agent; an agent sees only itself.',
  input: z.object({
    mine: z.boolean().default(false).describe('Return only agents that you own.'),
    limit: z.number().int().min(1).max(100).default(25).describe('Maximum number of agents to return.'),
    cursor: cursorField('agt'),
  }),
  output: z.object({
    agents: z.array(
      z.object({
        agent_id: z.string(),
        name: z.string(),
        owner: z.string(),
        owner_id: z.string(),
        status: z.string(),
        scopes: z.array(z.string()),
      }),
    ),
    next_cursor: z.string().nullable(),
    total: totalField,
    can_register: z.boolean().describe('Whether you can register agents.'),
  }),
  inWords: {
    lists: {
      agents: {
        heading: 'Agents',
        state: ({ status }) => AGENT_STATES[status] ?? status,
        sentence: ({ name, owner, owner_id: id, scopes }, reader) =>
          sentence`${strong(name)}, owned by ${id === reader.personId ? 'you' : owner}. It can be given ${listed(scopes)}.`,
        empty:
          'No agents. An agent is a program or an AI model that acts for people under mandates. An IT admin registers one with /agent register.',
        buttons: [
          { text: 'Show', tool: 'agent_show', input: ({ agent_id: agent }) => ({ agent }) },
          {
            text: 'Give a mandate',
            tool: 'mandate_create',
            input: ({ agent_id: agent }) => ({ agent }),
            when: ({ status }) => status === 'active',
            form: true,
          },
          {
            text: 'Disable',
            tool: 'agent_disable',
            input: ({ agent_id: agent }) => ({ agent }),
            when: ({ status }) => status === 'active',
            danger: true,
          },
          {
            text: 'Enable',
            tool: 'agent_enable',
            input: ({ agent_id: agent }) => ({ agent }),
            when: ({ status }) => status === 'disabled',
          },
        ],
      },
    },
  },
  scope: IMPLIED_SCOPE,
  command: '/agent list',
  targets: () => TENANT_TARGET,
  effects: 'read',
  run: async (ctx, input) => {
    const { actor } = ctx;
    const mine = input.mine && actor.kind === 'person' ? { ownerId: actor.personId } : {};
    const seen = actor.kind === 'agent' ? { only: actor.agentId } : mine;
    const rows = await listAgents(ctx, { ...seen, after: input.cursor, limit: input.limit + 1 });
    const { page, next } = cutPage(rows, input.limit);
    const owners = await namesOfPeople(
      ctx,
      page.map((row) => row.ownerId),
    );
    const agents = page.map((row) => ({
      agent_id: row.id,
      name: row.name,
      owner: owners.get(row.ownerId) ?? row.ownerId,
      owner_id: row.ownerId,
      status: row.status,
      scopes: row.ceiling,
    }));
    const roles = actor.kind === 'person' ? (await authorityOf(ctx, actor.personId)).roles : [];
    return {
      agents,
      next_cursor: next,
      total: await countAgents(ctx, seen),
      can_register: roles.includes('it_admin'),
    };
  },
});

import { z } from 'zod';
import { code, listed } from '#engine/answer-words.ts';
import { AGENT_STATES, CAUSE_WORDS, causesOf } from '#domain/agent/causes.ts';
import { credentialKinds, liveKeys, unproven } from '#domain/agent/credentials.ts';
import { findAgent } from '#domain/agent/store.ts';
import { findPerson } from '#domain/person/store.ts';
import { agentTarget, defineTool, IMPLIED_SCOPE } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'agent_show',
  title: 'Show an agent',
  lead: 'Show agent',
  description:
    'Shows one agent: its owner, the scopes it can be given, how it authenticates, and anything that blocks it.',
  input: z.object({ agent: z.string().meta({ ref: 'agent' }).describe('Agent name or ID.') }),
  output: z.object({
    agent_id: z.string(),
    name: z.string(),
    owner: z.object({ id: z.string(), name: z.string() }),
    status: z.enum(['active', 'disabled', 'frozen']),
    why: z.array(z.string()).describe('What blocks the agent and who can fix it. Empty if nothing does.'),
    scopes: z.array(z.string()),
    credentials: z
      .array(z.string())
      .describe('How it authenticates. Contains no secrets.')
      .meta({ not_secret: true }),
    offered_to: z.object({ id: z.string(), name: z.string() }).nullable(),
  }),
  inWords: {
    fields: (one, { personId }) => [
      ['State', AGENT_STATES[one.status] ?? one.status],
      ['Why', one.why.length === 0 ? null : one.why.join('; ')],
      ['Owner', one.owner.id === personId ? 'you' : one.owner.name],
      ['Offered to', one.offered_to?.name ?? null],
      ['Can be given', listed(one.scopes)],
      ['Credentials', one.credentials.length === 0 ? 'none' : listed(one.credentials)],
      ['Agent id', [code(one.agent_id)]],
    ],
    buttons: [
      {
        text: 'Give a mandate',
        tool: 'mandate_create',
        input: ({ agent_id: agent }) => ({ agent }),
        when: ({ status }) => status === 'active',
        form: true,
      },
      { text: 'Its mandates', tool: 'mandate_list', input: ({ agent_id: agent }) => ({ agent }) },
      {
        text: 'Rotate keys',
        tool: 'agent_rotate_key',
        input: ({ agent_id: agent }) => ({ agent }),
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
  scope: IMPLIED_SCOPE,
  only: 'people',
  command: '/agent show <agent>',
  targets: (input) => [agentTarget(input.agent)],
  effects: 'read',
  light: true,
  run: async (ctx, input) => {
    const agent = await findAgent(ctx, input.agent);
    if (agent === null) throw new Fault('not_found', 'Agent not found.');
    const keys = await liveKeys(ctx, agent.id);
    const bare = unproven(agent, keys);
    const named = async (id: string) => ({ id, name: (await findPerson(ctx, id))?.displayName ?? id });
    return {
      agent_id: agent.id,
      name: agent.name,
      owner: await named(agent.ownerId),
      status: agent.status,
      why: [...causesOf(agent).map((cause) => CAUSE_WORDS[cause]), ...(bare === null ? [] : [bare])],
      scopes: agent.ceiling,
      credentials: credentialKinds(agent, keys),
      offered_to: agent.offeredTo === null ? null : await named(agent.offeredTo),
    };
  },
});

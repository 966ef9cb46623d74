import { z } from 'zod';
import { causesOf } from '#domain/agent/causes.ts';
import { checkTaker } from '#domain/agent/taker.ts';
import { transferAgent } from '#domain/agent/succession.ts';
import { findAgent } from '#domain/agent/store.ts';
import { findPerson } from '#domain/person/store.ts';
import { agentTarget, defineTool } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'agent_transfer',
  title: 'Transfer an agent',
  lead: 'Transfer',
  description:
    'Transfers an agent to a new owner, or accepts an agent that was offered to you. All mandates except those of the new owner freeze until their principals confirm them. If the previous owner has left, the new owner must also rotate the keys.',
  input: z.object({
    agent: z.string().meta({ ref: 'agent' }).describe('Agent name or ID.'),
    owner: z.string().meta({ ref: 'person' }).describe('New owner: work email or person ID.'),
  }),
  output: z.object({
    agent_id: z.string(),
    owner: z.string(),
    status: z.string(),
    frozen: z.array(z.string()).describe('Mandates that are frozen until their principals confirm them.'),
  }),
  scope: 'agent.manage',
  only: 'people',
  command: '/agent transfer <agent> <owner>',
  targets: (input) => [agentTarget(input.agent)],
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const agent = await findAgent(ctx, input.agent);
    const owner = await findPerson(ctx, input.owner);
    if (agent === null || owner === null) throw new Fault('not_found', 'Agent or person not found.');
    await checkTaker(ctx, agent, owner.id);
    const from = (await findPerson(ctx, agent.ownerId))?.displayName ?? agent.ownerId;
    const rotate = causesOf(agent).includes('owner_left') ? ' Its keys must be rotated before it works.' : '';
    return {
      changes: [{ what: 'owner', from, to: owner.displayName }],
      effect: `${owner.displayName} becomes the owner of ${agent.name}. Mandates from anyone else, including you, freeze until their principals confirm them.${rotate}`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { agent, frozen } = await transferAgent(ctx, input.agent, input.owner);
    return { agent_id: agent.id, owner: agent.ownerId, status: agent.status, frozen };
  },
});

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
  title: 'Give an agent a new owner',
  description:
    'Makes somebody else answer for an agent, or accepts an agent that you were offered. Mandates are not inherited: those of everybody but the new owner freeze until each of them confirms, your own too. After an owner has left, the new one must rotate the keys before the agent works.',
  input: z.object({
    agent: z.string().meta({ ref: 'agent' }).describe('The agent: its name or id.'),
    owner: z.string().meta({ ref: 'person' }).describe('The new owner: work email or person id.'),
  }),
  output: z.object({
    agent_id: z.string(),
    owner: z.string(),
    status: z.string(),
    frozen: z.array(z.string()).describe('Mandates that wait for their principals to confirm.'),
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
    if (agent === null || owner === null)
      throw new Fault('not_found', 'There is no such agent or person here.');
    await checkTaker(ctx, agent, owner.id);
    const from = (await findPerson(ctx, agent.ownerId))?.displayName ?? agent.ownerId;
    const rotate = causesOf(agent).includes('owner_left') ? ' Its keys must be rotated before it works.' : '';
    return {
      changes: [{ what: 'owner', from, to: owner.displayName }],
      effect: `${owner.displayName} answers for ${agent.name}; mandates that anybody else gave it, you too, freeze until they confirm.${rotate}`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const { agent, frozen } = await transferAgent(ctx, input.agent, input.owner);
    return { agent_id: agent.id, owner: agent.ownerId, status: agent.status, frozen };
  },
});

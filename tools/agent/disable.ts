import { z } from 'zod';
import { disableAgent } from '#domain/agent/switch.ts';
import { findAgent } from '#domain/agent/store.ts';
import { agentTarget, defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'agent_disable',
  title: 'Disable an agent',
  description:
    'Switches an agent off at once: its tokens die and what it waits for is withdrawn. An IT admin can switch it on again.',
  input: z.object({
    agent: z.string().meta({ ref: 'agent' }).describe('The agent: its name or id.'),
    reason: z.string().trim().min(3).max(500).default('Disabled by hand').describe('Why. Auditors read it.'),
  }),
  output: z.object({ agent_id: z.string(), status: z.string() }),
  scope: 'agent.manage',
  only: 'people',
  command: '/agent disable <agent> [reason]',
  tightens: true,
  targets: (input) => [agentTarget(input.agent)],
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const agent = await findAgent(ctx, input.agent);
    return {
      changes: [{ what: 'status', from: agent?.status ?? '', to: 'disabled' }],
      effect: `${agent?.name ?? input.agent} stops at once.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const agent = await disableAgent(ctx, input.agent, input.reason);
    return { agent_id: agent.id, status: agent.status };
  },
});

import { z } from 'zod';
import { disableAgent } from '#domain/agent/switch.ts';
import { findAgent } from '#domain/agent/store.ts';
import { agentTarget, defineTool } from '#engine/tool.ts';

export default defineTool({
  name: 'agent_disable',
  title: 'Disable an agent',
  lead: 'Disable',
  description:
    'Disables an agent immediately: its tokens stop working and its open requests are withdrawn. An IT admin can enable it again.',
  input: z.object({
    agent: z.string().meta({ ref: 'agent' }).describe('Agent name or ID.'),
    reason: z
      .string()
      .trim()
      .min(3)
      .max(500)
      .default('Disabled by hand')
      .describe('Why you disable it. Auditors can read this.'),
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
      effect: `${agent?.name ?? input.agent} stops working immediately.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const agent = await disableAgent(ctx, input.agent, input.reason);
    return { agent_id: agent.id, status: agent.status };
  },
});

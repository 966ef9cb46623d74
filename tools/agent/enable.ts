import { z } from 'zod';
import { CAUSE_WORDS, causesOf } from '#domain/agent/causes.ts';
import { enableAgent } from '#domain/agent/switch.ts';
import { findAgent } from '#domain/agent/store.ts';
import { agentTarget, defineTool } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

export default defineTool({
  name: 'agent_enable',
  title: 'Enable an agent',
  description:
    'Enables a disabled agent. If something else also blocks it (the kill switch, a missing owner or overdue key rotation), it stays blocked for that reason.',
  input: z.object({ agent: z.string().meta({ ref: 'agent' }).describe('Agent name or ID.') }),
  output: z.object({ agent_id: z.string(), status: z.string(), still_held_by: z.array(z.string()) }),
  scope: 'agent.manage',
  only: 'people',
  command: '/agent enable <agent>',
  targets: (input) => [agentTarget(input.agent)],
  loosens: true,
  effects: 'write',
  danger: 'serious',
  preview: async (ctx, input) => {
    const agent = await findAgent(ctx, input.agent);
    if (agent === null || !causesOf(agent).includes('disabled'))
      throw new Fault('conflict', `${agent?.name ?? 'This agent'} is not disabled.`);
    return {
      changes: [{ what: 'status', from: agent.status, to: 'enabled' }],
      effect: `${agent.name} works again, unless something else blocks it.`,
      reversible: true,
    };
  },
  run: async (ctx, input) => {
    const agent = await enableAgent(ctx, input.agent);
    return {
      agent_id: agent.id,
      status: agent.status,
      still_held_by: causesOf(agent).map((cause) => CAUSE_WORDS[cause]),
    };
  },
});

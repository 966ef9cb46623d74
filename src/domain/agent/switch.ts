import { actorName } from '../actor.ts';
import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { WriteContext } from '../context.ts';
import { Fault } from '#lib/fault.ts';
import { causesOf, changeCauses } from './causes.ts';
import { findAgent, type Agent } from './store.ts';

/**
 * Disables an agent: its tokens end, and the calls that wait for it are withdrawn. Its mandates keep their
 * state but cannot be used. Fault `not_found`. Does not check whether the actor may.
 */
export async function disableAgent(ctx: WriteContext, agentId: string, reason: string): Promise<Agent> {
  const agent = await locked(ctx, agentId);
  const after = await changeCauses(ctx, agent, { add: ['disabled'] });
  const actor = actorName(ctx.actor);
  await withdrawCalls(ctx, await waitingCallsOn(ctx, { agentId }), {
    actor,
    reason: 'the agent was disabled',
  });
  ctx.record({ event: 'AGENT_DISABLED', actor, data: { agent: agentId, reason } });
  ctx.emit({ name: 'agent.changed', thing: agentId });
  return after;
}

/**
 * Enables a disabled agent. It stays frozen if it has other causes. Fault `not_found`, and `conflict` if
 * it is not disabled. Does not check whether the actor may.
 */
export async function enableAgent(ctx: WriteContext, agentId: string): Promise<Agent> {
  const agent = await locked(ctx, agentId);
  if (!causesOf(agent).includes('disabled')) throw new Fault('conflict', `${agent.name} is not disabled.`);
  const after = await changeCauses(ctx, agent, { lift: ['disabled'] });
  ctx.record({
    event: 'AGENT_ENABLED',
    actor: actorName(ctx.actor),
    data: { agent: agentId, lifted: 'disabled', left: causesOf(after) },
  });
  ctx.emit({ name: 'agent.changed', thing: agentId });
  return after;
}

async function locked(ctx: WriteContext, agentId: string): Promise<Agent> {
  const agent = await findAgent(ctx, agentId, 'update');
  if (agent === null) throw new Fault('not_found', 'Agent not found.');
  return agent;
}

import type { ReadContext } from '../context.ts';
import { authorityOf } from '../group/authority.ts';
import { Fault } from '#lib/fault.ts';
import type { Agent } from './store.ts';

/**
 * Checks whether the actor may give this agent to this person, after policy has allowed the call. Its owner
 * and IT admins may give it to anyone. The owner's manager may only take it themselves, and only if it was
 * offered to them. Fault `forbidden` otherwise.
 */
export async function checkTaker(ctx: ReadContext, agent: Agent, newOwnerId: string): Promise<void> {
  const { actor } = ctx;
  if (actor.kind !== 'person') throw new Fault('forbidden', 'Only people can transfer agents.');
  if (actor.personId === agent.ownerId) return;
  if ((await authorityOf(ctx, actor.personId)).roles.includes('it_admin')) return;
  if (agent.offeredTo === actor.personId && newOwnerId === actor.personId) return;
  throw new Fault(
    'forbidden',
    agent.offeredTo === actor.personId
      ? 'This agent was offered to you, so you can only take it over yourself. IT admins can transfer it to someone else.'
      : 'This agent was not offered to you. Its owner or an IT admin can transfer it to you.',
    { field: agent.offeredTo === actor.personId ? 'owner' : 'agent' },
  );
}

import { actorName } from '../actor.ts';
import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantWriter, WriteContext } from '../context.ts';
import { OWNER_LEFT } from '../mandate/causes.ts';
import { freezeMandates } from '../mandate/freeze.ts';
import { liftCause } from '../mandate/thaw.ts';
import { openMandatesForAgent } from '../mandate/trees.ts';
import { findPerson, type Person } from '../person/store.ts';
import { standingOf } from '../person/standing.ts';
import { Fault } from '#lib/fault.ts';
import { causesOf, changeCauses } from './causes.ts';
import { freezeOthersMandates } from './credentials.ts';
import { findAgent, lockAgentsOf, type Agent } from './store.ts';

/** How and why an owner left. */
export interface OwnerLeft {
  /** The source: `okta:scim`, `okta:event-hook`, a person's id, … */
  readonly actor: string;
  /**
   * `departed`: the agents work again only with new credentials, even if the owner returns. `suspended`: the
   * owner's return is enough.
   */
  readonly how: 'departed' | 'suspended';
}

/**
 * Handles agents whose owner has left. Each agent freezes together with its tokens, and is offered to the
 * owner's manager if they are in good standing; an IT admin can take it over in any case. The mandates that
 * other people gave to the agent freeze with `owner_left`; the caller handles the owner's own mandates. The
 * caller must have locked `owner` for update. Repeating it adds nothing.
 */
export async function ownerLeft(ctx: TenantWriter, owner: Person, left: OwnerLeft): Promise<void> {
  const owned = await lockAgentsOf(ctx, owner.id);
  if (owned.length === 0) return;
  const manager = owner.managerId === null ? null : await findPerson(ctx, owner.managerId);
  const heir = manager !== null && standingOf(manager) === null ? manager.id : null;
  for (const agent of owned) {
    const add =
      left.how === 'departed' ? (['owner_left', 'rotation_due'] as const) : (['owner_left'] as const);
    if (add.every((cause) => causesOf(agent).includes(cause))) continue;
    await changeCauses(ctx, agent, { add }, { offeredTo: heir });
    const hit = (await openMandatesForAgent(ctx, agent.id, owner.id, 'update')).map((mandate) => mandate.id);
    await freezeMandates(ctx, hit, OWNER_LEFT, left.actor);
    const ending = { actor: left.actor, reason: 'the owner of the agent is gone' };
    await withdrawCalls(ctx, await waitingCallsOn(ctx, { agentId: agent.id }), ending);
    ctx.record({
      event: 'AGENT_OFFERED',
      actor: left.actor,
      data: {
        agent: agent.id,
        owner: owner.id,
        offered_to: heir,
        frozen: hit,
      },
    });
    ctx.emit({ name: 'agent.offered', thing: agent.id });
  }
}

/**
 * A suspended owner is back, as a fresh read showed. What froze only because of their absence works again.
 * Agents that need new credentials keep waiting for them.
 */
export async function ownerBack(ctx: TenantWriter, ownerId: string, actor: string): Promise<void> {
  for (const agent of await lockAgentsOf(ctx, ownerId)) {
    const causes = causesOf(agent);
    if (!causes.includes('owner_left') || causes.includes('rotation_due')) continue;
    await changeCauses(ctx, agent, { lift: ['owner_left'] }, { offeredTo: null });
    await liftOwnerLeft(ctx, agent.id, actor);
    ctx.record({ event: 'AGENT_ENABLED', actor, data: { agent: agent.id, lifted: 'owner_left' } });
    ctx.emit({ name: 'agent.changed', thing: agent.id });
  }
}

async function liftOwnerLeft(ctx: TenantWriter, agentId: string, actor: string): Promise<void> {
  const held = await openMandatesForAgent(ctx, agentId, null, 'update');
  await liftCause(
    ctx,
    held.map((mandate) => mandate.id),
    OWNER_LEFT,
    actor,
  );
}

/**
 * Gives an agent a new owner. Mandates are not inherited: all mandates except the new owner's freeze until
 * each principal confirms, including those of the person who makes the transfer, since the agent is no
 * longer theirs. If the previous owner had left, the new owner must also rotate the credentials before the
 * agent works. Fault `not_found`, and `conflict` if the new owner cannot act or nothing would change. Does
 * not check whether the actor may.
 */
export async function transferAgent(
  ctx: WriteContext,
  agentId: string,
  newOwnerId: string,
): Promise<{ agent: Agent; frozen: string[] }> {
  const owner = await findPerson(ctx, newOwnerId, 'share');
  const agent = await findAgent(ctx, agentId, 'update');
  if (agent === null) throw new Fault('not_found', 'Agent not found.');
  if (owner === null || standingOf(owner) !== null)
    throw new Fault('conflict', 'The new owner must be an active person.', { field: 'owner' });
  const orphaned = causesOf(agent).includes('owner_left');
  if (agent.ownerId === owner.id && !orphaned)
    throw new Fault('conflict', `${owner.displayName} already owns ${agent.name}.`, { field: 'owner' });
  const actor = actorName(ctx.actor);
  const after = await changeCauses(
    ctx,
    agent,
    { lift: ['owner_left'], add: orphaned ? ['rotation_due'] : [] },
    { ownerId: owner.id, offeredTo: null },
  );
  const hit = await freezeOthersMandates(ctx, after, ctx.actor, owner.id);
  // In this order, so that a mandate that was frozen because of its missing owner is never active in between.
  await liftOwnerLeft(ctx, agent.id, actor);
  await withdrawCalls(ctx, await waitingCallsOn(ctx, { agentId: agent.id }), {
    actor,
    reason: 'the owner of the agent changed',
  });
  const frozen = hit.map((mandate) => mandate.id);
  ctx.record({
    event: 'AGENT_TRANSFERRED',
    actor,
    data: { agent: agent.id, from: agent.ownerId, to: owner.id, frozen },
  });
  ctx.emit({ name: 'agent.changed', thing: agent.id });
  return { agent: after, frozen };
}

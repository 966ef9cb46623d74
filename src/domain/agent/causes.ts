import { and, eq, sql } from 'drizzle-orm';
import type { TenantWriter } from '../context.ts';
import type { Agent } from './store.ts';
import { agents } from './tables.ts';

/**
 * Why an agent does not work. `disabled`: switched off by its owner or an IT admin. `admin`: the kill switch. `owner_left`: its owner
 * is gone or suspended. `rotation_due`: it has had another owner's credentials and needs new ones.
 */
export const AGENT_CAUSES = ['disabled', 'admin', 'owner_left', 'rotation_due'] as const;
export type AgentCause = (typeof AGENT_CAUSES)[number];

/** Why an agent does not work, in words for people, with who can mend it. */
export const CAUSE_WORDS = {
  disabled: 'it is disabled; an IT admin can enable it',
  admin: 'it was frozen by the kill switch; an IT admin can lift that',
  owner_left: 'its owner is gone; whoever it is offered to, or an IT admin, can give it a new owner',
  rotation_due: 'its credentials are from before its owner changed; its owner must rotate them',
} as const satisfies Record<AgentCause, string>;

const isCause = (text: string): text is AgentCause => AGENT_CAUSES.some((cause) => cause === text);

/** The causes that hold an agent now, in a stable order. */
export const causesOf = (agent: Pick<Agent, 'causes'>): AgentCause[] => agent.causes.filter(isCause).sort();

/**
 * Adds and lifts causes and nothing else: the status follows from those that are left, so lifting one never lifts another. Raises
 * the agent's epoch either way: what was issued before stays dead. The row must be locked `update`. Returns the agent as it is then.
 */
export async function changeCauses(
  ctx: TenantWriter,
  agent: Agent,
  change: { readonly add?: readonly AgentCause[]; readonly lift?: readonly AgentCause[] },
  more: Partial<Pick<Agent, 'ownerId' | 'offeredTo'>> = {},
): Promise<Agent> {
  const kept = causesOf(agent).filter((cause) => change.lift?.includes(cause) !== true);
  const causes = [...new Set([...kept, ...(change.add ?? [])])].sort();
  const [row] = await ctx.db
    .update(agents)
    .set({
      ...more,
      causes,
      status: causes.length === 0 ? 'active' : causes.includes('disabled') ? 'disabled' : 'frozen',
      epoch: sql`${agents.epoch} + 1`,
      updatedAt: ctx.now,
    })
    .where(and(eq(agents.tenantId, ctx.tenantId), eq(agents.id, agent.id)))
    .returning();
  if (row === undefined) throw new Error(`agent ${agent.id} is not there`);
  return row;
}

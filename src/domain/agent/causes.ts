import { and, eq, sql } from 'drizzle-orm';
import type { TenantWriter } from '../context.ts';
import type { Agent } from './store.ts';
import { agents } from './tables.ts';

/**
 * Why an agent does not work. `disabled`: its owner or an IT admin disabled it. `admin`: the kill switch
 * froze it. `owner_left`: its owner has left or is suspended. `rotation_due`: its credentials are from an
 * earlier owner and must be replaced.
 */
export const AGENT_CAUSES = ['disabled', 'admin', 'owner_left', 'rotation_due'] as const;
/** One of `AGENT_CAUSES`. */
export type AgentCause = (typeof AGENT_CAUSES)[number];

/** Why an agent does not work, in words, and who can change that. */
export const CAUSE_WORDS = {
  disabled: 'it is disabled; an IT admin can enable it',
  admin: 'it was frozen by the kill switch; an IT admin can lift that',
  owner_left:
    'its owner is gone; the person it was offered to, or an IT admin, can transfer it to a new owner',
  rotation_due: 'its credentials are older than its last change of owner; its owner must rotate them',
} as const satisfies Record<AgentCause, string>;

/** An agent's status as people read it. */
export const AGENT_STATES: Readonly<Record<string, string>> = {
  active: 'Active',
  disabled: 'Disabled',
  frozen: 'Frozen',
};

const isCause = (text: string): text is AgentCause => AGENT_CAUSES.some((cause) => cause === text);

/** The causes that an agent has now, sorted. */
export const causesOf = (agent: Pick<Agent, 'causes'>): AgentCause[] => agent.causes.filter(isCause).sort();

/**
 * Adds and lifts causes. The status follows from the causes that are left, so lifting one never lifts
 * another. Always raises the agent's epoch, so that everything issued before stays void. The caller must
 * have locked the row for update. Returns the changed agent. Does not record anything.
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

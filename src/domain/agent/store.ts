import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { isId } from '#lib/id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Lock } from '../person/store.ts';
import { agentKeys, agents } from './tables.ts';

export type Agent = typeof agents.$inferSelect;
export type NewAgent = typeof agents.$inferInsert;
export type NewAgentKey = typeof agentKeys.$inferInsert;

/** The agent with this id, or null. */
export async function findAgent(reader: TenantReader, id: string, lock?: Lock): Promise<Agent | null> {
  const query = reader.db
    .select()
    .from(agents)
    .where(and(eq(agents.tenantId, reader.tenantId), eq(agents.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

/** What an agent reference in an input means: its id, or its name without regard to case. */
export async function agentByReference(reader: TenantReader, reference: string): Promise<Agent | null> {
  if (isId('agt', reference)) return findAgent(reader, reference);
  const [row] = await reader.db
    .select()
    .from(agents)
    .where(
      and(eq(agents.tenantId, reader.tenantId), sql`lower(${agents.name}) = ${reference.toLowerCase()}`),
    );
  return row ?? null;
}

/** Agents after the cursor (an id), oldest first; of one owner where given. */
export async function listAgents(
  reader: TenantReader,
  options: { ownerId?: string; after?: string; limit: number },
): Promise<Agent[]> {
  return reader.db
    .select()
    .from(agents)
    .where(
      and(
        eq(agents.tenantId, reader.tenantId),
        options.ownerId === undefined ? undefined : eq(agents.ownerId, options.ownerId),
        options.after === undefined ? undefined : gt(agents.id, options.after),
      ),
    )
    .orderBy(asc(agents.id))
    .limit(options.limit);
}

/** Saves an agent with the keys that it brings, if any. */
export async function insertAgent(
  ctx: TenantWriter,
  agent: NewAgent,
  keys: readonly Pick<NewAgentKey, 'kid' | 'alg' | 'publicJwk'>[],
): Promise<void> {
  await ctx.db.insert(agents).values(agent);
  if (keys.length === 0) return;
  const { tenantId, id: agentId } = agent;
  await ctx.db
    .insert(agentKeys)
    .values(
      keys.map(({ kid, alg, publicJwk }) => ({ tenantId, agentId, kid, alg, publicJwk, createdAt: ctx.now })),
    );
}

/** The agents of an owner, locked for change in a stable order. */
export async function lockAgentsOf(ctx: TenantWriter, ownerId: string): Promise<Agent[]> {
  return ctx.db
    .select()
    .from(agents)
    .where(and(eq(agents.tenantId, ctx.tenantId), eq(agents.ownerId, ownerId)))
    .orderBy(asc(agents.id))
    .for('update');
}

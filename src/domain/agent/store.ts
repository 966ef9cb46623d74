import { and, asc, eq, gt, sql, type SQL } from 'drizzle-orm';
import { isId } from '#lib/id.ts';
import { folded } from '../../db/tenant-table.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { countUpTo } from '../paging.ts';
import type { Lock } from '../person/store.ts';
import { agentKeys, agents } from './tables.ts';

/** A row of `agents`. */
export type Agent = typeof agents.$inferSelect;
/** A new row of `agents`. */
export type NewAgent = typeof agents.$inferInsert;
/** A new row of `agent_keys`. */
export type NewAgentKey = typeof agentKeys.$inferInsert;

/** The agent with this id, or null; locked if `lock` is given. */
export async function findAgent(reader: TenantReader, id: string, lock?: Lock): Promise<Agent | null> {
  const query = reader.db
    .select()
    .from(agents)
    .where(and(eq(agents.tenantId, reader.tenantId), eq(agents.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

/** The agents with these ids, in no particular order. Unknown ids are left out. */
export async function findAgents(reader: TenantReader, ids: readonly string[]): Promise<Agent[]> {
  if (ids.length === 0) return [];
  return reader.db
    .select()
    .from(agents)
    .where(
      and(eq(agents.tenantId, reader.tenantId), sql`${agents.id} = any(${sql.param([...ids])}::text[])`),
    );
}

/**
 * The agent that a reference in a tool's input means: its id, or its name ignoring case. Null if there is
 * none.
 */
export async function agentByReference(reader: TenantReader, reference: string): Promise<Agent | null> {
  if (isId('agt', reference)) return findAgent(reader, reference);
  const [row] = await reader.db
    .select()
    .from(agents)
    .where(and(eq(agents.tenantId, reader.tenantId), eq(agents.nameFolded, folded(reference))));
  return row ?? null;
}

/** Which agents to list: those of one owner, or only one. A field that is left out does not filter. */
interface AgentFilter {
  readonly ownerId?: string;
  readonly only?: string;
}

const fitting = (reader: TenantReader, { ownerId, only }: AgentFilter): SQL | undefined =>
  and(
    eq(agents.tenantId, reader.tenantId),
    ownerId === undefined ? undefined : eq(agents.ownerId, ownerId),
    only === undefined ? undefined : eq(agents.id, only),
  );

/** How many agents fit; null for more than lists count. */
export const countAgents = (reader: TenantReader, filter: AgentFilter): Promise<number | null> =>
  countUpTo(reader, sql`select from ${agents} where ${fitting(reader, filter)}`);

/** The agents that fit after the cursor (an id), oldest first. */
export async function listAgents(
  reader: TenantReader,
  options: AgentFilter & { readonly after?: string | undefined; readonly limit: number },
): Promise<Agent[]> {
  return reader.db
    .select()
    .from(agents)
    .where(
      and(fitting(reader, options), options.after === undefined ? undefined : gt(agents.id, options.after)),
    )
    .orderBy(asc(agents.id))
    .limit(options.limit);
}

/** Saves an agent with its keys, if it has any. */
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

/** The agents of an owner, locked for update in the order of their ids. */
export async function lockAgentsOf(ctx: TenantWriter, ownerId: string): Promise<Agent[]> {
  return ctx.db
    .select()
    .from(agents)
    .where(and(eq(agents.tenantId, ctx.tenantId), eq(agents.ownerId, ownerId)))
    .orderBy(asc(agents.id))
    .for('update');
}

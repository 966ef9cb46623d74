import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { countUpTo, literal, MOST_COUNTED } from '../paging.ts';
import type { Mandate } from './store.ts';
import { mandates } from './tables.ts';

/** Which mandates to list. A field that is left out does not filter. */
export interface MandateFilter {
  readonly id?: string;
  readonly principalId?: string;
  readonly agentIds?: readonly string[];
  /** Mandates that this person gave, or that were given to an agent that they own. */
  readonly concerning?: string;
  readonly states?: readonly Mandate['state'][];
}

const EVERY_STATE: readonly Mandate['state'][] = ['active', 'frozen', 'revoked', 'expired'];

/**
 * The mandates that fit, newest first, before the id `before` if given. Costs the same for any number of
 * mandates: each part of the condition is read by an index of its own, in the list's order. An `or` of the
 * parts would walk through everybody's mandates. Does not check who may see them.
 */
export async function listMandates(
  reader: TenantReader,
  filter: MandateFilter,
  { before, limit }: { readonly before?: string | undefined; readonly limit: number },
): Promise<Mandate[]> {
  const after = before === undefined ? sql`` : sql`and m.id < ${before}`;
  const parts = partsOf(reader, filter, sql`${after} order by m.id desc limit ${limit}`);
  const ids = sql`select id from (${parts}) as part order by id desc limit ${limit}`;
  const rows = await reader.db
    .select()
    .from(mandates)
    .where(and(eq(mandates.tenantId, reader.tenantId), sql`${mandates.id} = any(array(${ids}))`));
  // Sorted here: asked for this order, the database may walk through everything in it.
  return rows.sort((one, other) => (one.id < other.id ? 1 : -1));
}

/** How many mandates the filter fits, on all its pages; null for more than `MOST_COUNTED`. */
export const countMandates = (reader: TenantReader, filter: MandateFilter): Promise<number | null> =>
  countUpTo(
    reader,
    sql`select id from (${partsOf(reader, filter, sql`order by m.id desc limit ${MOST_COUNTED + 1}`)}) as part`,
  );

/** The ids of the mandates that fit, as a union with an index for each part. `end` closes each walk. */
function partsOf(reader: TenantReader, filter: MandateFilter, end: SQL): SQL {
  const { tenantId } = reader;
  const { id, principalId, agentIds, concerning, states = EVERY_STATE } = filter;
  const fits = sql`m.tenant_id = ${tenantId}${id === undefined ? sql`` : sql` and m.id = ${id}`}`;
  // A principal has few mandates, so one walk may leave some out. An agent, and the tenant, may have very
  // many that have ended: one walk for each state (`mandates_agent`, `mandates_state`).
  const ofPrincipal = (who: string) =>
    sql`(select m.id from mandates m where ${fits} and m.principal_id = ${who}
      and m.state in (${sql.join(states.map(literal), sql`, `)})
      ${agentIds === undefined ? sql`` : sql`and m.agent_id = any(${textArray(agentIds)})`} ${end})`;
  const ofStates = (walk: (inState: SQL) => SQL) =>
    sql.join(
      states.map((state) => walk(sql`m.state = ${literal(state)}`)),
      sql` union all `,
    );
  const ofAgents = (agents: SQL) =>
    ofStates(
      (inState) => sql`(select walk.id from (${agents}) as own cross join lateral (
        select m.id from mandates m where ${fits} and m.agent_id = own.id and ${inState}
        ${principalId === undefined ? sql`` : sql`and m.principal_id = ${principalId}`} ${end}) as walk)`,
    );
  if (concerning !== undefined) {
    const owned = sql`select id from agents where tenant_id = ${tenantId} and owner_id = ${concerning}
      ${agentIds === undefined ? sql`` : sql`and id = any(${textArray(agentIds)})`}`;
    const given = principalId === undefined || principalId === concerning;
    return given ? sql`${ofPrincipal(concerning)} union (${ofAgents(owned)})` : ofAgents(owned);
  }
  if (principalId !== undefined) return ofPrincipal(principalId);
  return agentIds === undefined
    ? ofStates((inState) => sql`(select m.id from mandates m where ${fits} and ${inState} ${end})`)
    : ofAgents(sql`select unnest(${textArray(agentIds)}) as id`);
}

const textArray = (texts: readonly string[]): SQL => sql`${sql.param([...texts])}::text[]`;

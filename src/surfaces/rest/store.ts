import { and, eq, or, sql, type SQL } from 'drizzle-orm';
import type { Call } from '#domain/call/store.ts';
import { calls } from '#domain/call/tables.ts';
import { CALL_STATES, type CallState } from '#domain/call/call.ts';
import type { TenantReader } from '#domain/context.ts';
import { literal } from '#domain/paging.ts';

/** Which calls a caller may see: all, those that concern a person, or an agent's own under one mandate. */
export type Sight =
  | { readonly of: 'all' }
  | { readonly of: 'person'; readonly personId: string }
  | { readonly of: 'agent'; readonly agentId: string; readonly mandateId: string };

/** A page, newest first. `before` is the last id of the previous page. */
export interface Page {
  readonly before: string | undefined;
  readonly limit: number;
}

/** Which calls to list. A field that is left out does not filter. */
interface CallFilter {
  readonly state?: CallState | undefined;
  readonly tool?: string | undefined;
}

/**
 * The calls that the sight covers, newest first. Costs the same for any number of calls of others: each part
 * of the sight is read by an index of its own, in this order.
 */
export async function callPage(
  reader: TenantReader,
  sight: Sight,
  filter: CallFilter,
  { before, limit }: Page,
): Promise<Call[]> {
  const parts = partsOf(reader, sight, filter, before, limit);
  const ids = sql`select id from (${parts}) as part order by id desc limit ${limit}`;
  const rows = await reader.db
    .select()
    .from(calls)
    .where(and(eq(calls.tenantId, reader.tenantId), sql`${calls.id} = any(array(${ids}))`));
  // Sorted here: asked for this order, the database may walk through everything in it.
  return rows.sort((one, other) => (one.id < other.id ? 1 : -1));
}

function partsOf(
  { tenantId }: TenantReader,
  sight: Sight,
  { state, tool }: CallFilter,
  before: string | undefined,
  limit: number,
): SQL {
  const fits = sql`c.tenant_id = ${tenantId}${tool === undefined ? sql`` : sql` and c.tool = ${tool}`}`;
  const inState = (one: CallState) => sql`and c.state = ${literal(one)}`;
  const ofState = state === undefined ? sql`` : inState(state);
  const end = sql`${before === undefined ? sql`` : sql`and c.id < ${before}`} order by c.id desc limit ${limit}`;
  const walk = (who: SQL) => sql`(select c.id from calls c where ${fits} ${ofState} ${who} ${end})`;
  switch (sight.of) {
    case 'agent':
      return walk(sql`and c.mandate_id = ${sight.mandateId} and c.agent_id = ${sight.agentId}`);
    case 'all':
      if (tool === undefined || state !== undefined) return walk(sql``);
      // The calls of a tool stand by their states in its index.
      return sql.join(
        CALL_STATES.map((one) => walk(inState(one))),
        sql` union all `,
      );
    case 'person':
      // They or their agent asked, it is about them, or they own the agent.
      return sql`${walk(sql`and c.principal_id = ${sight.personId}`)}
        union (select c.id from call_targets t join calls c on c.tenant_id = t.tenant_id and c.id = t.call_id
          where t.tenant_id = ${tenantId} and t.person_id = ${sight.personId} and ${fits} ${ofState}
          ${before === undefined ? sql`` : sql`and t.call_id < ${before}`} order by t.call_id desc limit ${limit})
        union select walk.id from agents own cross join lateral ${walk(sql`and c.agent_id = own.id`)} as walk
          where own.tenant_id = ${tenantId} and own.owner_id = ${sight.personId}`;
  }
}

/** The call with this id, or null if it does not exist or the sight does not cover it. */
export async function visibleCall(reader: TenantReader, sight: Sight, id: string): Promise<Call | null> {
  const [row] = await reader.db
    .select()
    .from(calls)
    .where(and(eq(calls.tenantId, reader.tenantId), eq(calls.id, id), within(sight)));
  return row ?? null;
}

/** The condition on `calls`. Undefined if everything may be seen. */
function within(sight: Sight): SQL | undefined {
  if (sight.of === 'all') return undefined;
  if (sight.of === 'agent')
    return and(eq(calls.agentId, sight.agentId), eq(calls.mandateId, sight.mandateId));
  // They or their agent asked, it is about them, or they own the agent.
  return or(
    eq(calls.principalId, sight.personId),
    sql`${sight.personId} = any(${calls.targets})`,
    sql`${calls.agentId} in (select a.id from agents a where a.tenant_id = ${calls.tenantId} and a.owner_id = ${sight.personId})`,
  );
}

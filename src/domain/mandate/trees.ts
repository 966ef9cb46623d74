import { and, asc, eq, inArray, ne, sql, type SQL } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import type { Lock } from '../person/store.ts';
import { among, type Mandate } from './store.ts';
import { mandates } from './tables.ts';

const OPEN = ['active', 'frozen'] as const;

/** The mandates at which trees begin. */
export type Roots =
  | { readonly mandateIds: readonly string[] }
  | { readonly agentId: string }
  | { readonly principalId: string };

/**
 * Mandates that have not ended, with everything below them, in the order of their ids, which is the order in
 * which every revocation locks them. Two statements, whatever the depth.
 */
export async function openTrees(reader: TenantReader, roots: Roots, lock?: Lock): Promise<Mandate[]> {
  const found = await reader.db.execute<{ id: string }>(sql`
    with recursive tree(id) as (
      select id from mandates where tenant_id = ${reader.tenantId} and ${beginning(roots)}
      union select m.id from mandates m join tree t on m.tenant_id = ${reader.tenantId} and m.parent_id = t.id
    ) select id from tree`);
  const ids = found.map((row) => row.id);
  return ids.length === 0 ? [] : openWhere(reader, among(ids), lock);
}

/**
 * How many mandates of each of these people, with everything below them, have not ended, by the people's ids.
 * Who has none has no entry. One statement for any number of people.
 */
export async function countOpenTrees(
  reader: TenantReader,
  principalIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (principalIds.length === 0) return new Map();
  const rows = await reader.db.execute<{ who: string; count: number }>(sql`
    with recursive tree(who, id, state) as (
      select principal_id, id, state from mandates
       where tenant_id = ${reader.tenantId} and principal_id = any(${sql.param([...principalIds])}::text[])
      union select t.who, m.id, m.state from mandates m join tree t on m.tenant_id = ${reader.tenantId} and m.parent_id = t.id
    ) select who, count(*)::int as count from tree where state in ('active', 'frozen') group by who`);
  return new Map(rows.map(({ who, count }) => [who, count]));
}

/**
 * An agent's mandates that have not ended and whose principal is not `exceptPrincipal`. Mandates below them
 * are not included.
 */
export async function openMandatesForAgent(
  reader: TenantReader,
  agentId: string,
  exceptPrincipal: string | null,
  lock?: Lock,
): Promise<Mandate[]> {
  const others = exceptPrincipal === null ? undefined : ne(mandates.principalId, exceptPrincipal);
  return openWhere(reader, and(eq(mandates.agentId, agentId), others), lock);
}

function beginning(roots: Roots): SQL {
  if ('mandateIds' in roots) return sql`id = any(${sql.param([...roots.mandateIds])}::text[])`;
  return 'agentId' in roots ? sql`agent_id = ${roots.agentId}` : sql`principal_id = ${roots.principalId}`;
}

async function openWhere(reader: TenantReader, where: SQL | undefined, lock: Lock): Promise<Mandate[]> {
  const query = reader.db
    .select()
    .from(mandates)
    .where(and(eq(mandates.tenantId, reader.tenantId), where, inArray(mandates.state, [...OPEN])))
    .orderBy(asc(mandates.id));
  return lock === undefined ? query : query.for(lock);
}

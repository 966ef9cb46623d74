import { and, asc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Lock } from '../person/store.ts';
import { drawPlace } from './status-place.ts';
import { mandateFreezes, mandates } from './tables.ts';

/** A row of `mandates`. */
export type Mandate = typeof mandates.$inferSelect;
/** A new row of `mandates`. */
export type NewMandate = typeof mandates.$inferInsert;

/** The mandate with this id, or null; locked if `lock` is given. */
export async function findMandate(reader: TenantReader, id: string, lock?: Lock): Promise<Mandate | null> {
  const query = reader.db
    .select()
    .from(mandates)
    .where(and(eq(mandates.tenantId, reader.tenantId), eq(mandates.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

/**
 * The mandates of a principal that have not ended, locked for update in the order of their ids. The fixed
 * order keeps two revocations from deadlocking.
 */
export async function openMandatesOf(ctx: TenantWriter, principalId: string): Promise<Mandate[]> {
  return ctx.db
    .select()
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        eq(mandates.principalId, principalId),
        inArray(mandates.state, ['active', 'frozen']),
      ),
    )
    .orderBy(asc(mandates.id))
    .for('update');
}

/**
 * A condition for the mandates with these ids. It is one parameter for any number of ids: a statement can
 * have at most 65,535 parameters, and a tree may be larger.
 */
export const among = (ids: readonly string[]): SQL =>
  sql`${mandates.id} = any(${sql.param([...ids])}::text[])`;

/** Those of the mandates that have not ended, locked for update in the order of their ids. */
export async function lockMandates(ctx: TenantWriter, ids: readonly string[]): Promise<Mandate[]> {
  if (ids.length === 0) return [];
  return ctx.db
    .select()
    .from(mandates)
    .where(
      and(eq(mandates.tenantId, ctx.tenantId), among(ids), inArray(mandates.state, ['active', 'frozen'])),
    )
    .orderBy(asc(mandates.id))
    .for('update');
}

/** Ids of one or more mandates and of everything below them, in every state. */
export async function mandateTreeIds(reader: TenantReader, ...roots: readonly string[]): Promise<string[]> {
  const tree = await reader.db.execute<{ id: string }>(sql`
    with recursive tree(id) as (
      select id from mandates where tenant_id = ${reader.tenantId} and ${among(roots)}
      union select m.id from mandates m join tree t on m.tenant_id = ${reader.tenantId} and m.parent_id = t.id
    ) select id from tree order by id`);
  return tree.map((row) => row.id);
}

/**
 * Mandates that have not ended, with everything below them that has not ended, locked for update in the order
 * of their ids. A child is created under a lock on its parent, so no child can appear below once all are
 * locked.
 */
export async function openMandateTree(ctx: TenantWriter, ...roots: readonly string[]): Promise<Mandate[]> {
  for (let ids = await mandateTreeIds(ctx, ...roots); ;) {
    const locked = await lockMandates(ctx, ids);
    const again = await mandateTreeIds(ctx, ...roots);
    if (again.length === ids.length) return locked;
    ids = again;
  }
}

/** Ids of a mandate and of the mandates above it, starting with the mandate itself. */
export async function mandateChain(reader: TenantReader, mandateId: string): Promise<string[]> {
  const rows = await reader.db.execute<{ id: string }>(sql`
    with recursive up(id, parent_id, level) as (
      select id, parent_id, 0 from mandates where tenant_id = ${reader.tenantId} and id = ${mandateId}
      union all select m.id, m.parent_id, up.level + 1 from mandates m join up on m.tenant_id = ${reader.tenantId} and m.id = up.parent_id
    ) select id from up order by level`);
  return rows.map((row) => row.id);
}

/**
 * The parties of each of these mandates and of every mandate above it, by the id of the mandate that was
 * asked for. An unknown id has no entry.
 */
export async function chainParties(
  reader: TenantReader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, { readonly principalId: string; readonly agentId: string }[]>> {
  if (ids.length === 0) return new Map();
  const rows = await reader.db.execute<{ root: string; principalId: string; agentId: string }>(sql`
    with recursive up(root, parent_id, principal_id, agent_id) as (
      select id, parent_id, principal_id, agent_id from mandates where tenant_id = ${reader.tenantId} and ${among(ids)}
      union all select up.root, m.parent_id, m.principal_id, m.agent_id
        from mandates m join up on m.tenant_id = ${reader.tenantId} and m.id = up.parent_id
    ) select root, principal_id as "principalId", agent_id as "agentId" from up`);
  return Map.groupBy(rows, ({ root }) => root);
}

/** Ids of the mandates that were made from this one, in every state. */
export async function childMandates(reader: TenantReader, mandateId: string): Promise<string[]> {
  const rows = await reader.db
    .select({ id: mandates.id })
    .from(mandates)
    .where(and(eq(mandates.tenantId, reader.tenantId), eq(mandates.parentId, mandateId)))
    .orderBy(asc(mandates.id));
  return rows.map((row) => row.id);
}

/**
 * The freeze causes of each of these mandates, in alphabetical order. A mandate without a cause has no entry.
 */
export async function freezeCauses(
  reader: TenantReader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string[]>> {
  const causes = new Map<string, string[]>();
  if (ids.length === 0) return causes;
  const rows = await reader.db
    .select({ id: mandateFreezes.mandateId, cause: mandateFreezes.cause })
    .from(mandateFreezes)
    .where(
      and(
        eq(mandateFreezes.tenantId, reader.tenantId),
        sql`${mandateFreezes.mandateId} = any(${sql.param([...ids])}::text[])`,
      ),
    )
    .orderBy(asc(mandateFreezes.cause));
  for (const { id, cause } of rows) causes.set(id, [...(causes.get(id) ?? []), cause]);
  return causes;
}

/** Since when a mandate has been frozen without interruption; null if it is not frozen. */
export async function frozenSince(reader: TenantReader, id: string): Promise<Date | null> {
  const [row] = await reader.db
    .select({ since: mandateFreezes.since })
    .from(mandateFreezes)
    .where(and(eq(mandateFreezes.tenantId, reader.tenantId), eq(mandateFreezes.mandateId, id)))
    .orderBy(asc(mandateFreezes.since))
    .limit(1);
  return row?.since ?? null;
}

/** Adds a mandate at a random place in the tenant's status lists. */
export async function insertMandate(ctx: TenantWriter, mandate: NewMandate): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const added = await ctx.db
      .insert(mandates)
      .values({ ...mandate, statusIndex: drawPlace(attempt) })
      .onConflictDoNothing({ target: [mandates.tenantId, mandates.statusIndex] })
      .returning({ id: mandates.id });
    if (added.length > 0) return;
  }
}

/** Changes a mandate. The caller must hold its lock. Does not end its tokens. */
export async function updateMandate(
  ctx: TenantWriter,
  id: string,
  change: Partial<Omit<NewMandate, 'tenantId' | 'id'>>,
): Promise<void> {
  await ctx.db
    .update(mandates)
    .set(change)
    .where(and(eq(mandates.tenantId, ctx.tenantId), eq(mandates.id, id)));
}

/** Ends every token of these mandates. */
export async function bumpEpoch(ctx: TenantWriter, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await ctx.db
    .update(mandates)
    .set({ epoch: sql`${mandates.epoch} + 1` })
    .where(and(eq(mandates.tenantId, ctx.tenantId), among(ids)));
}

/** A mandate that has just ended. */
export type EndedMandate = Pick<Mandate, 'id' | 'principalId' | 'agentId'>;

/**
 * Ends mandates for good, with everything below them, and ends their tokens (epoch). Locks them in the order
 * of their ids, as `openMandateTree` does. Returns the mandates that this call ended, in that order. Source:
 * the SQL function `end_mandate_trees`. Does not record anything.
 */
export async function endMandateTrees(
  ctx: TenantWriter,
  roots: readonly string[],
  state: 'revoked' | 'expired',
  reason: string,
): Promise<EndedMandate[]> {
  if (roots.length === 0) return [];
  const rows = await ctx.db.execute<{ mandate_id: string; principal: string; agent: string }>(sql`
    select * from end_mandate_trees(${ctx.tenantId}, ${sql.param([...roots])}::text[], ${state}, ${reason}, ${ctx.now.toISOString()}::timestamptz)`);
  return rows.map((row) => ({ id: row.mandate_id, principalId: row.principal, agentId: row.agent }));
}

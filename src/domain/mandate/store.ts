import { and, asc, desc, eq, inArray, lt, or, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Lock } from '../person/store.ts';
import { mandateFreezes, mandates } from './tables.ts';

export type Mandate = typeof mandates.$inferSelect;
export type NewMandate = typeof mandates.$inferInsert;

/** The mandate with this id, or null. */
export async function findMandate(reader: TenantReader, id: string, lock?: Lock): Promise<Mandate | null> {
  const query = reader.db
    .select()
    .from(mandates)
    .where(and(eq(mandates.tenantId, reader.tenantId), eq(mandates.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

export interface MandateFilter {
  readonly principalId?: string;
  readonly agentId?: string;
  /** Mandates that this person gave, or that were given to an agent of theirs. */
  readonly concerning?: string;
  readonly states?: readonly Mandate['state'][];
  /** Only those before this id: lists run from the newest. */
  readonly before?: string;
  readonly limit: number;
}

/** Mandates, newest first. */
export async function listMandates(reader: TenantReader, filter: MandateFilter): Promise<Mandate[]> {
  return reader.db
    .select()
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, reader.tenantId),
        filter.principalId === undefined ? undefined : eq(mandates.principalId, filter.principalId),
        filter.agentId === undefined ? undefined : eq(mandates.agentId, filter.agentId),
        filter.concerning === undefined
          ? undefined
          : or(
              eq(mandates.principalId, filter.concerning),
              sql`${mandates.agentId} in (select id from agents where owner_id = ${filter.concerning})`,
            ),
        filter.states === undefined ? undefined : inArray(mandates.state, [...filter.states]),
        filter.before === undefined ? undefined : lt(mandates.id, filter.before),
      ),
    )
    .orderBy(desc(mandates.id))
    .limit(filter.limit);
}

/** Mandates of a principal that have not ended, locked for change, in a stable order so that two revocations cannot deadlock. */
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

/** A mandate that has not ended and everything below it, parents first, locked for change. */
export async function openMandateTree(ctx: TenantWriter, mandateId: string): Promise<Mandate[]> {
  const tree = await ctx.db.execute<{ id: string }>(sql`
    with recursive tree(id) as (
      select id from mandates where tenant_id = ${ctx.tenantId} and id = ${mandateId}
      union all select m.id from mandates m join tree t on m.tenant_id = ${ctx.tenantId} and m.parent_id = t.id
    ) select id from tree`);
  const ids = tree.map((row) => row.id);
  if (ids.length === 0) return [];
  return ctx.db
    .select()
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        inArray(mandates.id, ids),
        inArray(mandates.state, ['active', 'frozen']),
      ),
    )
    .orderBy(asc(mandates.id))
    .for('update');
}

export async function insertMandate(ctx: TenantWriter, mandate: NewMandate): Promise<void> {
  await ctx.db.insert(mandates).values(mandate);
}

/** Ends mandates for good and kills their tokens (epoch). */
export async function endMandates(
  ctx: TenantWriter,
  ids: readonly string[],
  state: 'revoked' | 'expired',
  reason: string,
): Promise<void> {
  if (ids.length === 0) return;
  await ctx.db
    .update(mandates)
    .set({ state, reason, epoch: sql`${mandates.epoch} + 1`, endedAt: ctx.now })
    .where(and(eq(mandates.tenantId, ctx.tenantId), inArray(mandates.id, [...ids])));
}

/** Adds a cause and freezes; a mandate frozen already gets the further cause. */
export async function freezeMandates(
  ctx: TenantWriter,
  ids: readonly string[],
  cause: string,
): Promise<void> {
  if (ids.length === 0) return;
  await ctx.db
    .insert(mandateFreezes)
    .values(ids.map((mandateId) => ({ tenantId: ctx.tenantId, mandateId, cause, since: ctx.now })))
    .onConflictDoNothing();
  await ctx.db
    .update(mandates)
    .set({ state: 'frozen', reason: cause, epoch: sql`${mandates.epoch} + 1` })
    .where(
      and(
        eq(mandates.tenantId, ctx.tenantId),
        inArray(mandates.id, [...ids]),
        inArray(mandates.state, ['active', 'frozen']),
      ),
    );
}

/** Counts one use; the row must be locked. Ends the mandate with its last use. True where it ended. */
export async function countUse(ctx: TenantWriter, mandate: Mandate): Promise<boolean> {
  const last = mandate.maxUses !== null && mandate.uses + 1 >= mandate.maxUses;
  await ctx.db
    .update(mandates)
    .set({ uses: mandate.uses + 1 })
    .where(and(eq(mandates.tenantId, ctx.tenantId), eq(mandates.id, mandate.id)));
  return last;
}

import { and, asc, desc, eq, isNull, lt } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Lock } from '../person/store.ts';
import { breakGlassPeople, breakGlassUses } from './tables.ts';

/** A use of break-glass. It is open until someone else has reviewed it. */
export type BreakGlassUse = typeof breakGlassUses.$inferSelect;

/** Whether this person may use break-glass. `lock` keeps the answer true until the transaction ends. */
export async function isNamed(reader: TenantReader, personId: string, lock?: Lock): Promise<boolean> {
  const query = reader.db
    .select({ id: breakGlassPeople.personId })
    .from(breakGlassPeople)
    .where(and(eq(breakGlassPeople.tenantId, reader.tenantId), eq(breakGlassPeople.personId, personId)));
  const rows = lock === undefined ? await query : await query.for(lock);
  return rows.length > 0;
}

/** Ids of everyone who may use break-glass, in the order in which they were named. */
export async function namedPeople(reader: TenantReader): Promise<string[]> {
  const rows = await reader.db
    .select({ id: breakGlassPeople.personId })
    .from(breakGlassPeople)
    .where(eq(breakGlassPeople.tenantId, reader.tenantId))
    .orderBy(asc(breakGlassPeople.namedAt), asc(breakGlassPeople.personId));
  return rows.map(({ id }) => id);
}

/** Adds a person to the list. False if they are on it already. */
export async function addNamed(ctx: TenantWriter, personId: string): Promise<boolean> {
  const rows = await ctx.db
    .insert(breakGlassPeople)
    .values({ tenantId: ctx.tenantId, personId, namedAt: ctx.now })
    .onConflictDoNothing()
    .returning({ id: breakGlassPeople.personId });
  return rows.length > 0;
}

/** Removes a person from the list. False if they are not on it. */
export async function removeNamed(ctx: TenantWriter, personId: string): Promise<boolean> {
  const rows = await ctx.db
    .delete(breakGlassPeople)
    .where(and(eq(breakGlassPeople.tenantId, ctx.tenantId), eq(breakGlassPeople.personId, personId)))
    .returning({ id: breakGlassPeople.personId });
  return rows.length > 0;
}

/**
 * Saves a use. False if an earlier one still waits for its review. Of concurrent uses, exactly one is saved.
 */
export async function addUse(
  ctx: TenantWriter,
  use: Pick<BreakGlassUse, 'id' | 'personId' | 'approvalId' | 'why' | 'identity'>,
): Promise<boolean> {
  const rows = await ctx.db
    .insert(breakGlassUses)
    .values({ tenantId: ctx.tenantId, ...use, at: ctx.now })
    .onConflictDoNothing()
    .returning({ id: breakGlassUses.id });
  return rows.length > 0;
}

/** The use with this id, or null; locked if `lock` is given. */
export async function findUse(reader: TenantReader, id: string, lock?: Lock): Promise<BreakGlassUse | null> {
  const query = reader.db
    .select()
    .from(breakGlassUses)
    .where(and(eq(breakGlassUses.tenantId, reader.tenantId), eq(breakGlassUses.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

/** The use that waits for its review, or null. There is at most one. */
export async function openUse(reader: TenantReader): Promise<BreakGlassUse | null> {
  const [row] = await reader.db
    .select()
    .from(breakGlassUses)
    .where(and(eq(breakGlassUses.tenantId, reader.tenantId), isNull(breakGlassUses.reviewedAt)));
  return row ?? null;
}

/** The latest uses, newest first; with `before`, those before the use with this id. */
export async function latestUses(
  reader: TenantReader,
  { before, limit }: { readonly before: string | undefined; readonly limit: number },
): Promise<BreakGlassUse[]> {
  return reader.db
    .select()
    .from(breakGlassUses)
    .where(
      and(
        eq(breakGlassUses.tenantId, reader.tenantId),
        before === undefined ? undefined : lt(breakGlassUses.id, before),
      ),
    )
    .orderBy(desc(breakGlassUses.id))
    .limit(limit);
}

/** Closes a use with its review. The caller must have locked it. */
export async function closeUse(
  ctx: TenantWriter,
  id: string,
  { by, review }: { readonly by: string; readonly review: string },
): Promise<void> {
  await ctx.db
    .update(breakGlassUses)
    .set({ reviewedBy: by, reviewedAt: ctx.now, review })
    .where(and(eq(breakGlassUses.tenantId, ctx.tenantId), eq(breakGlassUses.id, id)));
}

import { and, asc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Lock } from '../person/store.ts';
import { breakerCounts, breakerHolds } from './tables.ts';

/** A person whose revocation waits for a human. */
export type Hold = typeof breakerHolds.$inferSelect;

/**
 * Counts a person who departs by the word of a source and answers how many different people departed by it in the last `seconds`,
 * this one among them. One transaction at a time for a source, until it ends: departures in parallel count each other.
 */
export async function countDeparture(
  ctx: TenantWriter,
  source: string,
  personId: string,
  seconds: number,
): Promise<number> {
  await ctx.db.execute(
    sql`select pg_advisory_xact_lock(hashtextextended(${`breaker:${ctx.tenantId}:${source}`}, 0))`,
  );
  await ctx.db
    .insert(breakerCounts)
    .values({ tenantId: ctx.tenantId, source, personId, at: ctx.now })
    .onConflictDoNothing();
  const [row] = await ctx.db
    .select({ people: sql<number>`count(distinct ${breakerCounts.personId})::int` })
    .from(breakerCounts)
    .where(
      and(
        eq(breakerCounts.tenantId, ctx.tenantId),
        eq(breakerCounts.source, source),
        gt(breakerCounts.at, new Date(ctx.now.getTime() - seconds * 1000)),
      ),
    );
  return row?.people ?? 0;
}

/** Forgets departures that no threshold can count any more: a window is at most a day. */
export async function forgetDepartures(ctx: TenantWriter): Promise<void> {
  const before = new Date(ctx.now.getTime() - MAX_WINDOW_SECONDS * 1000);
  await ctx.db
    .delete(breakerCounts)
    .where(and(eq(breakerCounts.tenantId, ctx.tenantId), lt(breakerCounts.at, before)));
}

/** The longest window that a tenant may choose, in seconds. */
export const MAX_WINDOW_SECONDS = 86_400;

/** Puts the irreversible part of a departure aside. The person must be locked and have no open hold. */
export async function insertHold(
  ctx: TenantWriter,
  hold: Pick<Hold, 'source' | 'personId' | 'reason'>,
): Promise<Hold> {
  const [row] = await ctx.db
    .insert(breakerHolds)
    .values({ tenantId: ctx.tenantId, id: newId('hold', ctx.now.getTime()), ...hold, at: ctx.now })
    .returning();
  if (row === undefined) throw new Error('an insert returned no row');
  return row;
}

/** Holds that nobody has decided, of these people, or of everybody; oldest first. */
export async function openHolds(
  reader: TenantReader,
  filter: { readonly people?: readonly string[]; readonly after?: string; readonly limit?: number },
  lock?: Lock,
): Promise<Hold[]> {
  const query = reader.db
    .select()
    .from(breakerHolds)
    .where(
      and(
        eq(breakerHolds.tenantId, reader.tenantId),
        eq(breakerHolds.state, 'held'),
        filter.people === undefined ? undefined : inArray(breakerHolds.personId, [...filter.people]),
        filter.after === undefined ? undefined : gt(breakerHolds.id, filter.after),
      ),
    )
    .orderBy(asc(breakerHolds.id))
    .limit(filter.limit ?? 10_000);
  return lock === undefined ? query : query.for(lock);
}

/** Marks open holds as decided; their rows must be locked. */
export async function settleHolds(
  ctx: TenantWriter,
  ids: readonly string[],
  state: 'applied' | 'dismissed',
): Promise<void> {
  if (ids.length === 0) return;
  await ctx.db
    .update(breakerHolds)
    .set({ state, decidedAt: ctx.now })
    .where(and(eq(breakerHolds.tenantId, ctx.tenantId), inArray(breakerHolds.id, [...ids])));
}

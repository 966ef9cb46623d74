import { and, asc, desc, eq, gt, lt, sql } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { mandateFreezes, mandates } from '../mandate/tables.ts';
import { countUpTo } from '../paging.ts';
import type { Lock } from '../person/store.ts';
import { breakerCounts, breakerHolds } from './tables.ts';

/**
 * The freeze cause of a mandate whose revocation waits for an administrator. Dismissing the hold lifts
 * this cause only.
 */
export const BREAKER = 'breaker';

/** A person whose revocation waits for an administrator. */
export type Hold = typeof breakerHolds.$inferSelect;

/**
 * Counts a person whom a source removes, and returns how many different people it removed in the last
 * `seconds`, including this one. Only one transaction per source runs at a time until it ends, so
 * parallel departures count each other.
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

/** Deletes departures that no threshold can count any more. */
export async function forgetDepartures(ctx: TenantWriter): Promise<void> {
  const before = new Date(ctx.now.getTime() - MAX_WINDOW_SECONDS * 1000);
  await ctx.db
    .delete(breakerCounts)
    .where(and(eq(breakerCounts.tenantId, ctx.tenantId), lt(breakerCounts.at, before)));
}

/** The longest window that a tenant may choose, in seconds: a day. */
export const MAX_WINDOW_SECONDS = 86_400;

/**
 * Holds back the irreversible part of a departure. The hold joins the source's burst if that has an open
 * hold, or begins a new one. The caller must have locked the person, who must have no open hold, and
 * counted the departure in this transaction.
 */
export async function insertHold(
  ctx: TenantWriter,
  hold: Pick<Hold, 'source' | 'personId' | 'reason'>,
): Promise<Hold> {
  const id = newId('hold', ctx.now.getTime());
  const [open] = await ctx.db
    .select({ burst: breakerHolds.burst })
    .from(breakerHolds)
    .where(
      and(
        eq(breakerHolds.tenantId, ctx.tenantId),
        eq(breakerHolds.source, hold.source),
        eq(breakerHolds.state, 'held'),
      ),
    )
    .orderBy(desc(breakerHolds.id))
    .limit(1);
  const [row] = await ctx.db
    .insert(breakerHolds)
    .values({ tenantId: ctx.tenantId, id, burst: open?.burst ?? id, ...hold, at: ctx.now })
    .returning();
  if (row === undefined) throw new Error('an insert returned no row');
  return row;
}

/** Holds that are not decided, oldest first: of these people, or of everyone. `after` is a hold's id. */
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
        filter.people === undefined
          ? undefined
          : sql`${breakerHolds.personId} = any(${sql.param([...filter.people])}::text[])`,
        filter.after === undefined ? undefined : gt(breakerHolds.id, filter.after),
      ),
    )
    .orderBy(asc(breakerHolds.id))
    .limit(filter.limit ?? 10_000);
  return lock === undefined ? query : query.for(lock);
}

/** How many holds are open; null for more than lists count. */
export const countHolds = (reader: TenantReader): Promise<number | null> =>
  countUpTo(
    reader,
    sql`select from ${breakerHolds} where ${breakerHolds.tenantId} = ${reader.tenantId} and ${breakerHolds.state} = 'held'`,
  );

/** Marks open holds as decided. The caller must have locked their rows. */
export async function settleHolds(
  ctx: TenantWriter,
  ids: readonly string[],
  state: 'applied' | 'dismissed',
): Promise<void> {
  if (ids.length === 0) return;
  await ctx.db
    .update(breakerHolds)
    .set({ state, decidedAt: ctx.now })
    .where(
      and(
        eq(breakerHolds.tenantId, ctx.tenantId),
        sql`${breakerHolds.id} = any(${sql.param([...ids])}::text[])`,
      ),
    );
}

/** The number of mandates of these people that are frozen because their revocation is held back. */
export async function frozenByBreaker(reader: TenantReader, people: readonly string[]): Promise<number> {
  if (people.length === 0) return 0;
  const [row] = await reader.db
    .select({ mandates: sql<number>`count(*)::int` })
    .from(mandates)
    .innerJoin(
      mandateFreezes,
      and(eq(mandateFreezes.tenantId, mandates.tenantId), eq(mandateFreezes.mandateId, mandates.id)),
    )
    .where(
      and(
        eq(mandates.tenantId, reader.tenantId),
        sql`${mandates.principalId} = any(${sql.param([...people])}::text[])`,
        eq(mandateFreezes.cause, BREAKER),
      ),
    );
  return row?.mandates ?? 0;
}

/** All holds of a burst, decided or not, oldest first. Empty for an unknown burst. */
export async function holdsOfBurst(reader: TenantReader, burst: string): Promise<Hold[]> {
  return reader.db
    .select()
    .from(breakerHolds)
    .where(and(eq(breakerHolds.tenantId, reader.tenantId), eq(breakerHolds.burst, burst)))
    .orderBy(asc(breakerHolds.id));
}

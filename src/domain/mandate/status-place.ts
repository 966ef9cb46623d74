import { randomInt } from 'node:crypto';
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { mandates } from './tables.ts';

/** The number of mandates in one status list: 32 KiB at two bits each, before compression. */
export const LIST_PLACES = 131_072;
/** How often a list is tried before the next one. Two misses in a row mean that the list is filling up. */
const TRIES = 2;
const MAX_LISTS = 1000;

/**
 * The place to try at a given attempt, counted from 0. It is random within its list, so that it reveals
 * neither how many mandates there are nor when this one was given (draft-ietf-oauth-status-list-20 section
 * 12.5.1, unlinkability). Throws if no list is left. Does not check whether the place is free.
 */
export function drawPlace(attempt: number): number {
  const list = Math.floor(attempt / TRIES);
  if (list >= MAX_LISTS) throw new Error('no place is left in any status list');
  return list * LIST_PLACES + randomInt(LIST_PLACES);
}

/**
 * The mandate's place in the status lists. A mandate that is older than status lists gets its place now. Null
 * if there is no such mandate. Locks the row.
 */
export async function placeOf(ctx: TenantWriter, mandateId: string): Promise<number | null> {
  const mine = and(eq(mandates.tenantId, ctx.tenantId), eq(mandates.id, mandateId));
  const [row] = await ctx.db
    .select({ place: mandates.statusIndex })
    .from(mandates)
    .where(mine)
    .for('no key update');
  if (row === undefined || row.place !== null) return row?.place ?? null;
  for (let attempt = 0; ; attempt += 1) {
    const place = drawPlace(attempt);
    const taken = sql`exists (select 1 from mandates taken where taken.tenant_id = ${ctx.tenantId} and taken.status_index = ${place})`;
    const given = await ctx.db
      .update(mandates)
      .set({ statusIndex: place })
      .where(and(mine, isNull(mandates.statusIndex), sql`not ${taken}`))
      .returning({ id: mandates.id });
    if (given.length > 0) return place;
  }
}

/** A taken place and its status: 0 valid, 1 ended, 2 suspended. */
export interface TakenPlace {
  readonly place: number;
  readonly status: 0 | 1 | 2;
}

/**
 * Every taken place of one list. A mandate that has not ended is suspended while it is frozen, while its
 * tenant, principal or agent may not use it, and while a mandate above it is suspended or has ended. The cost
 * depends on this list and the chains above it, not on how many other mandates the tenant has: each step up
 * is a look-up by key, and the `limit` in the query keeps it one.
 */
export async function takenPlaces(reader: TenantReader, list: number): Promise<TakenPlace[]> {
  const now = sql`${reader.now.toISOString()}::timestamptz`;
  const rows = await reader.db.execute<{ place: number; status: 0 | 1 | 2 }>(sql`
    with recursive here as materialized (
      select m.id, m.status_index, m.parent_id, m.state, m.expires_at, m.agent_id, m.principal_id
        from mandates m
       where m.tenant_id = ${reader.tenantId}
         and m.status_index >= ${list * LIST_PLACES} and m.status_index < ${(list + 1) * LIST_PLACES}
    ), up(id, parent_id, unfit) as (
      select h.id, h.parent_id, false from here h where h.parent_id is not null and h.state = 'active'
      union all
      select u.id, above.parent_id, above.unfit
        from up u cross join lateral (
          select m.parent_id, m.state <> 'active' or m.expires_at <= ${now} or a.status <> 'active' as unfit
            from mandates m join agents a on a.tenant_id = m.tenant_id and a.id = m.agent_id
           where m.tenant_id = ${reader.tenantId} and m.id = u.parent_id limit 1) above
       where not u.unfit
    ), below_unfit as (select distinct id from up where unfit)
    select h.status_index as place,
           case when h.state in ('revoked', 'expired') or h.expires_at <= ${now} then 1
                when h.state = 'frozen' or a.status <> 'active' or t.status <> 'active'
                  or p.status <> 'ACTIVE' or p.held or p.scim_active is false or p.delegation_frozen_by is not null
                  or b.id is not null then 2
                else 0 end as status
      from here h
      join agents a on a.tenant_id = ${reader.tenantId} and a.id = h.agent_id
      join people p on p.tenant_id = ${reader.tenantId} and p.id = h.principal_id
      join tenants t on t.id = ${reader.tenantId}
      left join below_unfit b on b.id = h.id`);
  return [...rows];
}

/** The number of status lists that the tenant has, at least one. */
export async function countLists(reader: TenantReader): Promise<number> {
  const [row] = await reader.db
    .select({ last: sql<number | null>`max(${mandates.statusIndex})` })
    .from(mandates)
    .where(eq(mandates.tenantId, reader.tenantId));
  return Math.floor((row?.last ?? 0) / LIST_PLACES) + 1;
}

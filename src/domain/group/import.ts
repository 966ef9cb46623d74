import { and, eq, sql, type SQL } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { ProviderGroup } from '../provider.ts';
import { reevaluateAuthority } from './reevaluate.ts';
import { groupMappings, groups, memberships } from './tables.ts';

/** A group as it stood here before its members were asked for. */
export interface SavedGroup {
  readonly id: string;
  readonly uid: string;
  readonly name: string;
  /** How often members had been taken out: a list that is older than a removal does not put anybody back. */
  readonly removals: number;
}

/** Most members that one transaction takes out or puts in. */
const PIECE = 1000;

/** Saves groups of a source; one that is known by its immutable id takes the new name. Answers them as they stand. */
export async function saveGroups(
  ctx: TenantWriter,
  source: string,
  found: readonly ProviderGroup[],
): Promise<SavedGroup[]> {
  const rows = found.map(({ uid, name, kind }) => ({ id: newId('grp'), uid, name, kind }));
  await ctx.db.execute(sql`
    insert into groups (tenant_id, id, source, uid, name, kind)
    select ${ctx.tenantId}, id, ${source}, uid, name, kind
      from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as r(id text, uid text, name text, kind text)
    on conflict (tenant_id, source, uid) do update set name = excluded.name, kind = excluded.kind
     where (groups.name, groups.kind) is distinct from (excluded.name, excluded.kind)`);
  return groupsWhere(
    ctx,
    source,
    sql`${groups.uid} = any(${sql.param(found.map(({ uid }) => uid))}::text[])`,
  );
}

/** Groups of a source that have members here and are not among these: the source did not list them. */
export const groupsNotListed = (
  reader: TenantReader,
  source: string,
  listed: readonly string[],
): Promise<SavedGroup[]> =>
  groupsWhere(
    reader,
    source,
    sql`${groups.uid} not in (select unnest(${sql.param([...listed])}::text[])) and exists (
      select from ${memberships} m where m.tenant_id = ${groups.tenantId} and m.group_id = ${groups.id})`,
  );

/** The group as it stands now, or null. */
export async function groupNow(reader: TenantReader, id: string): Promise<SavedGroup | null> {
  const [group] = await reader.db
    .select()
    .from(groups)
    .where(and(eq(groups.tenantId, reader.tenantId), eq(groups.id, id)));
  return group ?? null;
}

async function groupsWhere(reader: TenantReader, source: string, where: SQL): Promise<SavedGroup[]> {
  return reader.db
    .select({ id: groups.id, uid: groups.uid, name: groups.name, removals: groups.removals })
    .from(groups)
    .where(and(eq(groups.tenantId, reader.tenantId), eq(groups.source, source), where))
    .orderBy(groups.id);
}

/** Those of a provider's ids of people who are not known here. */
export async function unknownMembers(
  reader: TenantReader,
  vendor: string,
  uids: readonly string[],
): Promise<string[]> {
  const rows = await reader.db.execute<{ uid: string }>(sql`
    select u.uid from unnest(${sql.param([...uids])}::text[]) as u(uid)
     where u.uid not in (select uid from people where tenant_id = ${reader.tenantId} and provider = ${vendor})`);
  return rows.map(({ uid }) => uid);
}

/** How far one piece of work brought a group's members. */
export interface SavedMembers {
  /** More is left to do: save again, with `removals`. */
  readonly left: boolean;
  /** Members were taken out meanwhile by somebody else: nobody was added; read the members again. */
  readonly outdated: boolean;
  readonly removals: number;
}

/**
 * Brings the group's members closer to those whom the provider named, by difference, at most a thousand changes at a time: first those
 * who are out, then those who are in. Members whom we do not know are passed over. Where somebody was taken out since `removals`
 * was read, the list may be from before that, and only takes out (law 8). Where the group is mapped, each change leaves
 * `authority_changed`, and mandates that lost or regained their support are frozen or thawed in this transaction; authority itself
 * is derived at every question.
 */
export async function saveMembers(
  ctx: TenantWriter,
  vendor: string,
  group: Pick<SavedGroup, 'id' | 'removals'>,
  uids: readonly string[],
  actor: string,
): Promise<SavedMembers> {
  const [row] = await ctx.db
    .select({ removals: groups.removals })
    .from(groups)
    .where(and(eq(groups.tenantId, ctx.tenantId), eq(groups.id, group.id)))
    .for('no key update');
  if (row === undefined) return { left: false, outdated: false, removals: group.removals };
  const changes = await ctx.db.execute<{ id: string; gone: boolean }>(sql`
    with named as (
      select p.id from people p join unnest(${sql.param([...uids])}::text[]) as u(uid) on u.uid = p.uid
       where p.tenant_id = ${ctx.tenantId} and p.provider = ${vendor}),
    members as (
      select person_id as id from memberships where tenant_id = ${ctx.tenantId} and group_id = ${group.id})
    select coalesce(n.id, m.id) as id, n.id is null as gone
      from named n full join members m on m.id = n.id
     where n.id is null or m.id is null
     order by 2 desc, 1 limit ${PIECE + 1}`);
  const piece = changes.slice(0, PIECE);
  const removed = piece.filter((change) => change.gone).map(({ id }) => id);
  const outdated = row.removals !== group.removals;
  const added = outdated ? [] : piece.filter((change) => !change.gone).map(({ id }) => id);
  const left = removed.length === PIECE || (!outdated && changes.length > PIECE);
  const removals = row.removals + (removed.length > 0 ? 1 : 0);
  await ctx.db.execute(sql`
    delete from memberships where tenant_id = ${ctx.tenantId} and group_id = ${group.id}
       and person_id = any(${sql.param(removed)}::text[])`);
  await ctx.db.execute(sql`
    insert into memberships (tenant_id, group_id, person_id)
    select ${ctx.tenantId}, ${group.id}, id from unnest(${sql.param(added)}::text[]) as a(id)
    on conflict do nothing`);
  if (removed.length > 0)
    await ctx.db
      .update(groups)
      .set({ removals })
      .where(and(eq(groups.tenantId, ctx.tenantId), eq(groups.id, group.id)));
  const mappings = added.length + removed.length > 0 ? await mappingsOf(ctx, group.id) : [];
  if (mappings.length > 0) {
    ctx.record({ event: 'authority_changed', actor, data: { group: group.id, added, removed, mappings } });
    await reevaluateAuthority(ctx, [...added, ...removed], actor);
  }
  // Whoever else took members out has to be read after; what this list itself takes out is no such thing.
  return { left, outdated, removals: outdated ? group.removals : removals };
}

/** What the group gives its members: roles and scopes. */
async function mappingsOf(ctx: TenantWriter, groupId: string) {
  return ctx.db
    .select({ role: groupMappings.role, scopes: groupMappings.scopes })
    .from(groups)
    .innerJoin(
      groupMappings,
      and(
        eq(groupMappings.tenantId, groups.tenantId),
        eq(groupMappings.source, groups.source),
        eq(groupMappings.groupUid, groups.uid),
      ),
    )
    .where(and(eq(groups.tenantId, ctx.tenantId), eq(groups.id, groupId)));
}

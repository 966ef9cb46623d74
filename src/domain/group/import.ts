import { and, eq, sql, type SQL } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { APPROVERS_CHANGED } from '../events.ts';
import { idsByUid } from '../person/store.ts';
import type { ProviderGroup } from '../provider.ts';
import { reevaluateAuthority } from './reevaluate.ts';
import { groupMappings, groups, memberships } from './tables.ts';

/** A group as our row showed it before its members were requested. */
export interface SavedGroup {
  readonly id: string;
  readonly uid: string;
  readonly name: string;
  /** How often members had been removed. A list that is older than a removal must not put anyone back. */
  readonly removals: number;
}

/**
 * Saves groups of a source. A group that is known by its immutable id gets the new name. Returns them as
 * saved.
 */
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

/** Groups of a source that have members here but were not in the source's list. */
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

/** The group as it is now, or null. */
export async function groupNow(reader: TenantReader, id: string): Promise<SavedGroup | null> {
  const [group] = await reader.db
    .select()
    .from(groups)
    .where(and(eq(groups.tenantId, reader.tenantId), eq(groups.id, id)));
  return group ?? null;
}

/** The groups of a source in which a person is a member here. */
export const groupsOfSource = (
  reader: TenantReader,
  source: string,
  personId: string,
): Promise<SavedGroup[]> =>
  groupsWhere(
    reader,
    source,
    sql`${groups.id} in (select group_id from ${memberships} m where m.tenant_id = ${reader.tenantId} and m.person_id = ${personId})`,
  );

async function groupsWhere(reader: TenantReader, source: string, where: SQL): Promise<SavedGroup[]> {
  return reader.db
    .select({ id: groups.id, uid: groups.uid, name: groups.name, removals: groups.removals })
    .from(groups)
    .where(and(eq(groups.tenantId, reader.tenantId), eq(groups.source, source), where))
    .orderBy(groups.id);
}

/**
 * How a provider's list of members differs from ours: `added` and `removed` are our ids of people, `unknown`
 * are the provider's ids of people whom we do not have.
 */
export interface MemberChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly unknown: readonly string[];
}

/** The maximum number of ids that one statement looks up. */
const LOOKED_UP = 5000;

/**
 * Compares a provider's members with ours. Compares in memory and not by a join, so that wrong planner
 * statistics cannot make it quadratic.
 */
export async function memberChanges(
  reader: TenantReader,
  vendor: string,
  groupId: string,
  uids: readonly string[],
): Promise<MemberChanges> {
  const rows = await reader.db
    .select({ id: memberships.personId })
    .from(memberships)
    .where(and(eq(memberships.tenantId, reader.tenantId), eq(memberships.groupId, groupId)));
  const gone = new Set(rows.map(({ id }) => id));
  const added: string[] = [];
  const unknown = new Set(uids);
  for (let at = 0; at < uids.length; at += LOOKED_UP) {
    for (const [uid, id] of await idsByUid(reader, vendor, uids.slice(at, at + LOOKED_UP))) {
      unknown.delete(uid);
      if (!gone.delete(id)) added.push(id);
    }
  }
  return { added, removed: [...gone], unknown: [...unknown] };
}

/**
 * Removes members from a group and adds others. If someone was removed since `removals` was read
 * (`outdated`), the list behind this change may be older than that removal, so nobody is added (law 8). If
 * the group is mapped, each change is recorded as `authority_changed`, and mandates that lost or regained
 * their support are frozen or thawed in this transaction; authority itself is derived for each question.
 * Returns the `removals` for the next part of the same list.
 */
export async function changeMembers(
  ctx: TenantWriter,
  group: Pick<SavedGroup, 'id' | 'removals'>,
  change: Pick<MemberChanges, 'added' | 'removed'>,
  actor: string,
): Promise<{ outdated: boolean; removals: number }> {
  const [row] = await ctx.db
    .select({ removals: groups.removals })
    .from(groups)
    .where(and(eq(groups.tenantId, ctx.tenantId), eq(groups.id, group.id)))
    .for('no key update');
  if (row === undefined) return { outdated: true, removals: group.removals };
  const outdated = row.removals !== group.removals;
  const removed = await idsOf(
    ctx.db.execute<{ id: string }>(sql`
    delete from memberships where tenant_id = ${ctx.tenantId} and group_id = ${group.id}
       and person_id = any(${sql.param([...change.removed])}::text[]) returning person_id as id`),
  );
  const added = await idsOf(
    ctx.db.execute<{ id: string }>(sql`
    insert into memberships (tenant_id, group_id, person_id)
    select ${ctx.tenantId}, ${group.id}, id from unnest(${sql.param(outdated ? [] : [...change.added])}::text[]) as a(id)
    on conflict do nothing returning person_id as id`),
  );
  const removals = row.removals + (removed.length > 0 ? 1 : 0);
  if (removed.length > 0)
    await ctx.db
      .update(groups)
      .set({ removals })
      .where(and(eq(groups.tenantId, ctx.tenantId), eq(groups.id, group.id)));
  if (added.length + removed.length > 0) ctx.emit(APPROVERS_CHANGED);
  const mappings = added.length + removed.length > 0 ? await mappingsOf(ctx, group.id) : [];
  if (mappings.length > 0) {
    ctx.record({ event: 'authority_changed', actor, data: { group: group.id, added, removed, mappings } });
    await reevaluateAuthority(ctx, [...added, ...removed], actor);
  }
  // A removal by another list means that this one must be read again. Its own removals do not count.
  return { outdated, removals: outdated ? group.removals : removals };
}

const idsOf = async (rows: PromiseLike<readonly { id: string }[]>): Promise<string[]> =>
  (await rows).map(({ id }) => id);

/** The roles and scopes that the group gives its members. */
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

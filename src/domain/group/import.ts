import { and, eq, inArray, sql } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import type { TenantWriter } from '../context.ts';
import { people } from '../person/tables.ts';
import type { ProviderGroup } from '../provider.ts';
import { reevaluateAuthority } from './reevaluate.ts';
import { groupMappings, groups, memberships } from './tables.ts';

/** Saves groups of a source; one that is known by its immutable id takes the new name. Returns our ids by the source's. */
export async function saveGroups(
  ctx: TenantWriter,
  source: string,
  found: readonly ProviderGroup[],
): Promise<Map<string, string>> {
  if (found.length === 0) return new Map();
  const rows = await ctx.db
    .insert(groups)
    .values(
      found.map((group) => ({
        tenantId: ctx.tenantId,
        id: newId('grp'),
        source,
        uid: group.uid,
        name: group.name,
        kind: group.kind,
      })),
    )
    .onConflictDoUpdate({
      target: [groups.tenantId, groups.source, groups.uid],
      set: { name: sql`excluded.name`, kind: sql`excluded.kind` },
    })
    .returning({ id: groups.id, uid: groups.uid });
  return new Map(rows.map((row) => [row.uid, row.id]));
}

/**
 * Makes the group's members exactly those whom the provider named, by difference. Members whom we do not know are counted, not
 * invented. Where the group is mapped, each change leaves `authority_changed`, and mandates that lost or regained their support are
 * frozen or thawed in this transaction; authority itself is derived at every question.
 */
export async function saveMembers(
  ctx: TenantWriter,
  vendor: string,
  groupId: string,
  uids: readonly string[],
  actor: string,
): Promise<{ unknown: number }> {
  const named =
    uids.length === 0
      ? []
      : await ctx.db
          .select({ id: people.id })
          .from(people)
          .where(
            and(
              eq(people.tenantId, ctx.tenantId),
              eq(people.provider, vendor),
              inArray(people.uid, [...uids]),
            ),
          );
  const now = new Set(named.map((row) => row.id));
  const before = await ctx.db
    .select({ id: memberships.personId })
    .from(memberships)
    .where(and(eq(memberships.tenantId, ctx.tenantId), eq(memberships.groupId, groupId)));
  const was = new Set(before.map((row) => row.id));
  const added = [...now].filter((id) => !was.has(id));
  const removed = [...was].filter((id) => !now.has(id));
  if (added.length > 0)
    await ctx.db
      .insert(memberships)
      .values(added.map((personId) => ({ tenantId: ctx.tenantId, groupId, personId })))
      .onConflictDoNothing();
  if (removed.length > 0) {
    await ctx.db
      .delete(memberships)
      .where(
        and(
          eq(memberships.tenantId, ctx.tenantId),
          eq(memberships.groupId, groupId),
          inArray(memberships.personId, removed),
        ),
      );
  }
  const mappings = added.length + removed.length > 0 ? await mappingsOf(ctx, groupId) : [];
  if (mappings.length > 0) {
    ctx.record({ event: 'authority_changed', actor, data: { group: groupId, added, removed, mappings } });
    await reevaluateAuthority(ctx, [...added, ...removed], actor);
  }
  return { unknown: uids.length - now.size };
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

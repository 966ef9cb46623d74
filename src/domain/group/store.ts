import { and, asc, eq, sql } from 'drizzle-orm';
import { folded } from '../../db/tenant-table.ts';
import type { TenantReader } from '../context.ts';
import { groupMappings, groups, memberships } from './tables.ts';

/** Ids of the groups in which a person is a member. */
export async function groupsOf(reader: TenantReader, personId: string): Promise<string[]> {
  const rows = await reader.db
    .select({ id: memberships.groupId })
    .from(memberships)
    .where(and(eq(memberships.tenantId, reader.tenantId), eq(memberships.personId, personId)));
  return rows.map((row) => row.id);
}

/**
 * Groups of this name at one source, or for null at any, without regard to case, by source and id: names are
 * not unique, also within a source.
 */
export async function groupsByName(
  reader: TenantReader,
  { name, source }: { readonly name: string; readonly source: string | null },
  limit: number,
): Promise<{ readonly name: string; readonly source: string; readonly uid: string }[]> {
  return reader.db
    .select({ name: groups.name, source: groups.source, uid: groups.uid })
    .from(groups)
    .where(
      and(
        eq(groups.tenantId, reader.tenantId),
        // The column has the beginning of a name; the second condition compares all of it.
        eq(groups.nameFolded, sql`folded(left(${name}::text, 200))`),
        sql`folded(${groups.name}) = ${folded(name)}`,
        source === null ? undefined : eq(groups.source, source),
      ),
    )
    .orderBy(asc(groups.source), asc(groups.uid))
    .limit(limit);
}

/**
 * Whether a group at any source has exactly this immutable id, or a mapping names it by it: a mapping may be
 * there before its group.
 */
export async function isGroupUid(reader: TenantReader, uid: string): Promise<boolean> {
  const ofGroup = reader.db
    .select({ uid: groups.uid })
    .from(groups)
    .where(and(eq(groups.tenantId, reader.tenantId), eq(groups.uid, uid)));
  const ofMapping = reader.db
    .select({ uid: groupMappings.groupUid })
    .from(groupMappings)
    .where(and(eq(groupMappings.tenantId, reader.tenantId), eq(groupMappings.groupUid, uid)));
  return (await ofGroup.union(ofMapping).limit(1)).length > 0;
}

/** Names of groups by our ids; an id that is none is left out. */
export async function namesOfGroups(
  reader: TenantReader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await reader.db
    .select({ id: groups.id, name: groups.name })
    .from(groups)
    .where(
      and(eq(groups.tenantId, reader.tenantId), sql`${groups.id} = any(${sql.param([...ids])}::text[])`),
    );
  return new Map(rows.map((row) => [row.id, row.name]));
}

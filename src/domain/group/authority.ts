import { and, asc, eq } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { findPeople, type Person } from '../person/store.ts';
import { groupMappings, groups, memberships } from './tables.ts';

/**
 * What a person's groups give at this moment. It is derived for each question and never stored with the
 * person.
 */
export interface Authority {
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
}

/**
 * The union of what this person's groups map to now. Groups are identified by source and immutable id,
 * never by name.
 */
export async function authorityOf(reader: TenantReader, personId: string): Promise<Authority> {
  const rows = await reader.db
    .select({ role: groupMappings.role, scopes: groupMappings.scopes })
    .from(memberships)
    .innerJoin(groups, and(eq(groups.tenantId, memberships.tenantId), eq(groups.id, memberships.groupId)))
    .innerJoin(
      groupMappings,
      and(
        eq(groupMappings.tenantId, groups.tenantId),
        eq(groupMappings.source, groups.source),
        eq(groupMappings.groupUid, groups.uid),
      ),
    )
    .where(and(eq(memberships.tenantId, reader.tenantId), eq(memberships.personId, personId)));
  return {
    roles: [...new Set(rows.map((row) => row.role))].sort(),
    scopes: [...new Set(rows.flatMap((row) => row.scopes))].sort(),
  };
}

/** Everyone whose groups map to a role now, whatever their standing. */
export async function peopleOfRole(reader: TenantReader, role: string): Promise<Person[]> {
  const rows = await reader.db
    .selectDistinct({ id: memberships.personId })
    .from(groupMappings)
    .innerJoin(
      groups,
      and(
        eq(groups.tenantId, groupMappings.tenantId),
        eq(groups.source, groupMappings.source),
        eq(groups.uid, groupMappings.groupUid),
      ),
    )
    .innerJoin(
      memberships,
      and(eq(memberships.tenantId, groups.tenantId), eq(memberships.groupId, groups.id)),
    )
    .where(and(eq(groupMappings.tenantId, reader.tenantId), eq(groupMappings.role, role)));
  return findPeople(
    reader,
    rows.map((row) => row.id),
  );
}

/** The members of a group, by our id of the group. */
export async function peopleOfGroup(reader: TenantReader, groupId: string): Promise<Person[]> {
  return findPeople(reader, await memberIds(reader, groupId));
}

/** The ids of a group's members, in order. */
export async function memberIds(reader: TenantReader, groupId: string): Promise<string[]> {
  const rows = await reader.db
    .select({ id: memberships.personId })
    .from(memberships)
    .where(and(eq(memberships.tenantId, reader.tenantId), eq(memberships.groupId, groupId)))
    .orderBy(asc(memberships.personId));
  return rows.map((row) => row.id);
}

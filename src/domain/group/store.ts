import { and, eq } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { memberships } from './tables.ts';

/** Ids of the groups in which a person is a member. */
export async function groupsOf(reader: TenantReader, personId: string): Promise<string[]> {
  const rows = await reader.db
    .select({ id: memberships.groupId })
    .from(memberships)
    .where(and(eq(memberships.tenantId, reader.tenantId), eq(memberships.personId, personId)));
  return rows.map((row) => row.id);
}

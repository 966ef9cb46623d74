import { sql } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { placeCursor, readPlace } from '../paging.ts';

/** What a group gives its members, as a list shows it. */
export interface ListedMapping {
  readonly source: string;
  readonly groupUid: string;
  /** Null if the source has not reported this group. */
  readonly name: string | null;
  readonly role: string;
  readonly scopes: readonly string[];
  /** How many members the group has. */
  readonly members: number;
}

/**
 * A page of the group mappings, by source, group and role, in one statement. `next` is the cursor, or null on
 * the last page. Throws Fault `invalid_input` for a cursor that is none.
 */
export async function mappingPage(
  reader: TenantReader,
  { cursor, limit }: { readonly cursor: string | undefined; readonly limit: number },
): Promise<{ readonly page: readonly ListedMapping[]; readonly next: string | null }> {
  const rest =
    cursor === undefined
      ? sql``
      : sql`and (m.source, m.group_uid, m.role) > (${sql.join(
          readPlace(cursor, 3).map((part) => sql`${part}`),
          sql`, `,
        )})`;
  const rows = await reader.db.execute<ListedMapping & Record<string, unknown>>(sql`
    select m.source, m.group_uid as "groupUid", g.name, m.role, m.scopes,
           (select count(*)::int from memberships ms where ms.tenant_id = ${reader.tenantId} and ms.group_id = g.id) as members
      from group_mappings m left join groups g on g.tenant_id = m.tenant_id and g.source = m.source and g.uid = m.group_uid
     where m.tenant_id = ${reader.tenantId} ${rest} order by m.source, m.group_uid, m.role limit ${limit + 1}`);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { page, next: more ? placeCursor([last.source, last.groupUid, last.role]) : null };
}

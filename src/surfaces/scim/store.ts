import { and, asc, eq, getTableColumns, inArray, isNotNull, sql, type SQL } from 'drizzle-orm';
import type { Sql } from 'postgres';
import type { TenantReader } from '#domain/context.ts';
import { people } from '#domain/person/tables.ts';
import { authoritySql } from './filter/columns.ts';
import type { UserRow } from './users/resource.ts';

// The function sets the tenant while it runs. The subqueries depend on its rows, so row-level security finds
// the tenant set there.
const HOT_USER = `
  select u.id, u.scim_id as "scimId", u.scim_doc as "scimDoc", u.scim_active as "scimActive", u.provider, u.uid, u.login, u.email,
         u.display_name as "displayName", u.first_name as "firstName", u.last_name as "lastName",
         u.employee_number as "employeeNumber", u.title, u.department, u.version,
         u.created_at as "createdAt", u.updated_at as "updatedAt", ${authoritySql('u')} as authority
    from hot_scim_user($1, $2) u
   where primary_only() and (u.provider = $3 or exists (
     select 1 from tenants t, jsonb_array_elements(coalesce(t.settings -> 'linkedSources', '[]')) link
      where t.id = u.tenant_id and link ->> 'source' = $3 and link ->> 'peopleOf' = u.provider))`;

/**
 * A SCIM user with their authority, in one round trip without a transaction. Null if no source that `source`
 * may write has such a user.
 */
export async function hotUser(
  client: Sql,
  tenantId: string,
  scimId: string,
  source: string,
): Promise<UserRow | null> {
  const [row] = await client.unsafe<UserRow[]>(HOT_USER, [tenantId, scimId, source], { prepare: true });
  return row ?? null;
}

/**
 * One page of these sources' SCIM users that match the filter, oldest first, and the number of all matches.
 */
export async function listUsers(
  reader: TenantReader,
  sources: readonly string[],
  filter: SQL | undefined,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ total: number; rows: UserRow[] }> {
  const where = and(
    eq(people.tenantId, reader.tenantId),
    inArray(people.provider, [...sources]),
    isNotNull(people.scimId),
    filter,
  );
  const total = await reader.db.$count(people, where);
  if (page.limit === 0 || page.offset >= total) return { total, rows: [] };
  // The page first: beside the rows that the offset skips, the authority of each of them would be read, too.
  const shown = reader.db
    .select()
    .from(people)
    .where(where)
    .orderBy(asc(people.id))
    .limit(page.limit)
    .offset(page.offset)
    .as('people');
  const rows = await reader.db
    .select({ ...getTableColumns(people), authority: sql<string[]>`${sql.raw(authoritySql('people'))}` })
    .from(shown)
    .orderBy(asc(people.id));
  return { total, rows };
}

import { and, asc, eq, getTableColumns, inArray, isNotNull, sql, type SQL } from 'drizzle-orm';
import type { Sql } from 'postgres';
import type { TenantReader } from '#domain/context.ts';
import { people } from '#domain/person/tables.ts';
import { authoritySql } from './filter/columns.ts';
import type { UserRow } from './users/resource.ts';

// The function names the tenant while it runs; the subqueries depend on its rows, so that row-level security there finds the
// tenant named.
const HOT_USER = `
  select u.id, u.scim_id as "scimId", u.scim_doc as "scimDoc", u.scim_active as "scimActive", u.provider, u.uid, u.login, u.email,
         u.display_name as "displayName", u.first_name as "firstName", u.last_name as "lastName",
         u.employee_number as "employeeNumber", u.title, u.department, u.version,
         u.created_at as "createdAt", u.updated_at as "updatedAt", ${authoritySql('u')} as authority
    from hot_scim_user($1, $2) u
   where primary_only() and (u.provider = $3 or exists (
     select 1 from tenants t, jsonb_array_elements(coalesce(t.settings -> 'linkedSources', '[]')) link
      where t.id = u.tenant_id and link ->> 'source' = $3 and link ->> 'peopleOf' = u.provider))`;

/** A SCIM user with their authority, in one round trip and no transaction of ours; null where no source that `source` may write tells of such a user. */
export async function hotUser(
  client: Sql,
  tenantId: string,
  scimId: string,
  source: string,
): Promise<UserRow | null> {
  const [row] = await client.unsafe<UserRow[]>(HOT_USER, [tenantId, scimId, source], { prepare: true });
  return row ?? null;
}

/** One page of the SCIM users of these sources that fit, in the order in which they became known, and how many fit in all. */
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
  const rows = await reader.db
    .select({ ...getTableColumns(people), authority: sql<string[]>`${sql.raw(authoritySql('people'))}` })
    .from(people)
    .where(where)
    .orderBy(asc(people.id))
    .limit(page.limit)
    .offset(page.offset);
  return { total, rows };
}

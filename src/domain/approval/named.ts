import { sql } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import type { ApproverKind } from './approval.ts';

/**
 * The ids of the people whom each of these kinds of approver (`role:`, `anyone:` and `group:`) names now,
 * whatever their standing. One statement for any number of kinds. A kind that names nobody, and every other
 * kind, has no entry.
 */
export async function peopleNamed(
  reader: TenantReader,
  kinds: readonly ApproverKind[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const [roles, scopes, groups] = [among(kinds, 'role:'), among(kinds, 'anyone:'), among(kinds, 'group:')];
  if (roles.length + scopes.length + groups.length === 0) return new Map();
  const mapped = sql`group_mappings m
    join groups g on g.tenant_id = m.tenant_id and g.source = m.source and g.uid = m.group_uid
    join memberships ms on ms.tenant_id = g.tenant_id and ms.group_id = g.id`;
  const rows = await reader.db.execute<{ kind: string; id: string }>(sql`
    select 'role:' || m.role as kind, ms.person_id as id from ${mapped}
     where m.tenant_id = ${reader.tenantId} and m.role = any(${sql.param(roles)}::text[])
    union select 'anyone:' || held.scope, ms.person_id from ${mapped} cross join lateral unnest(m.scopes) as held(scope)
     where m.tenant_id = ${reader.tenantId} and held.scope = any(${sql.param(scopes)}::text[])
    union select 'group:' || group_id, person_id from memberships
     where tenant_id = ${reader.tenantId} and group_id = any(${sql.param(groups)}::text[])`);
  const named = new Map<string, string[]>();
  for (const { kind, id } of rows) {
    const people = named.get(kind);
    if (people === undefined) named.set(kind, [id]);
    else people.push(id);
  }
  return named;
}

const among = (kinds: readonly ApproverKind[], prefix: string): string[] => [
  ...new Set(kinds.flatMap((kind) => (kind.startsWith(prefix) ? kind.slice(prefix.length) : []))),
];

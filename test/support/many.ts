import type { World } from './world.ts';

/** A crowd that was loaded with SQL, because it is too large for the interfaces. */
export interface Crowd {
  readonly group: string;
  readonly people: number;
  readonly mandates: number;
}

const id = (prefix: string, name: string) =>
  `'${prefix}_' || rpad(translate('${name}', '_', 'x') || lpad(n::text, 8, '0'), 26, '0')`;

/**
 * Loads a group that is mapped to `role` with one scope, its members, and their mandates for one agent, as
 * the owner, in a few statements. `name` (lower-case letters and digits) separates the crowds of one test.
 */
export async function loadCrowd(
  world: World,
  of: { name: string; people: number; each: number; agent: string; role: string; scope: string },
): Promise<Crowd> {
  const { sql, tenantId } = world;
  const [group, uid] = [`grp_${of.name.padEnd(26, '0')}`, `00g${of.name}`];
  await sql`insert into groups (tenant_id, id, source, uid, name, kind) values (${tenantId}, ${group}, 'okta', ${uid}, ${of.name}, 'OKTA_GROUP')`;
  await sql`insert into group_mappings (tenant_id, id, source, group_uid, role, scopes)
    values (${tenantId}, ${`map_${of.name.padEnd(26, '0')}`}, 'okta', ${uid}, ${of.role}, ${[of.scope]})`;
  await sql.unsafe(
    `insert into people (tenant_id, id, provider, uid, login, email, display_name, status)
     select $1, ${id('usr', of.name)}, 'okta', $2 || n, $2 || n || '@crowd.example', $2 || n || '@crowd.example', 'Member ' || n, 'ACTIVE'
       from generate_series(1, $3::int) n`,
    [tenantId, of.name, of.people],
  );
  await sql`insert into memberships (tenant_id, group_id, person_id)
    select ${tenantId}, ${group}, id from people where tenant_id = ${tenantId} and login like ${`${of.name}%@crowd.example`}`;
  await sql.unsafe(
    `insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, call_id, starts_at, expires_at)
     select $1, p.id || '_' || k, p.id, $2, $3, '{*}', 'a crowd', 'call_crowd', now() - interval '1 hour', now() + interval '30 days'
       from people p, generate_series(1, $4::int) k where p.tenant_id = $1 and p.login like $5`,
    [tenantId, of.agent, [of.scope], of.each, `${of.name}%@crowd.example`],
  );
  await sql`analyze people, memberships, mandates`;
  return { group: uid, people: of.people, mandates: of.people * of.each };
}

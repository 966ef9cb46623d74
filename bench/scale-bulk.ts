import postgres, { type Sql } from 'postgres';
import type { Companies } from './company/open.ts';
import { activePeople } from './company/directory.ts';
import { SMALL } from './company/sizes.ts';
import { rowOf, WALL_UNIT, type Row } from './harness/report.ts';
import type { Stage } from './harness/stage.ts';
import { delegationTokens } from './introspect.ts';

/** Mandates of each member of the group whose mapping is taken away. */
const EACH = 5;
const CROWD = { group: '00gcrowd', role: 'crowd', scope: 'crowd.work', purpose: 'a crowd' } as const;

/**
 * A group loses its mapping: the time until its members' mandates are frozen, for one mandate. A tenth of the
 * large company is in it, and all of the small one. Linear work has a ratio of 1; it is to be at most 1.2.
 */
export async function unmapRow({ small, large, size }: Companies): Promise<Row> {
  const owner = postgres(small.databaseUrl, { max: 1, onnotice: () => {} });
  try {
    const few = await crowd(owner, small, activePeople(SMALL));
    const many = await crowd(owner, large, Math.max(20, Math.floor(activePeople(size) / 10)));
    const one = { floor: (await unmap(small)) / few, ours: (await unmap(large)) / many };
    return rowOf('scale-unmap', [one], `for one of ${many} mandates : ${few} mandates`, WALL_UNIT);
  } finally {
    await owner.end();
  }
}

const unmap = ({ server, fixtures: { tenantId } }: Stage): Promise<number> => {
  const { scope: _, ...of } = CROWD;
  return server.ask('unmap', { tenantId, ...of });
};

/** Gives the first people a group with a scope of its own, and mandates that need it. Returns how many. */
async function crowd(
  owner: Sql,
  { fixtures: { tenantId, agentId } }: Stage,
  people: number,
): Promise<number> {
  const { group, role, scope, purpose } = CROWD;
  // A scope that no other group gives, or some would keep it.
  await owner`insert into scopes (tenant_id, scope, description, holders)
    values (${tenantId}, ${scope}, 'What the crowd does', '{}')`;
  await owner`insert into groups (tenant_id, id, source, uid, name, kind)
    values (${tenantId}, 'grp_crowd000000000000000000000', 'okta', ${group}, 'Crowd', 'OKTA_GROUP')`;
  await owner`insert into group_mappings (tenant_id, id, source, group_uid, role, scopes)
    values (${tenantId}, 'map_crowd000000000000000000000', 'okta', ${group}, ${role}, ${[scope]})`;
  await owner`insert into memberships (tenant_id, group_id, person_id)
    select ${tenantId}, 'grp_crowd000000000000000000000', id from people
     where tenant_id = ${tenantId} and employee_number ~ '^F[0-9]+$' and status = 'ACTIVE' order by id limit ${people}`;
  const { count } = await owner`
    insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, call_id, starts_at, expires_at)
    select ${tenantId}, 'mdt_crowd' || lpad((row_number() over ())::text, 21, '0'), person_id, ${agentId}, ${[scope]}, '{*}',
           ${purpose}, 'call_crowd', now() - interval '1 hour', now() + interval '30 days'
      from memberships, generate_series(1, ${EACH}) where tenant_id = ${tenantId} and group_id = 'grp_crowd000000000000000000000'`;
  await owner`analyze people, memberships, mandates`;
  return count;
}

/** The kill switch for the whole organisation: the time until a token is refused. Once in each company. */
export async function freezeRow({ small, large, size }: Companies): Promise<Row> {
  const timed = async (company: Stage) => {
    const [token = ''] = await delegationTokens(company, 1);
    return company.server.ask('freeze', { tenantId: company.fixtures.tenantId, token });
  };
  // The first freeze of a process compiles what the second does not.
  const rounds = [{ floor: await timed(small), ours: await timed(large) }];
  return rowOf(
    'scale-freeze',
    rounds,
    `until a token is refused, of ${size.mandates} mandates : ${SMALL.mandates}`,
    WALL_UNIT,
  );
}

import { and, asc, eq, gt, isNull, lte, or, sql, type SQL } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { groupMappings, groups, memberships } from '../group/tables.ts';
import { mandates } from '../mandate/tables.ts';
import { people } from '../person/tables.ts';
import type { PersonFacts } from './facts.ts';

/** People who have all of these roles and scopes and, unless null, one of these ids. */
export interface Whom {
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly ids: readonly string[] | null;
}

/**
 * People after a cursor, ordered by id, each as a decision sees them today: those whom one of `whom` means
 * today, or everybody for null. With `until`, only those created by then.
 */
export async function candidatePeople(
  reader: TenantReader,
  whom: readonly Whom[] | null,
  page: { after: string | null; until: Date | null; limit: number },
): Promise<PersonFacts[]> {
  if (whom?.length === 0) return [];
  const rows = await reader.db
    .select({ facts: sql<PersonFacts | string>`decision_person(${reader.tenantId}, ${people.id})` })
    .from(people)
    .where(
      and(
        eq(people.tenantId, reader.tenantId),
        whom === null ? undefined : sql`${people.id} in (${meant(reader.tenantId, whom)})`,
        page.after === null ? undefined : gt(people.id, page.after),
        page.until === null ? undefined : lte(people.createdAt, page.until),
      ),
    )
    .orderBy(asc(people.id))
    .limit(page.limit);
  return rows.map(({ facts }) => (typeof facts === 'string' ? (JSON.parse(facts) as PersonFacts) : facts));
}

/** The ids of all whom one of these means: it begins from the groups, not from the people. */
function meant(tenantId: string, whom: readonly Whom[]): SQL {
  const given = (gives: SQL) => sql`
    select ${memberships.personId} from ${groupMappings}
      join ${groups} on ${groups.tenantId} = ${groupMappings.tenantId} and ${groups.source} = ${groupMappings.source} and ${groups.uid} = ${groupMappings.groupUid}
      join ${memberships} on ${memberships.tenantId} = ${groups.tenantId} and ${memberships.groupId} = ${groups.id}
     where ${groupMappings.tenantId} = ${tenantId} and ${gives}`;
  return sql.join(
    whom.map(({ roles, scopes, ids }) => {
      const sets = [
        ...(ids === null ? [] : [sql`select unnest(${sql.param([...ids])}::text[])`]),
        ...roles.map((role) => given(sql`${groupMappings.role} = ${role}`)),
        ...scopes.map((scope) => given(sql`${scope} = any(${groupMappings.scopes})`)),
      ];
      return sql`(${sql.join(sets, sql` intersect `)})`;
    }),
    sql` union `,
  );
}

/** Where a list of mandates goes on, by principal and then by id. */
export interface MandatePlace {
  readonly principalId: string;
  readonly id: string;
}

/**
 * Mandates of these principals with a scope that existed, had not run out and had not ended at a moment,
 * ordered by principal and id. With `covering`, only those that have one of these patterns. With `active`,
 * only those that are active today.
 */
export async function candidateMandates(
  reader: TenantReader,
  which: {
    principals: readonly string[];
    scope: string;
    covering: readonly string[] | null;
    at: Date;
    active: boolean;
    after: MandatePlace | null;
    limit: number;
  },
): Promise<{ id: string; principalId: string; agentId: string; scopes: string[] }[]> {
  const { after, covering } = which;
  return reader.db
    .select({
      id: mandates.id,
      principalId: mandates.principalId,
      agentId: mandates.agentId,
      scopes: mandates.scopes,
    })
    .from(mandates)
    .where(
      and(
        eq(mandates.tenantId, reader.tenantId),
        sql`${mandates.principalId} = any(${sql.param([...which.principals])}::text[])`,
        sql`${which.scope} = any(${mandates.scopes})`,
        covering === null ? undefined : sql`${mandates.resources} && ${sql.param([...covering])}::text[]`,
        gt(mandates.expiresAt, which.at),
        lte(mandates.createdAt, which.at),
        or(isNull(mandates.endedAt), gt(mandates.endedAt, which.at)),
        which.active ? eq(mandates.state, 'active') : undefined,
        after === null
          ? undefined
          : sql`(${mandates.principalId}, ${mandates.id}) > (${after.principalId}, ${after.id})`,
      ),
    )
    .orderBy(asc(mandates.principalId), asc(mandates.id))
    .limit(which.limit);
}

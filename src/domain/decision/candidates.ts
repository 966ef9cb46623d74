import { and, asc, eq, gt, lte, sql } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { mandates } from '../mandate/tables.ts';
import { people } from '../person/tables.ts';
import type { PersonFacts } from './facts.ts';

/**
 * People after a cursor, ordered by id, each as a decision sees them today. With `until`, only those
 * created by then.
 */
export async function candidatePeople(
  reader: TenantReader,
  page: { after: string | null; until: Date | null; limit: number },
): Promise<PersonFacts[]> {
  const rows = await reader.db
    .select({ facts: sql<PersonFacts | string>`decision_person(${reader.tenantId}, ${people.id})` })
    .from(people)
    .where(
      and(
        eq(people.tenantId, reader.tenantId),
        page.after === null ? undefined : gt(people.id, page.after),
        page.until === null ? undefined : lte(people.createdAt, page.until),
      ),
    )
    .orderBy(asc(people.id))
    .limit(page.limit);
  return rows.map(({ facts }) => (typeof facts === 'string' ? (JSON.parse(facts) as PersonFacts) : facts));
}

/**
 * Mandates with a scope that existed and had not run out at a moment, ordered by id. With `active`, only
 * those that are active today.
 */
export async function candidateMandates(
  reader: TenantReader,
  which: { scope: string; at: Date; active: boolean; limit: number },
): Promise<{ id: string; principalId: string; agentId: string; scopes: string[] }[]> {
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
        sql`${which.scope} = any(${mandates.scopes})`,
        gt(mandates.expiresAt, which.at),
        lte(mandates.createdAt, which.at),
        which.active ? eq(mandates.state, 'active') : undefined,
      ),
    )
    .orderBy(asc(mandates.id))
    .limit(which.limit);
}

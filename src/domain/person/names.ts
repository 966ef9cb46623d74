import { and, eq, sql } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { findPeople } from './store.ts';
import { people } from './tables.ts';

/**
 * Display names of people by id, for lists that people read. A name that somebody else here has too (whatever
 * the case) has the work email beside it, so that the two are told apart. An id that is nobody's is left out.
 */
export async function namesOfPeople(
  reader: TenantReader,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = await findPeople(reader, [...new Set(ids)]);
  const shared = await sharedNames(
    reader,
    found.map((person) => person.displayName),
  );
  return new Map(
    found.map((person) => [
      person.id,
      shared.has(person.displayName) ? `${person.displayName} (${person.email})` : person.displayName,
    ]),
  );
}

/** Those of the names that more than one person has, each as every one of them writes it. */
async function sharedNames(reader: TenantReader, names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  const rows = await reader.db
    .select({ names: sql<string[]>`array_agg(${people.displayName})` })
    .from(people)
    .where(
      and(
        eq(people.tenantId, reader.tenantId),
        sql`${people.nameFolded} = any(array(
          select folded(left(name, 200)) from unnest(${sql.param([...new Set(names)])}::text[]) as name))`,
      ),
    )
    .groupBy(people.nameFolded)
    .having(sql`count(*) > 1`);
  return new Set(rows.flatMap((row) => row.names));
}

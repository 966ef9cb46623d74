import { and, eq, inArray, or, sql, type SQL } from 'drizzle-orm';
import { isId } from '#lib/id.ts';
import type { TenantReader } from '../context.ts';
import { people } from './tables.ts';

export type Person = typeof people.$inferSelect;
export type NewPerson = typeof people.$inferInsert;

/** How strongly a read holds the row: `share` against a revocation, `update` for the revocation itself (law 2). */
export type Lock = 'share' | 'update' | undefined;

/** The person with this id, or null. */
export async function findPerson(reader: TenantReader, id: string, lock?: Lock): Promise<Person | null> {
  const query = reader.db.select().from(people).where(and(eq(people.tenantId, reader.tenantId), eq(people.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

export const findPersonByUid = (reader: TenantReader, provider: string, uid: string, lock?: Lock): Promise<Person | null> =>
  one(reader, and(eq(people.provider, provider), eq(people.uid, uid)), lock);

export const findPersonByScimId = (reader: TenantReader, scimId: string, lock?: Lock): Promise<Person | null> =>
  one(reader, eq(people.scimId, scimId), lock);

/** Everybody with this work email or login, compared without regard to ASCII case; more than one is possible and decides nothing. */
export async function peopleByEmail(reader: TenantReader, email: string): Promise<Person[]> {
  const wanted = email.toLowerCase();
  return reader.db
    .select()
    .from(people)
    .where(and(eq(people.tenantId, reader.tenantId), or(sql`lower(${people.email}) = ${wanted}`, sql`lower(${people.login}) = ${wanted}`)));
}

/** What a person reference in an input means: our id, the provider's id, a work email or a login. Several people may fit. */
export async function peopleByReference(reader: TenantReader, reference: string): Promise<Person[]> {
  if (isId('usr', reference)) {
    const person = await findPerson(reader, reference);
    return person === null ? [] : [person];
  }
  if (reference.includes('@')) return peopleByEmail(reader, reference);
  return reader.db.select().from(people).where(and(eq(people.tenantId, reader.tenantId), eq(people.uid, reference)));
}

export async function findPeople(reader: TenantReader, ids: readonly string[]): Promise<Person[]> {
  if (ids.length === 0) return [];
  return reader.db
    .select()
    .from(people)
    .where(and(eq(people.tenantId, reader.tenantId), inArray(people.id, [...ids])));
}

async function one(reader: TenantReader, where: SQL | undefined, lock: Lock): Promise<Person | null> {
  const query = reader.db
    .select()
    .from(people)
    .where(and(eq(people.tenantId, reader.tenantId), where));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

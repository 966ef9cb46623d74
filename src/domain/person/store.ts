import { and, asc, eq, gt, lt, ne, or, sql, type SQL } from 'drizzle-orm';
import { isId } from '#lib/id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { endSignIns } from '../sign-in/store.ts';
import { people } from './tables.ts';

export type Person = typeof people.$inferSelect;

/** How strongly a read holds the row: `share` against a revocation, `update` for the revocation itself (law 2). */
export type Lock = 'share' | 'update' | undefined;

/** The person with this id, or null. */
export async function findPerson(reader: TenantReader, id: string, lock?: Lock): Promise<Person | null> {
  const query = reader.db
    .select()
    .from(people)
    .where(and(eq(people.tenantId, reader.tenantId), eq(people.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

export const findPersonByUid = (
  reader: TenantReader,
  provider: string,
  uid: string,
  lock?: Lock,
): Promise<Person | null> => one(reader, and(eq(people.provider, provider), eq(people.uid, uid)), lock);

export const findPersonByScimId = (
  reader: TenantReader,
  scimId: string,
  lock?: Lock,
): Promise<Person | null> => one(reader, eq(people.scimId, scimId), lock);

/** Whether the provider has this person no more: deprovisioned there, or proved to be unknown. */
const isFormer = (person: Person): boolean => person.status === 'DEPROVISIONED' || person.missingAt !== null;

/**
 * Everybody with this work email or login, compared without regard to ASCII case; more than one is possible and decides nothing.
 * A former account does not make an address ambiguous: it is answered only where nobody else has the address.
 */
export async function peopleByEmail(reader: TenantReader, email: string): Promise<Person[]> {
  const wanted = email.toLowerCase();
  const found = await reader.db
    .select()
    .from(people)
    .where(
      and(
        eq(people.tenantId, reader.tenantId),
        or(sql`lower(${people.email}) = ${wanted}`, sql`lower(${people.login}) = ${wanted}`),
      ),
    );
  const present = found.filter((person) => !isFormer(person));
  return present.length > 0 ? present : found;
}

/** What a person reference in an input means: our id, the provider's id, a work email or a login. Several people may fit. */
export async function peopleByReference(reader: TenantReader, reference: string): Promise<Person[]> {
  if (isId('usr', reference)) {
    const person = await findPerson(reader, reference);
    return person === null ? [] : [person];
  }
  if (reference.includes('@')) return peopleByEmail(reader, reference);
  return reader.db
    .select()
    .from(people)
    .where(and(eq(people.tenantId, reader.tenantId), eq(people.uid, reference)));
}

export async function findPeople(reader: TenantReader, ids: readonly string[]): Promise<Person[]> {
  if (ids.length === 0) return [];
  return reader.db
    .select()
    .from(people)
    .where(
      and(eq(people.tenantId, reader.tenantId), sql`${people.id} = any(${sql.param([...ids])}::text[])`),
    );
}

/** Our ids by a provider's ids, for those who are known here. */
export async function idsByUid(
  reader: TenantReader,
  provider: string,
  uids: readonly string[],
): Promise<Map<string, string>> {
  if (uids.length === 0) return new Map();
  const rows = await reader.db
    .select({ id: people.id, uid: people.uid })
    .from(people)
    .where(
      and(
        eq(people.tenantId, reader.tenantId),
        eq(people.provider, provider),
        sql`${people.uid} = any(${sql.param([...uids])}::text[])`,
      ),
    );
  return new Map(rows.map((row) => [row.uid, row.id]));
}

/** People of a provider who have not been read there since a moment, deprovisioned ones excluded, by id after the cursor. */
export async function notReadSince(
  reader: TenantReader,
  provider: string,
  moment: Date,
  after: string,
  limit: number,
): Promise<{ id: string; uid: string }[]> {
  return reader.db
    .select({ id: people.id, uid: people.uid })
    .from(people)
    .where(
      and(
        eq(people.tenantId, reader.tenantId),
        eq(people.provider, provider),
        gt(people.id, after),
        lt(people.readAt, moment),
        ne(people.status, 'DEPROVISIONED'),
      ),
    )
    .orderBy(asc(people.id))
    .limit(limit);
}

/**
 * Changes a person's row, kills the tokens that were issued before, ours (epoch) and those of the provider (`tokensNotBefore`), and ends what
 * the person is signed in to. The raised epoch also voids every read of the provider that began before: it may no longer loosen (`savePersonRead`).
 */
export async function tightenPerson(
  ctx: TenantWriter,
  id: string,
  change: Partial<Pick<Person, 'status' | 'readAt' | 'missingAt' | 'delegationFrozenBy'>>,
): Promise<void> {
  const changed = await ctx.db
    .update(people)
    .set({
      ...change,
      epoch: sql`${people.epoch} + 1`,
      // Of two processes the one with the later clock counts.
      tokensNotBefore: sql`greatest(${people.tokensNotBefore}, ${ctx.now.toISOString()}::timestamptz)`,
      updatedAt: ctx.now,
    })
    .where(and(eq(people.tenantId, ctx.tenantId), eq(people.id, id)))
    .returning({ provider: people.provider, uid: people.uid });
  for (const { provider, uid } of changed) await endSignIns(ctx, `oidc:${provider}:${uid}`);
}

async function one(reader: TenantReader, where: SQL | undefined, lock: Lock): Promise<Person | null> {
  const query = reader.db
    .select()
    .from(people)
    .where(and(eq(people.tenantId, reader.tenantId), where));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

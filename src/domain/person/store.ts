import { and, asc, eq, gt, lt, ne, or, sql, type SQL } from 'drizzle-orm';
import { isId } from '#lib/id.ts';
import { folded } from '../../db/tenant-table.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { endSignIns } from '../sign-in/store.ts';
import { people } from './tables.ts';

/** A row of `people`. */
export type Person = typeof people.$inferSelect;

/** How a read locks the row: `share` to keep a revocation out, `update` for the revocation itself (law 2). */
export type Lock = 'share' | 'update' | undefined;

/** The person with this id, or null; locked if `lock` is given. */
export async function findPerson(reader: TenantReader, id: string, lock?: Lock): Promise<Person | null> {
  const query = reader.db
    .select()
    .from(people)
    .where(and(eq(people.tenantId, reader.tenantId), eq(people.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

/** The person with this canonical subject, or null; locked if `lock` is given. */
export const findPersonByUid = (
  reader: TenantReader,
  provider: string,
  uid: string,
  lock?: Lock,
): Promise<Person | null> => one(reader, and(eq(people.provider, provider), eq(people.uid, uid)), lock);

/** The person with this SCIM id, or null; locked if `lock` is given. */
export const findPersonByScimId = (
  reader: TenantReader,
  scimId: string,
  lock?: Lock,
): Promise<Person | null> => one(reader, eq(people.scimId, scimId), lock);

/** Whether the provider no longer has this person: deprovisioned there, or proved to be missing. */
const isFormer = (person: Person): boolean => person.status === 'DEPROVISIONED' || person.missingAt !== null;

/**
 * Everyone with this work email or login, ignoring case. Several results mean that the address
 * identifies nobody. Former accounts are returned only if no present person has the address, so they do not
 * make it ambiguous.
 */
export async function peopleByEmail(reader: TenantReader, email: string): Promise<Person[]> {
  const found = await reader.db
    .select()
    .from(people)
    .where(
      and(
        eq(people.tenantId, reader.tenantId),
        or(eq(people.emailFolded, folded(email)), eq(people.loginFolded, folded(email))),
      ),
    );
  const present = found.filter((person) => !isFormer(person));
  return present.length > 0 ? present : found;
}

/**
 * The people whom a reference in a tool's input may mean: our id, the provider's id, a work email or a
 * login. Several people may match.
 */
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

/** The people with these ids, in no particular order. Unknown ids are left out. */
export async function findPeople(reader: TenantReader, ids: readonly string[]): Promise<Person[]> {
  if (ids.length === 0) return [];
  return reader.db
    .select()
    .from(people)
    .where(
      and(eq(people.tenantId, reader.tenantId), sql`${people.id} = any(${sql.param([...ids])}::text[])`),
    );
}

/**
 * The id of one of this person's direct reports, or of someone else if they have none; null if there is
 * nobody else.
 */
export async function someoneAround(reader: TenantReader, personId: string): Promise<string | null> {
  const [row] = await reader.db
    .select({ id: people.id })
    .from(people)
    .where(
      and(eq(people.tenantId, reader.tenantId), ne(people.id, personId), ne(people.status, 'DEPROVISIONED')),
    )
    .orderBy(sql`(${people.managerId} = ${personId}) desc nulls last`)
    .limit(1);
  return row?.id ?? null;
}

/** Our ids by a provider's ids. Unknown ids are left out. */
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

/**
 * People of a provider who were last read there before `moment`, in the order of their ids after the cursor
 * `after`. Leaves out deprovisioned people.
 */
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
 * Changes a person's row, voids all tokens issued before (ours by `epoch`, the provider's by
 * `tokensNotBefore`), and ends the person's sign-ins. The raised epoch also makes every read of the provider
 * that is in progress unable to loosen (`savePersonRead`).
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
      // If two processes disagree on the time, the later one counts.
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

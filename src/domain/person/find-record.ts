import { and, eq, inArray, isNotNull, sql, type SQL } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import type { TenantWriter } from '../context.ts';
import type { Provisioner, Provisioning } from './provisioner.ts';
import { findPerson, findPersonByUid, peopleByEmail, type Person } from './store.ts';
import { people } from './tables.ts';

/**
 * People of these sources who have a SCIM record and match `where`, locked for update in the order of ids.
 */
export async function managedPeople(
  ctx: TenantWriter,
  sources: readonly string[],
  where: SQL | undefined,
): Promise<Person[]> {
  return ctx.db
    .select()
    .from(people)
    .where(
      and(
        eq(people.tenantId, ctx.tenantId),
        inArray(people.provider, [...sources]),
        isNotNull(people.scimId),
        where,
      ),
    )
    .orderBy(people.id)
    .for('update');
}

/** The id by which the provisioner knows the person; undefined if it gave none. */
export const externalIdOf = (person: Person): unknown => person.scimDoc?.['externalId'];

/**
 * The record that certainly belongs to this person: by subject, by external id, or an inactive record with
 * the same user name that no external id contradicts.
 */
export async function recordOf(
  ctx: TenantWriter,
  asked: Provisioning,
  namesakes: readonly Person[],
): Promise<Person | null> {
  if (asked.uid !== null) {
    const bySubject = await findPersonByUid(ctx, asked.provider, asked.uid, 'update');
    if (bySubject !== null) return bySubject;
  }
  if (asked.externalId !== null && !asked.uidStated) {
    const [byExternalId] = await ctx.db
      .select()
      .from(people)
      .where(
        and(
          eq(people.tenantId, ctx.tenantId),
          eq(people.provider, asked.provider),
          eq(people.externalId, asked.externalId),
        ),
      )
      .orderBy(sql`${people.scimId} nulls last`, people.id)
      .limit(1)
      .for('update');
    if (byExternalId !== undefined) return byExternalId;
  }
  const former = namesakes.find(
    (one) => one.scimActive === false && (asked.externalId === null || externalIdOf(one) === undefined),
  );
  return former ?? null;
}

/**
 * The only person of the provisioner's sources with this email or login who is not managed by SCIM yet. Null
 * if nobody or several match. Throws Fault `conflict` if they got a record in the meantime.
 */
export async function unmanagedMatch(
  ctx: TenantWriter,
  by: Provisioner,
  asked: Provisioning,
): Promise<Person | null> {
  const names = [...new Set([asked.record.email, asked.record.login].filter((name) => name !== ''))];
  const found = new Map<string, Person>();
  for (const name of names) for (const one of await peopleByEmail(ctx, name)) found.set(one.id, one);
  // A person whose record was deleted is found by subject or external id. By name, this could be someone else
  // who has their old login.
  const free = (one: Person): boolean =>
    by.sources.includes(one.provider) &&
    one.scimId === null &&
    (one.scimActive !== false || asked.uid === null);
  const fits = [...found.values()].filter((one) => free(one) && one.status !== 'DEPROVISIONED');
  const [only] = fits;
  if (only === undefined || fits.length > 1) return null;
  if (asked.uidStated && only.provider === asked.provider) return null;
  const locked = await findPerson(ctx, only.id, 'update');
  if (locked?.scimId !== null) throw taken(asked.record.login);
  return locked;
}

/** The Fault for an active record that already has the user name, the subject or the external id. */
export const taken = (login: string): Fault =>
  new Fault(
    'conflict',
    `An active user with the user name "${login}" or the same external ID already exists. Update or deactivate that user first.`,
  );

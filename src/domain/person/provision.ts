import { and, eq, inArray, isNotNull, ne, sql, type SQL } from 'drizzle-orm';
import { Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { revokeOrHold } from '../breaker/guard.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { APPROVERS_CHANGED } from '../events.ts';
import { depart, SCIM_REASON } from './depart.ts';
import { managerMeant } from './managers.ts';
import { emailChange, holdNames, otherSource, requireFreeNames } from './sources.ts';
import { findPerson, findPersonByUid, peopleByEmail, type Person } from './store.ts';
import { people } from './tables.ts';

/**
 * The source of a SCIM change: the connection's provider (`okta`, `entra`), the providers whose people it may
 * write (its own and those that the tenant linked to it), and the tenant's choice for `active:false`.
 */
export interface Provisioner {
  readonly source: string;
  readonly sources: readonly string[];
  readonly onDeactivate: 'revoke' | 'freeze';
}

/** What a provisioner may say about a person, parsed. If `manager` is absent, the row keeps its manager. */
export interface PersonRecord {
  readonly login: string;
  readonly email: string;
  readonly displayName: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly employeeNumber: string | null;
  readonly title: string | null;
  readonly department: string | null;
  readonly scimDoc: Readonly<Record<string, unknown>>;
  readonly manager?: { readonly ref: string | null };
}

/**
 * A person in their first SCIM request. `uidStated`: the client named the subject itself and did not leave it
 * to `externalId`.
 */
export interface Provisioning {
  readonly record: PersonRecord;
  readonly active: boolean;
  readonly provider: string;
  readonly uid: string | null;
  readonly uidStated: boolean;
  readonly externalId: string | null;
}

/**
 * Provisions a person. Uses the row that is already theirs, so that nobody exists twice: the same subject,
 * the same `externalId`, or else the only person of the directory with that email or login. Otherwise inserts
 * a new row. An inactive record becomes active again, but its mandates stay ended. From a linked source only
 * `active` counts: it creates nobody, and the profile comes from the person's own source. Throws Fault
 * `forbidden` if this source may not write the subject's people, and `conflict` if an active record has the
 * user name, subject or external id, or someone of another source has the user name or email address.
 */
export async function provisionPerson(
  ctx: TenantWriter,
  by: Provisioner,
  asked: Provisioning,
): Promise<Person> {
  if (!by.sources.includes(asked.provider))
    throw otherSource(
      'forbidden',
      `This SCIM key writes people of ${by.source}, but this user belongs to ${asked.provider}. IT admins can link the sources (provider_link).`,
      { provider: asked.provider },
    );
  await holdNames(ctx, [asked.record.login, asked.record.email]);
  const namesakes = await managedPeople(
    ctx,
    by.sources,
    sql`lower(${people.login}) = lower(${asked.record.login})`,
  );
  const known = await recordOf(ctx, asked, namesakes);
  const duplicate = [...namesakes, ...(known === null ? [] : [known])].find(
    (one) => one.scimId !== null && one.scimActive !== false,
  );
  if (duplicate !== undefined) throw taken(asked.record.login);
  for (const former of namesakes)
    if (former.id !== known?.id && former.provider === by.source) await removePerson(ctx, by, former);
  const target = known ?? (await unmanagedMatch(ctx, by, asked));
  if (target !== null) return attach(ctx, by, target, asked);
  if (asked.provider === by.source) return insertPerson(ctx, by, asked);
  throw otherSource(
    'forbidden',
    `${asked.provider} has not reported this user yet, and a linked source cannot create users. Try again after it has.`,
    { provider: asked.provider },
  );
}

/**
 * Saves what the provisioner now says about a person. The caller must have locked `person` for update, and
 * `person` must belong to one of the provisioner's sources. If `active` becomes false, they depart; if it
 * becomes true, they return without their mandates; both in this transaction. From a linked source only
 * `active` counts. Throws Fault `conflict` if another active record has the new user name, or if someone of
 * another source has the user name or email address.
 */
export async function updatePerson(
  ctx: TenantWriter,
  by: Provisioner,
  person: Person,
  change: { readonly record: PersonRecord; readonly active: boolean; readonly attributes: readonly string[] },
): Promise<Person> {
  const own = person.provider === by.source;
  const { login } = change.record;
  if (own) await holdNames(ctx, newNames(person, change.record));
  if (own && login.toLowerCase() !== person.login.toLowerCase()) {
    const others = await managedPeople(
      ctx,
      [person.provider],
      sql`lower(${people.login}) = lower(${login}) and ${ne(people.id, person.id)}`,
    );
    if (others.some((one) => one.scimActive !== false)) throw taken(login);
    for (const former of others) await removePerson(ctx, by, former);
  }
  const saved = await save(ctx, by, person, change.record, { scimActive: change.active });
  const others = own ? change.attributes.filter((name) => name !== 'active') : [];
  if (others.length > 0) note(ctx, by, 'user_updated', saved, { attributes: others });
  await turn(ctx, by, person, change.active);
  return saved;
}

/**
 * Deletes the provisioner's record of a person. Revokes their mandates, whatever the tenant chose for
 * `active:false`. The person stays as an inactive row that keeps only the external id, so that they are
 * recognised if they return. The caller must have locked `person` for update.
 */
export async function removePerson(ctx: TenantWriter, by: Provisioner, person: Person): Promise<void> {
  const externalId = externalIdOf(person);
  await ctx.db
    .update(people)
    .set({
      scimId: null,
      scimDoc: externalId === undefined ? null : { externalId },
      scimActive: false,
      version: person.version + 1,
      updatedAt: ctx.now,
    })
    .where(and(eq(people.tenantId, ctx.tenantId), eq(people.id, person.id)));
  const ending = { actor: actorOf(by), reason: SCIM_REASON };
  if (person.scimActive !== false) {
    await depart(ctx, person, { ...ending, mandates: 'revoke' });
    return;
  }
  // They departed before. What the tenant's setting only froze then ends now.
  await revokeOrHold(ctx, person.id, ending);
  note(ctx, by, 'user_updated', person, { attributes: ['id'], removed: true });
}

const actorOf = (by: Provisioner): string => `${by.source}:scim`;
const subjectOf = (person: Pick<Person, 'provider' | 'uid'>): string =>
  `oidc:${person.provider}:${person.uid}`;
const taken = (login: string): Fault =>
  new Fault(
    'conflict',
    `An active user with the user name "${login}" or the same external ID already exists. Update or deactivate that user first.`,
  );

/** The user name and the email address, if they differ from the ones that the person has. */
const newNames = (person: Person, { login, email }: PersonRecord): string[] => {
  const held = [person.login.toLowerCase(), person.email.toLowerCase()];
  return [login, email].filter((name) => name !== '' && !held.includes(name.toLowerCase()));
};

async function managedPeople(ctx: TenantWriter, sources: readonly string[], where: SQL): Promise<Person[]> {
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

const externalIdOf = (person: Person): unknown => person.scimDoc?.['externalId'];

/**
 * The record that certainly belongs to this person: by subject, by external id, or an inactive record with
 * the same user name that no external id contradicts.
 */
async function recordOf(
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
          sql`${people.scimDoc}->>'externalId' = ${asked.externalId}`,
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
 * if nobody or several match.
 */
async function unmanagedMatch(
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

async function insertPerson(ctx: TenantWriter, by: Provisioner, asked: Provisioning): Promise<Person> {
  const { manager, scimDoc, ...columns } = asked.record;
  await requireFreeNames(ctx, asked.provider, [columns.login, columns.email]);
  const scimId = newId('scim', ctx.now.getTime());
  const id = newId('usr', ctx.now.getTime());
  const [row] = await ctx.db
    .insert(people)
    .values({
      tenantId: ctx.tenantId,
      id,
      provider: asked.provider,
      uid: asked.uid ?? scimId,
      ...columns,
      scimDoc: { ...scimDoc },
      scimId,
      scimActive: asked.active,
      // Provisional: the next read of the directory brings the provider's real status.
      status: 'ACTIVE',
      managerRef: manager?.ref ?? null,
      managerId: await managerOf(ctx, manager?.ref ?? null, asked.provider, id),
      createdAt: ctx.now,
      updatedAt: ctx.now,
    })
    .returning();
  if (row === undefined) throw new Error('an insert returned no row');
  note(ctx, by, 'user_provisioned', row, { active: asked.active });
  ctx.emit({ name: 'person.provisioned', thing: row.id });
  return row;
}

/** Gives an existing person a SCIM record, or gives their old one back. */
async function attach(
  ctx: TenantWriter,
  by: Provisioner,
  person: Person,
  asked: Provisioning,
): Promise<Person> {
  const scimId = person.scimId ?? newId('scim', ctx.now.getTime());
  const saved = await save(ctx, by, person, asked.record, { scimId, scimActive: asked.active });
  if (person.scimId === null) note(ctx, by, 'user_provisioned', saved, { active: asked.active });
  await turn(ctx, by, person, asked.active);
  ctx.emit({ name: 'person.provisioned', thing: person.id });
  return saved;
}

/** Applies a change of `active`. Nobody departs twice. */
async function turn(ctx: TenantWriter, by: Provisioner, before: Person, active: boolean): Promise<void> {
  if (!active && before.scimActive !== false) {
    await depart(ctx, before, { actor: actorOf(by), reason: SCIM_REASON, mandates: by.onDeactivate });
  }
  if (active && before.scimActive === false) note(ctx, by, 'user_reactivated', before, {});
}

/**
 * Saves what the provisioner says. Only the person's own source writes the profile; a linked source only
 * writes `scim`.
 */
async function save(
  ctx: TenantWriter,
  by: Provisioner,
  person: Person,
  record: PersonRecord,
  scim: { scimId?: string; scimActive: boolean },
): Promise<Person> {
  const profile = person.provider === by.source ? await profileOf(ctx, person, record) : {};
  const [row] = await ctx.db
    .update(people)
    .set({
      ...profile,
      ...scim,
      version: sql`${people.version} + 1`,
      updatedAt: ctx.now,
    })
    .where(and(eq(people.tenantId, ctx.tenantId), eq(people.id, person.id)))
    .returning();
  if (row === undefined) throw new Error('a locked person is gone');
  if (row.managerId !== person.managerId || row.scimActive !== person.scimActive) ctx.emit(APPROVERS_CHANGED);
  return row;
}

/** The columns of a record for an existing person. New names must not be used by other sources. */
async function profileOf(ctx: TenantWriter, person: Person, record: PersonRecord) {
  const { manager, scimDoc, ...columns } = record;
  await requireFreeNames(ctx, person.provider, newNames(person, record));
  return {
    ...columns,
    scimDoc: { ...scimDoc },
    emailChangedAt: emailChange('people', sql`${columns.email}`, ctx.now),
    ...(manager === undefined
      ? {}
      : {
          managerRef: manager.ref,
          managerId: await managerOf(ctx, manager.ref, person.provider, person.id),
        }),
  };
}

/**
 * Our id of the manager whom a provisioner names, by the rules of `managers.ts`. Null if the reference
 * matches nobody, several people, or the person themselves.
 */
async function managerOf(
  reader: TenantReader,
  ref: string | null,
  provider: string,
  self: string,
): Promise<string | null> {
  if (ref === null || ref === '') return null;
  const manager = await managerMeant(reader, provider, ref);
  return manager === self ? null : manager;
}

function note(
  ctx: TenantWriter,
  by: Provisioner,
  event: 'user_provisioned' | 'user_updated' | 'user_reactivated',
  person: Person,
  data: Readonly<Record<string, unknown>>,
): void {
  ctx.record({
    event,
    actor: actorOf(by),
    data: { person: person.id, subject: subjectOf(person), ...data },
  });
}

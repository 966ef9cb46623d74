import { and, eq, sql } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { APPROVERS_CHANGED } from '../events.ts';
import { managerMeant } from './managers.ts';
import { note, type PersonRecord, type Provisioner, type Provisioning } from './provisioner.ts';
import { emailChange, requireFreeNames } from './sources.ts';
import type { Person } from './store.ts';
import { people } from './tables.ts';

/**
 * Inserts a person whom nobody here knew. Throws Fault `conflict` if someone of another source has the user
 * name or email address.
 */
export async function insertPerson(ctx: TenantWriter, by: Provisioner, asked: Provisioning): Promise<Person> {
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

/**
 * Saves what the provisioner says. Only the person's own source writes the profile; a linked source only
 * writes `scim`. Throws Fault `conflict` if someone of another source has a new name.
 */
export async function saveRecord(
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

/** The user name and the email address, if they differ from the ones that the person has. */
export const newNames = (person: Person, { login, email }: PersonRecord): string[] => {
  return [login, email].filter((name) => name !== '' && name !== person.login && name !== person.email);
};

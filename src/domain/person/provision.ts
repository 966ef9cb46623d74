import { and, eq, ne } from 'drizzle-orm';
import { newId } from '#lib/id.ts';
import { folded } from '../../db/tenant-table.ts';
import { revokeOrHold } from '../breaker/guard.ts';
import type { TenantWriter } from '../context.ts';
import { depart, SCIM_REASON } from './depart.ts';
import { externalIdOf, managedPeople, recordOf, taken, unmanagedMatch } from './find-record.ts';
import { actorOf, note, type PersonRecord, type Provisioner, type Provisioning } from './provisioner.ts';
import { insertPerson, newNames, saveRecord } from './save-record.ts';
import { holdNames, otherSource } from './sources.ts';
import type { Person } from './store.ts';
import { people } from './tables.ts';

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
  const namesakes = await managedPeople(ctx, by.sources, eq(people.loginFolded, folded(asked.record.login)));
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
  if (own && login !== person.login) {
    const others = await managedPeople(
      ctx,
      [person.provider],
      and(eq(people.loginFolded, folded(login)), ne(people.id, person.id)),
    );
    if (others.some((one) => one.scimActive !== false)) throw taken(login);
    for (const former of others) await removePerson(ctx, by, former);
  }
  const saved = await saveRecord(ctx, by, person, change.record, { scimActive: change.active });
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

/** Gives an existing person a SCIM record, or gives their old one back. */
async function attach(
  ctx: TenantWriter,
  by: Provisioner,
  person: Person,
  asked: Provisioning,
): Promise<Person> {
  const scimId = person.scimId ?? newId('scim', ctx.now.getTime());
  const saved = await saveRecord(ctx, by, person, asked.record, { scimId, scimActive: asked.active });
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

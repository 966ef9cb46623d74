import { changeMembers, groupsOfSource } from '#domain/group/import.ts';
import { beforeRead, noteChecked, outdatedPeople, savePersonRead } from '#domain/person/import.ts';
import { missingHere } from '#domain/person/suspend.ts';
import type { ProviderLink } from '#domain/provider.ts';
import { Fault } from '#lib/fault.ts';
import { inShort } from '#lib/in-short.ts';
import type { App } from './app.ts';
import { readonly, transact } from './transact.ts';

// How often to read a person whose row is tightened each time while the provider answers.
const MOST_READS = 3;

/**
 * Reads one person from the provider by id and updates our row: the only read that may loosen (law 8). A 404
 * proves that the person is gone and freezes them (`missing`).
 *
 * `held`: the row was not loosened because something about the person is in progress or is changing now.
 * `elsewhere`: the person does not belong to this provider. Throws what the provider throws, except
 * `not_found`.
 */
export async function readPerson(
  app: App,
  tenantId: string,
  link: Pick<ProviderLink, 'vendor' | 'directory'>,
  personId: string,
  actor: string,
): Promise<'saved' | 'missing' | 'held' | 'elsewhere'> {
  for (let reads = 0; reads < MOST_READS; reads += 1) {
    const before = await readonly(app, tenantId, (reader) => beforeRead(reader, personId));
    if (before?.provider !== link.vendor) return 'elsewhere';
    const askedAt = app.now();
    const found = await link.directory.person(before.uid).catch((error: unknown) => {
      if (error instanceof Fault && error.code === 'not_found') return null;
      throw error;
    });
    if (found === null) {
      await transact(app, tenantId, (ctx) => missingHere(ctx, personId, actor));
      return 'missing';
    }
    const saved = await transact(app, tenantId, (ctx) =>
      savePersonRead(ctx, found, before, { vendor: link.vendor, askedAt, actor }),
    );
    if (saved !== 'outdated') return saved;
  }
  return 'held';
}

/**
 * Reads again, by id and with their groups, those of these people whose data is older than the tenant allows
 * for what relies on it. Removes them from groups that they have left; groups that they have joined come with
 * the next import. Does not throw if the provider does not answer: the decision that follows then denies.
 * Returns whether anybody was read.
 */
export async function freshen(app: App, tenantId: string, personIds: readonly string[]): Promise<boolean> {
  const outdated = await readonly(app, tenantId, (reader) => outdatedPeople(reader, personIds));
  let read = false;
  for (const personId of outdated) {
    try {
      read = (await check(app, tenantId, personId)) || read;
    } catch (error) {
      app.log.warn({ person: personId, cause: inShort(error) }, 'a person could not be read again');
    }
  }
  return read;
}

async function check(app: App, tenantId: string, personId: string): Promise<boolean> {
  const link = await app.provider(tenantId);
  const actor = `${link.vendor}:api`;
  const begun = app.now();
  if ((await readPerson(app, tenantId, link, personId, actor)) === 'elsewhere') return false;
  const person = await readonly(app, tenantId, (reader) => beforeRead(reader, personId));
  // Nothing relies on the groups of a person who cannot act.
  if (person?.status !== 'ACTIVE') return true;
  const groups = new Set(await link.directory.groupsOf(person.uid));
  await transact(app, tenantId, async (ctx) => {
    for (const group of await groupsOfSource(ctx, link.vendor, personId))
      if (!groups.has(group.uid)) await changeMembers(ctx, group, { added: [], removed: [personId] }, actor);
    await noteChecked(ctx, personId, begun);
  });
  return true;
}

import { changeMembers, groupsOfSource } from '#domain/group/import.ts';
import { beforeRead, noteChecked, outdatedPeople, savePersonRead } from '#domain/person/import.ts';
import { missingHere } from '#domain/person/suspend.ts';
import type { ProviderLink } from '#domain/provider.ts';
import { Fault } from '#lib/fault.ts';
import { inShort } from '#lib/in-short.ts';
import type { App } from './app.ts';
import { readonly, transact } from './transact.ts';

/** How often a person is read who is tightened each time while the provider answers. */
const MOST_READS = 3;

/**
 * Asks the provider about one person by id and makes our row say the same: the only read that may loosen (law 8). A proven absence
 * (404) freezes. `held`: what would have loosened waits, since something about them is under way or changes at this moment;
 * `elsewhere`: they are nobody of this provider. Throws whatever the provider throws, but `not_found`.
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
 * Reads those of these people again about whom more is relied on than the tenant allows for its age, each by id and with their groups.
 * A group that they have left is left here too; what they have joined comes with the next import. Throws nothing where the provider
 * does not answer: then the decision that follows says no. True where somebody was read.
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
  // Nothing is relied on of somebody who cannot act.
  if (person?.status !== 'ACTIVE') return true;
  const groups = new Set(await link.directory.groupsOf(person.uid));
  await transact(app, tenantId, async (ctx) => {
    for (const group of await groupsOfSource(ctx, link.vendor, personId))
      if (!groups.has(group.uid)) await changeMembers(ctx, group, { added: [], removed: [personId] }, actor);
    await noteChecked(ctx, personId, begun);
  });
  return true;
}

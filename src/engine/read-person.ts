import { beforeRead, savePersonRead } from '#domain/person/import.ts';
import { missingHere } from '#domain/person/suspend.ts';
import type { ProviderLink } from '#domain/provider.ts';
import { Fault } from '#lib/fault.ts';
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

import type { Actor } from '#domain/actor.ts';
import type {
  ActContext,
  LookContext,
  PersonActions,
  PersonDirectory,
  TenantReader,
} from '#domain/context.ts';
import { findPerson, idsByUid } from '#domain/person/store.ts';
import type { Actions, ProviderLink } from '#domain/provider.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import { readonly } from './transact.ts';

/** The provider for tools that look, by our person ids. No transaction is open while the provider answers. */
export async function lookContext(
  app: App,
  tenantId: string,
  actor: Actor,
  signal?: AbortSignal,
): Promise<LookContext> {
  const link = await app.provider(tenantId);
  const read = <T>(work: (reader: TenantReader) => Promise<T>) => readonly(app, tenantId, work);
  return { tenantId, now: app.now(), actor, directory: directoryOf(link, read, signal), read };
}

/** The provider for the one step of an act that changes it. Only the job that executes calls may use it. */
export async function actContext(app: App, tenantId: string, signal: AbortSignal): Promise<ActContext> {
  const link = await app.provider(tenantId);
  const uid = (person: string) => readonly(app, tenantId, (reader) => uidOf(reader, link.vendor, person));
  const abilities = (Object.keys(link.actions) as (keyof Actions)[]).map((ability) => {
    const act = async (person: string) => link.actions[ability](await uid(person), signal);
    return [ability, act] as const;
  });
  return { tenantId, signal, actions: Object.fromEntries(abilities) as PersonActions };
}

function directoryOf(
  link: ProviderLink,
  read: LookContext['read'],
  signal: AbortSignal | undefined,
): PersonDirectory {
  const { directory } = link;
  const uid = (person: string) => read((reader) => uidOf(reader, link.vendor, person));
  return {
    find: async (query, limit) => {
      const found = await directory.findPeople(query, limit, signal);
      const known = await read((reader) =>
        idsByUid(
          reader,
          link.vendor,
          found.map((person) => person.uid),
        ),
      );
      return found.map(({ uid: at, status, displayName, email, title, department }) => ({
        id: known.get(at) ?? null,
        uid: at,
        status,
        displayName,
        email,
        title,
        department,
      }));
    },
    status: async (person) => (await directory.person(await uid(person), signal)).status,
    factors: async (person) => directory.factors(await uid(person), signal),
    adminRoles: async (person) => {
      try {
        return await directory.adminRoles(await uid(person), signal);
      } catch (error) {
        // Null makes the person count as privileged. Only "forbidden" means that the provider will not say.
        if (error instanceof Fault && error.code === 'forbidden') return null;
        throw error;
      }
    },
    passwordChanged: async (person) => directory.passwordChanged(await uid(person), signal),
  };
}

async function uidOf(reader: TenantReader, vendor: string, personId: string): Promise<string> {
  const person = await findPerson(reader, personId);
  if (person === null) throw new Fault('not_found', 'Person not found. Search for them again.');
  if (person.provider !== vendor)
    throw new Fault(
      'conflict',
      `${person.displayName} is not managed in ${vendor}, so this cannot be done there.`,
    );
  return person.uid;
}

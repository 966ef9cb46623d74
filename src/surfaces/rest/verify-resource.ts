import type { TenantReader } from '#domain/context.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { peopleByReference } from '#domain/person/store.ts';
import { TENANT_TARGET, type Target, type Targets } from '#engine/tool.ts';
import { Fault } from '#lib/fault.ts';

/** Opens a transaction to read in. Called only if a check needs one. */
export type Read = <T>(work: (reader: TenantReader) => Promise<T>) => Promise<T>;

const PERSON = /^(?:person:(.+)|(usr_[0-9a-z]{26}))$/;
const TYPES: Readonly<Record<string, Exclude<Target['type'], 'Tenant'>>> = {
  usr: 'Person',
  agt: 'Agent',
  mdt: 'Mandate',
  apr: 'Approval',
};

/**
 * What a scope's resource names: a person of ours, or a text of the other system. Null if none is named.
 * Throws Fault `not_found` for an unknown person.
 */
export async function resourceOf(read: Read, resource: string | undefined) {
  if (resource === undefined) return null;
  const person = PERSON.exec(resource);
  if (person === null) return { text: resource };
  return { personId: await personOf(read, person[1] ?? person[2] ?? '') };
}

/**
 * A tool's target: an object of ours, or the tenant if none is named. Throws Fault `not_found` for an unknown
 * object.
 */
export async function targetsOf(read: Read, resource: string | undefined): Promise<Targets> {
  if (resource === undefined) return TENANT_TARGET;
  const person = PERSON.exec(resource);
  if (person !== null) return [{ type: 'Person', id: await personOf(read, person[1] ?? person[2] ?? '') }];
  const type = TYPES[resource.slice(0, 3)];
  if (
    type === undefined ||
    type === 'Person' ||
    (type === 'Mandate' && (await read((reader) => findMandate(reader, resource))) === null)
  )
    throw new Fault(
      'not_found',
      `There is no resource "${resource}". With a tool, use person:<id or work email>, or an ID: usr_…, agt_…, mdt_…, apr_….`,
    );
  return [{ type, id: resource }];
}

async function personOf(read: Read, reference: string): Promise<string> {
  const [found, another] = await read((reader) => peopleByReference(reader, reference));
  if (found === undefined || another !== undefined)
    throw new Fault(
      'not_found',
      `There is no person "${reference}". Use a person ID (usr_…) or the full work email.`,
    );
  return found.id;
}

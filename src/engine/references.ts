import { principalOf, type Actor } from '#domain/actor.ts';
import { agentByReference } from '#domain/agent/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { ORGANISATION } from '#domain/freeze/target.ts';
import { isResourcePattern } from '#domain/mandate/resources.ts';
import { peopleByReference } from '#domain/person/store.ts';
import { Fault } from '#lib/fault.ts';
import { isId } from '#lib/id.ts';
import type { CatalogueEntry } from './catalogue.ts';

/**
 * What a field with `.meta({ ref })` refers to. Such a field accepts an id, an email address or a name. A
 * mandate, an approval and a group are accepted by id only; Slack looks up their names first (`byName`).
 */
export type Reference = 'person' | 'agent' | 'resources' | 'freezable' | 'mandate' | 'approval' | 'group';

/** The fields of a tool's input that refer to something, with the kind of each. */
export function referenceFields(entry: CatalogueEntry): ReadonlyMap<string, Reference> {
  const properties = (entry.inputSchema['properties'] ?? {}) as Record<string, { ref?: Reference }>;
  return new Map(
    Object.entries(properties).flatMap(([field, schema]) =>
      schema.ref === undefined ? [] : [[field, schema.ref] as const],
    ),
  );
}

/**
 * Replaces references by our immutable ids before anything is decided, so that an approval cannot come to
 * mean another person. Only exact matches count. Throws Fault `not_found` for no match and `conflict` for
 * several, each with the field.
 */
export async function resolveReferences(
  reader: TenantReader,
  entry: CatalogueEntry,
  actor: Actor,
  input: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const resolved = { ...input };
  for (const [field, kind] of referenceFields(entry)) {
    const value = resolved[field];
    if (kind === 'resources' && Array.isArray(value)) {
      resolved[field] = [
        ...new Set(
          await Promise.all(
            value.map((one) => resourcePattern(reader, principalOf(actor), String(one), field)),
          ),
        ),
      ].sort();
    }
    if (typeof value !== 'string') continue;
    if (kind === 'person') resolved[field] = await personId(reader, value, field);
    if (kind === 'agent') resolved[field] = await agentId(reader, value, field);
    if (kind === 'freezable') resolved[field] = await freezableId(reader, value, field);
  }
  return resolved;
}

async function personId(reader: TenantReader, reference: string, field: string): Promise<string> {
  const found = await peopleByReference(reader, reference);
  if (found.length > 1)
    throw new Fault(
      'conflict',
      `"${reference.slice(0, 80)}" matches ${found.length} people. Use a person ID (usr_…) from okta_find_user.`,
      { field },
    );
  const person = found[0];
  if (person === undefined) {
    throw new Fault(
      'not_found',
      `No person has the ID or email address "${reference.slice(0, 80)}". Use okta_find_user to find people; new people appear after the next sync.`,
      { field },
    );
  }
  return person.id;
}

/**
 * Turns text into a resource pattern. `team` means the principal's direct reports, an email address or person
 * id means that person, and a pattern stays as it is. Throws as `resolveReferences` does.
 */
export async function resourcePattern(
  reader: TenantReader,
  principal: string | null,
  text: string,
  field: string,
): Promise<string> {
  if (text.toLowerCase() === 'team' && principal !== null) return `reports:${principal}`;
  if (isResourcePattern(text)) return text;
  return `person:${await personId(reader, text.replace(/^person:/, ''), field)}`;
}

async function agentId(reader: TenantReader, reference: string, field: string): Promise<string> {
  const agent = await agentByReference(reader, reference);
  if (agent === null)
    throw new Fault(
      'not_found',
      `There is no agent "${reference.slice(0, 80)}". Use agent_list to see all agents; an IT admin can register a new one.`,
      { field },
    );
  return agent.id;
}

/**
 * A mandate id and the word `organisation` are kept. A person id or a text with an @ refers to a person; any
 * other text refers to an agent.
 */
async function freezableId(reader: TenantReader, reference: string, field: string): Promise<string> {
  const text = reference.trim();
  if (text.toLowerCase() === ORGANISATION) return ORGANISATION;
  if (isId('mdt', text)) return text;
  return isId('usr', text) || text.includes('@')
    ? personId(reader, text, field)
    : agentId(reader, text, field);
}

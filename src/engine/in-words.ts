import { findAgents } from '#domain/agent/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { namesOfGroups } from '#domain/group/store.ts';
import { findPeople } from '#domain/person/store.ts';
import { oneLine, say, type Line } from '#lib/sanitise.ts';

const IDS = /\b(?:usr|agt|grp)_[0-9a-z]{26}\b/g;

/**
 * Names for every id of a person, agent or group in the data, at most 200: "Ann Lee (ann@acme.example)",
 * "deploy-bot". The names come from our directory, since Slack display names prove nothing.
 */
export async function namesIn(reader: TenantReader, data: unknown): Promise<ReadonlyMap<string, Line>> {
  const ids = [...new Set(JSON.stringify(data ?? null).match(IDS) ?? [])].slice(0, 200);
  const people = await findPeople(
    reader,
    ids.filter((id) => id.startsWith('usr_')),
  );
  const names = new Map(people.map((person) => [person.id, say`${person.displayName} (${person.login})`]));
  const groups = await namesOfGroups(
    reader,
    ids.filter((id) => id.startsWith('grp_')),
  );
  for (const [id, name] of groups) names.set(id, oneLine(name));
  const agents = await findAgents(
    reader,
    ids.filter((id) => id.startsWith('agt_')),
  );
  for (const agent of agents) names.set(agent.id, oneLine(agent.name));
  return names;
}

/** Replaces ids by names in a text, also inside patterns such as `reports:usr_…`. */
export const withNames = (text: string, names: ReadonlyMap<string, string>): string =>
  text.replace(IDS, (id) => names.get(id) ?? id);

/** A field's name for people: `expires_at` becomes "Expires at". */
export const labelOf = (name: string): string =>
  `${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('_', ' ')}`;

/** An input's value for people, on one line, with names for ids. */
export const shown = (value: unknown, names: ReadonlyMap<string, string>): Line =>
  oneLine(inWords(value, names));

function inWords(value: unknown, names: ReadonlyMap<string, string>): string {
  if (Array.isArray(value)) return value.map((one) => shown(one, names)).join(', ');
  if (typeof value === 'string') return names.get(value) ?? value;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'none';
  return Object.entries(value)
    .map(([name, member]) => `${name.replaceAll('_', ' ')} ${within(member, names)}`)
    .join('; ');
}

// Inside an object, quote a text that could be mistaken for the next member.
const within = (value: unknown, names: ReadonlyMap<string, string>): string =>
  typeof value === 'string' && !/^[\w.:/@+-]+$/.test(value) ? JSON.stringify(value) : shown(value, names);

type Schema = { readonly properties?: Readonly<Record<string, Schema>>; readonly items?: Schema };

/**
 * The same value with its members in the order of a JSON Schema, since the database does not keep the order.
 */
export function inOrder(value: unknown, schema: Schema | undefined): unknown {
  if (Array.isArray(value)) return value.map((one) => inOrder(one, schema?.items));
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.keys(schema?.properties ?? {});
  const place = (name: string): number => (known.includes(name) ? known.indexOf(name) : known.length);
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([one], [other]) => place(one) - place(other))
      .map(([name, member]) => [name, inOrder(member, schema?.properties?.[name])]),
  );
}

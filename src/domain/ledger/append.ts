import { newId } from '#lib/id.ts';
import { canonicalJson } from '#lib/json.ts';
import type { NewEntry } from './entry.ts';

/** Entries column by column, as `ledger_append` (migration 0013) takes them: what is hashed there is made of exactly these texts. */
export interface EntryColumns {
  /** ISO 8601, UTC, milliseconds; the same for all. */
  readonly at: string;
  readonly ids: readonly string[];
  readonly events: readonly string[];
  readonly actors: readonly string[];
  /** Canonical JSON. */
  readonly data: readonly string[];
  /** What each can be found by, joined by U+001F. */
  readonly things: readonly string[];
}

/** Makes new entries ready to be appended, in order. Their numbers and hashes are made where the chain's head is locked. */
export function entryColumns(at: Date, entries: readonly NewEntry[]): EntryColumns {
  const actors = entries.map((entry) => storable(entry.actor));
  const data = entries.map((entry) => canonicalData(entry.data));
  return {
    at: at.toISOString(),
    ids: entries.map(() => newId('evt', at.getTime())),
    events: entries.map((entry) => entry.event),
    actors,
    data,
    things: actors.map((actor, index) => thingsOf(actor, data[index] ?? '').join('\u001F')),
  };
}

const ID = /\b[a-z]{2,5}_[0-9a-z]{26}\b/g;

/** What an entry of this actor can be found by, as against one that only names them. */
export const actorThing = (actor: string): string => `by ${actor}`;

/** What an entry can be found by: its actor, and every id that actor and data name. */
export const thingsOf = (actor: string, data: string): string[] => [
  ...new Set([actorThing(actor), ...(actor.match(ID) ?? []), ...(data.match(ID) ?? [])]),
];

/** PostgreSQL stores neither NUL nor lone surrogates, and an entry must never be lost for a character in it. */
const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD');

/** How JSON writes it; a backslash before it may itself be escaped, which costs a second look and no more. */
const NUL = /\\u0000/;

/** What JSON drops must not be hashed: the entry is hashed as it will be read back. */
function canonicalData(data: NewEntry['data']): string {
  try {
    const text = canonicalJson(data);
    if (!NUL.test(text)) return text;
  } catch {
    // Something in it has no canonical form as it is.
  }
  const clean = JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'string' ? storable(value) : value,
  );
  return canonicalJson(JSON.parse(clean));
}

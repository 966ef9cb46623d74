import { newId } from '#lib/id.ts';
import { canonicalJson } from '#lib/json.ts';
import type { NewEntry } from './entry.ts';

/** New entries, prepared for appending. */
export interface LedgerLines {
  /** The time of all entries: ISO 8601, UTC, milliseconds. */
  readonly at: string;
  /** The entries as the SQL function `ledger_append` takes them. It hashes exactly these texts. */
  readonly json: string;
}

/**
 * Prepares new entries for appending, in order. Numbers and hashes are added in the database, where the
 * chain's head is locked.
 */
export function ledgerLines(at: Date, entries: readonly NewEntry[]): LedgerLines {
  let json = '';
  for (const entry of entries) {
    const actor = storable(entry.actor);
    const data = canonicalData(entry.data);
    const things = thingsOf(actor, data).join(BETWEEN);
    json += `${json === '' ? '' : ','}{"i":"${newId('evt', at.getTime())}","e":"${entry.event}","a":${JSON.stringify(actor)},"d":${data},"t":${JSON.stringify(things)}}`;
  }
  return { at: at.toISOString(), json: `[${json}]` };
}

const ID = /\b[a-z]{2,5}_[0-9a-z]{26}\b/g;

/** The search term for entries by this actor, as opposed to entries that only mention them. */
export const actorThing = (actor: string): string => `by ${actor}`;

/** The search terms of an entry: its actor, and every id in actor and data. */
const thingsOf = (actor: string, data: string): string[] => [
  ...new Set([actorThing(actor)].concat(`${actor} ${data}`.match(ID) ?? [])),
];

/** Separates the search terms of an entry. */
const BETWEEN = '\u001F';

/**
 * Replaces characters that PostgreSQL cannot store (NUL and lone surrogates), so that no entry is lost
 * because of them. Also replaces the separator of search terms: a name that contains it could make an entry
 * appear as another actor's.
 */
const storable = (text: string): string =>
  text.toWellFormed().replaceAll('\0', '\uFFFD').replaceAll(BETWEEN, '\uFFFD');

/**
 * How JSON writes the two characters. An escaped backslash before them also matches, which only costs another
 * check.
 */
const UNSTORABLE = /\\u00(?:00|1f)/i;

/**
 * The canonical JSON of an entry's data. What JSON drops must not be hashed: the hash must fit the data as it
 * is read back.
 */
function canonicalData(data: NewEntry['data']): string {
  try {
    const text = canonicalJson(data);
    if (!UNSTORABLE.test(text)) return text;
  } catch {
    // Some value has no canonical form.
  }
  const clean = JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'string' ? storable(value) : value,
  );
  return canonicalJson(JSON.parse(clean));
}

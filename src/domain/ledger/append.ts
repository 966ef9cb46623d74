import { newId } from '#lib/id.ts';
import { canonicalJson } from '#lib/json.ts';
import type { NewEntry } from './entry.ts';

/** New entries, ready to be appended. */
export interface LedgerLines {
  /** ISO 8601, UTC, milliseconds; the same for all. */
  readonly at: string;
  /** As `ledger_append` (migration ledger_lines) takes them: what is hashed there is made of exactly these texts. */
  readonly json: string;
}

/** Makes new entries ready to be appended, in order. Their numbers and hashes are made where the chain's head is locked. */
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

/** What an entry of this actor can be found by, as against one that only names them. */
export const actorThing = (actor: string): string => `by ${actor}`;

/** What an entry can be found by: its actor, and every id that actor and data name. */
const thingsOf = (actor: string, data: string): string[] => [
  ...new Set([actorThing(actor)].concat(`${actor} ${data}`.match(ID) ?? [])),
];

/** What stands between the things of an entry. */
const BETWEEN = '\u001F';

/**
 * PostgreSQL stores neither NUL nor lone surrogates, and an entry must never be lost for a character in it; nor may a name that somebody chose
 * hold what stands between things, or an entry is found as somebody else's.
 */
const storable = (text: string): string =>
  text.toWellFormed().replaceAll('\0', '\uFFFD').replaceAll(BETWEEN, '\uFFFD');

/** How JSON writes the two; a backslash before it may itself be escaped, which costs a second look and no more. */
const UNSTORABLE = /\\u00(?:00|1f)/i;

/** What JSON drops must not be hashed: the entry is hashed as it will be read back. */
function canonicalData(data: NewEntry['data']): string {
  try {
    const text = canonicalJson(data);
    if (!UNSTORABLE.test(text)) return text;
  } catch {
    // Something in it has no canonical form as it is.
  }
  const clean = JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'string' ? storable(value) : value,
  );
  return canonicalJson(JSON.parse(clean));
}

import { newId } from '#lib/id.ts';
import { entryHash, type LedgerEntry, type NewEntry } from './entry.ts';

/** The end of a chain: the number of its last entry and that entry's hash. */
export interface Head {
  readonly seq: number;
  readonly hash: string;
}

/** The links that new entries add to a chain after its head, in order, and where it then ends. */
export function chainOn(
  tenant: string,
  head: Head,
  at: Date,
  entries: readonly NewEntry[],
): { readonly links: readonly LedgerEntry[]; readonly head: Head } {
  let { seq, hash } = head;
  const moment = at.toISOString();
  const links = entries.map((entry) => {
    seq += 1;
    const link = {
      tenant,
      seq,
      id: newId('evt', at.getTime()),
      at: moment,
      event: entry.event,
      actor: storable(entry.actor),
      data: asReadBack(entry.data),
      prev_hash: hash,
    };
    hash = entryHash(link);
    return { ...link, hash };
  });
  return { links, head: { seq, hash } };
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

/** What JSON drops must not be hashed: the entry is hashed as it will be read back. */
function asReadBack(data: NewEntry['data']): Record<string, unknown> {
  const text = JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'string' ? storable(value) : value,
  );
  return JSON.parse(text) as Record<string, unknown>;
}

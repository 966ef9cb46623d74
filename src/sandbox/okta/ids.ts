import { randomInt } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * A new 20-character id in Okta's form: a prefix for the kind (`00u`, `00g`, `0oa`, `opf`, …), then letters
 * and digits.
 */
export function oktaId(prefix: string): string {
  let id = prefix;
  while (id.length < 18) id += ALPHABET[randomInt(ALPHABET.length)];
  return `${id}h7`;
}

/** A fixed 20-character id with a readable middle, for seeded objects that settings refer to. */
export const seededId = (prefix: string, name: string): string =>
  `${prefix}${name}`.padEnd(18, '0').slice(0, 18) + 'h7';

import { randomBytes, randomFillSync } from 'node:crypto';

/** The prefixes of all identifiers. They are part of the API. */
export type IdPrefix =
  | 'tnt'
  | 'idp'
  | 'con'
  | 'usr'
  | 'scim'
  | 'grp'
  | 'map'
  | 'agt'
  | 'akey'
  | 'mdt'
  | 'tpl'
  | 'call'
  | 'apr'
  | 'vote'
  | 'evt'
  | 'hold'
  | 'key'
  | 'err'
  | 'draft'
  | 'intake'
  | 'msg'
  | 'sum'
  | 'stp'
  | 'bgu'
  | 'alm';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * A new identifier: prefix and UUIDv7 (RFC 9562 section 5.7) in Crockford base32, 26 characters. Sortable
 * by creation time to the millisecond, with 74 random bits, so it cannot be guessed. It is not a secret.
 */
export function newId<P extends IdPrefix>(prefix: P, now: number = Date.now()): `${P}_${string}` {
  const bytes = someBytes();
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  return `${prefix}_${base32(bytes)}`;
}

/** A random secret of `bytes` bytes (default 32) in Crockford base32, without separators. */
export function newSecret(bytes = 32): string {
  return base32(randomBytes(bytes));
}

/** Whether `value` has the form of an identifier with this prefix. Does not check that the object exists. */
export function isId(prefix: IdPrefix, value: string): boolean {
  return value.startsWith(`${prefix}_`) && /^[0-9a-z]{26}$/.test(value.slice(prefix.length + 1));
}

const pool = Buffer.alloc(4096);
let used = pool.length;

/**
 * 16 random bytes, which the caller must overwrite at once. Many are requested together, because a
 * request costs more than making an identifier.
 */
function someBytes(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 16;
  return pool.subarray(used - 16, used);
}

function base32(bytes: Buffer): string {
  let bits = 0;
  let held = 0;
  let out = '';
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out += ALPHABET[(held >>> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? out + ALPHABET[(held << (5 - bits)) & 31] : out;
}

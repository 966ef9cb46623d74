/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Canonical JSON: equal values give equal texts. Keys are sorted by UTF-16 code unit, there is no white
 * space, numbers are as ECMAScript writes them, and `undefined` members are left out. Source: RFC 8785 (JSON
 * Canonicalization Scheme), sections 3.2.2 and 3.2.3. Throws TypeError for what JSON cannot hold (NaN,
 * Infinity, a bigint, a lone surrogate). Not `canonicalize`: it writes a lone surrogate instead of refusing
 * it, sorts keys that are in order already, and escapes every text, which the hot path pays for (decision
 * 0017).
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no canonical JSON');
    return quoted(value);
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value))
    return `[${value.map((item) => canonicalJson(item === undefined ? null : item)).join(',')}]`;
  if (value instanceof Date) return JSON.stringify(value);
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no JSON`);
  let text = '';
  const members = value as Readonly<Record<string, unknown>>;
  for (const key of sorted(Object.keys(members))) {
    const member = members[key];
    if (member !== undefined) text += `${text === '' ? '' : ','}${quoted(key)}:${canonicalJson(member)}`;
  }
  return `{${text}}`;
}

/** Sorts by UTF-16 code unit. Keys are often in order already, and checking costs less than sorting. */
const sorted = (keys: string[]): string[] =>
  keys.every((key, index) => index === 0 || keys[index - 1]! < key) ? keys : keys.sort();

/** Matches texts without characters that JSON escapes. The check is cheaper than `JSON.stringify`. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));

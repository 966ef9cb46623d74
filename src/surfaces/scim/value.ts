import { scimFault } from './faults.ts';
import type { Attribute } from './schema/attribute.ts';

/** A SCIM resource or a part of one. Its keys are names of the registry, never a client's. */
export type Resource = Record<string, unknown>;

/** True for a JSON object, false for null and arrays. */
export const isObject = (value: unknown): value is Resource =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads a boolean, also in Entra's form (`"False"`). Undefined for anything else. */
export function readBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/**
 * Converts a client's value to the attribute's type. Undefined means no value (null, an empty list, or `""`
 * for a complex attribute).
 *
 * Accepts what vendors really send: `"True"` for true, a number for a string, a list of one for a single
 * value, a bare string for a complex value, one object for a list. Keys are matched in any case, and unknown
 * keys are dropped, so only the registry's names become keys. Throws Fault `invalidValue`.
 */
export function coerce(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (attribute.multiValued) return list(attribute, value);
  if (Array.isArray(value)) {
    if (value.length > 1) throw bad(attribute, 'takes one value');
    return coerce(attribute, value[0]);
  }
  if (attribute.type === 'complex') return complex(attribute, value);
  if (attribute.type === 'boolean') {
    const read = readBoolean(value);
    if (read === undefined) throw bad(attribute, 'takes true or false');
    return read;
  }
  return text(attribute, value);
}

/** One element of a multi-valued attribute, or undefined for no value. Throws Fault `invalidValue`. */
export function coerceElement(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  return attribute.type === 'complex' ? complex(attribute, value) : text(attribute, value);
}

/**
 * Keeps `primary: true` only on the last element that has it, so a new primary replaces the old one (RFC 7644
 * section 3.5.2).
 */
export function onePrimary(elements: readonly unknown[]): unknown[] {
  const last = elements.findLastIndex((one) => isObject(one) && one['primary'] === true);
  return elements.map((one, index) =>
    isObject(one) && one['primary'] === true && index !== last ? { ...one, primary: false } : one,
  );
}

function list(attribute: Attribute, value: unknown): unknown[] | undefined {
  const elements = (Array.isArray(value) ? value : [value])
    .map((one) => coerceElement(attribute, one))
    .filter((one) => one !== undefined);
  return elements.length === 0 ? undefined : onePrimary(elements);
}

function complex(attribute: Attribute, value: unknown): Resource | undefined {
  const wrapped = isObject(value) ? value : attribute.sub.has('value') ? { value } : null;
  if (wrapped === null) throw bad(attribute, 'takes an object');
  const out: Resource = {};
  for (const [key, member] of Object.entries(wrapped)) {
    const sub = attribute.sub.get(key.toLowerCase());
    const read = sub === undefined ? undefined : coerce(sub, member);
    if (sub !== undefined && read !== undefined && read !== '') out[sub.name] = read;
  }
  return Object.keys(out).length === 0 ? undefined : out;
}

function text(attribute: Attribute, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    throw bad(attribute, 'takes a string');
  const read = String(value);
  // PostgreSQL can store neither in text nor in jsonb.
  if (read.includes('\0') || !read.isWellFormed())
    throw bad(attribute, 'contains a character that cannot be stored');
  return read;
}

const bad = (attribute: Attribute, what: string): Error =>
  scimFault('invalidValue', `"${attribute.name}" ${what}.`);

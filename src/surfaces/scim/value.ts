import { scimFault } from './faults.ts';
import type { Attribute } from './schema/attribute.ts';

/** A SCIM resource or part of one: its keys are names of the registry, never a client's. */
export type Resource = Record<string, unknown>;

/** True for a JSON object: not null, not an array. */
export const isObject = (value: unknown): value is Resource =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads a boolean, also as Entra sends it (`"False"`); undefined for everything else. */
export function readBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/**
 * A client's value as the registry's type: undefined where it means "no value" (null, an empty list, `""` for a complex attribute).
 * Liberal in what vendors really send: `"True"` for true, a number for a string, a scalar in a list of one, a bare string for a
 * complex value, one object for a list. Object keys are matched without regard to case, unknown ones are dropped, and only the
 * registry's names become keys. Throws Fault `invalidValue`.
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

/** One element of a multi-valued attribute, or undefined. */
export function coerceElement(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  return attribute.type === 'complex' ? complex(attribute, value) : text(attribute, value);
}

/** Leaves `primary: true` on one element at most: the last that has it, so that a new primary clears the old (RFC 7644 section 3.5.2). */
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
  // PostgreSQL holds neither in text nor in jsonb.
  if (read.includes('\0') || !read.isWellFormed())
    throw bad(attribute, 'holds a character that cannot be stored');
  return read;
}

const bad = (attribute: Attribute, what: string): Error =>
  scimFault('invalidValue', `"${attribute.name}" ${what}.`);

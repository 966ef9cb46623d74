import { scimFault } from '../faults.ts';
import { readBoolean } from '../value.ts';
import type { Attribute } from '../schema/attribute.ts';
import type { CompareOp, Filter } from './parse.ts';

/**
 * Whether an element of a multi-valued attribute matches the value filter of a PATCH path. Names are those of
 * sub-attributes. Case matters only for `caseExact` ones. Throws Fault `invalidPath` for unknown names and
 * for a value filter inside another one.
 */
export function matches(
  attribute: Attribute,
  filter: Filter,
  element: Readonly<Record<string, unknown>>,
): boolean {
  if (filter.kind === 'and') return filter.terms.every((term) => matches(attribute, term, element));
  if (filter.kind === 'or') return filter.terms.some((term) => matches(attribute, term, element));
  if (filter.kind === 'not') return !matches(attribute, filter.term, element);
  if (filter.kind === 'element')
    throw scimFault('invalidPath', `A value filter cannot contain another one (${filter.path}[…]).`);
  const sub = subOf(attribute, filter.path);
  return filter.kind === 'present'
    ? isPresent(element[sub.name])
    : compare(sub, element[sub.name], filter.op, filter.value);
}

/**
 * The element that a value filter describes, to create it if no element matches. Entra sends such paths
 * before the element exists, and an error would fail the whole PATCH. Null unless the filter consists of `eq`
 * terms joined by `and`.
 */
export function describedElement(attribute: Attribute, filter: Filter): Record<string, unknown> | null {
  if (filter.kind === 'and') {
    const parts = filter.terms.map((term) => describedElement(attribute, term));
    return parts.some((part) => part === null)
      ? null
      : (Object.assign({}, ...parts) as Record<string, unknown>);
  }
  if (filter.kind !== 'compare' || filter.op !== 'eq' || filter.value === null) return null;
  const sub = subOf(attribute, filter.path);
  return { [sub.name]: sub.type === 'boolean' ? readBoolean(filter.value) : filter.value };
}

function subOf(attribute: Attribute, path: string): Attribute {
  const sub = attribute.sub.get(path.toLowerCase());
  if (sub === undefined) throw scimFault('invalidPath', `${attribute.name} has no sub-attribute "${path}".`);
  return sub;
}

const isPresent = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

const TEXT_TESTS = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  co: (a, b) => a.includes(b),
  sw: (a, b) => a.startsWith(b),
  ew: (a, b) => a.endsWith(b),
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
} as const satisfies Record<CompareOp, (a: string, b: string) => boolean>;

function compare(sub: Attribute, held: unknown, op: CompareOp, wanted: string | null): boolean {
  if (wanted === null) return op === 'eq' ? !isPresent(held) : op === 'ne' && isPresent(held);
  if (sub.type === 'boolean') {
    const same = (held === true) === readBoolean(wanted);
    return op === 'eq' ? same : op === 'ne' && !same;
  }
  if (typeof held !== 'string') return op === 'ne';
  return sub.caseExact
    ? TEXT_TESTS[op](held, wanted)
    : TEXT_TESTS[op](held.toLowerCase(), wanted.toLowerCase());
}

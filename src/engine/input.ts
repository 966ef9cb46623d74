import { Fault } from '#lib/fault.ts';
import { readOrFault } from '#lib/problems.ts';
import { isStorable, NOT_STORABLE } from '#lib/storable.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { takesReason, withoutReason } from './reason.ts';

/**
 * Parses the input with the tool's schema. Unknown fields are an error. Null counts as absent for an optional
 * field, since model clients send it for what they leave out. A `reason` beside the input of a changing tool
 * is ignored, so that an explanation accepts the same body as the call.
 *
 * Throws Fault `invalid_input` with every problem by field.
 */
export function parseInput(entry: CatalogueEntry, input: unknown): Record<string, unknown> {
  const given = input ?? {};
  if (!isStorable(given)) throw new Fault('invalid_input', NOT_STORABLE);
  const whole = typeof given === 'object' && !Array.isArray(given);
  const bare = whole
    ? withoutNulls(entry, withoutReason(entry, given as Record<string, unknown>).input)
    : given;
  return readOrFault(
    entry.tool.input,
    bare,
    `Invalid input for ${entry.tool.name}`,
    takesReason(entry) ? ['reason'] : [],
  );
}

/** Drops members that are null although their field is optional and does not accept null. */
function withoutNulls(
  { inputSchema }: Pick<CatalogueEntry, 'inputSchema'>,
  input: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { properties = {}, required = [] } = inputSchema as {
    properties?: Readonly<Record<string, unknown>>;
    required?: readonly string[];
  };
  const isLeftOut = ([name, value]: [string, unknown]): boolean =>
    value === null &&
    Object.hasOwn(properties, name) &&
    !required.includes(name) &&
    !takesNull(properties[name]);
  return Object.fromEntries(Object.entries(input).filter((member) => !isLeftOut(member)));
}

function takesNull(schema: unknown): boolean {
  const { type, anyOf } = schema as { type?: unknown; anyOf?: readonly unknown[] };
  return type === 'null' || (Array.isArray(type) && type.includes('null')) || anyOf?.some(takesNull) === true;
}

import { Fault } from '#lib/fault.ts';
import { readOrFault } from '#lib/problems.ts';
import { isStorable, NOT_STORABLE } from '#lib/storable.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { takesReason, withoutReason } from './reason.ts';

/**
 * The input as the tool's schema parses it; Fault `invalid_input` with every problem by field. A name that the tool does not have is a
 * problem, never passed over. A `reason` beside the input of a change is let be: whoever only asks about a call sends what they would call with.
 */
export function parseInput(entry: CatalogueEntry, input: unknown): Record<string, unknown> {
  const given = input ?? {};
  if (!isStorable(given)) throw new Fault('invalid_input', NOT_STORABLE);
  const whole = typeof given === 'object' && !Array.isArray(given);
  const bare = whole ? withoutReason(entry, given as Record<string, unknown>).input : given;
  return readOrFault(
    entry.tool.input,
    bare,
    `The input does not fit ${entry.tool.name}`,
    takesReason(entry) ? ['reason'] : [],
  );
}

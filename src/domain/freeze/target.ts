import { isId } from '#lib/id.ts';
import { Fault } from '#lib/fault.ts';

/** The name of the whole tenant in a tool's input. */
export const ORGANISATION = 'organisation';

/**
 * What the kill switch stops: one agent, everything that one principal delegates, one mandate with
 * everything below it, or the whole organisation.
 */
export type FreezeTarget =
  | { readonly kind: 'agent' | 'principal' | 'mandate'; readonly id: string }
  | { readonly kind: 'organisation'; readonly id: typeof ORGANISATION };

/**
 * Reads a target from its immutable id (`agt_…`, `usr_…`, `mdt_…`) or the word `organisation`.
 * Fault `invalid_input` for anything else. Does not check that the target exists.
 */
export function freezeTarget(text: string): FreezeTarget {
  if (text === ORGANISATION) return { kind: 'organisation', id: text };
  if (isId('agt', text)) return { kind: 'agent', id: text };
  if (isId('usr', text)) return { kind: 'principal', id: text };
  if (isId('mdt', text)) return { kind: 'mandate', id: text };
  throw new Fault(
    'invalid_input',
    'Name an agent, a person, a mandate (mdt_…), or "organisation" to freeze everything.',
    { detail: { problems: [{ field: 'target', problem: 'is not something that can be frozen' }] } },
  );
}

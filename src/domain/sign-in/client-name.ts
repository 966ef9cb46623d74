import { oneLine } from '#lib/sanitise.ts';

const MAX_LENGTH = 60;

/**
 * A client's own name as people see it: one line of at most 60 characters without invisible ones, so
 * that a name cannot add lines to our pages or reverse their text. Empty if nothing in it is
 * visible. Does not check that the name is true.
 */
export function clientName(given: string): string {
  const line = oneLine(given).trim();
  const characters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment);
  return characters.length <= MAX_LENGTH ? line : `${characters.slice(0, MAX_LENGTH - 1).join('')}…`;
}

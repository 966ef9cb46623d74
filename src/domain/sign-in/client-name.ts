import { oneLine } from '#lib/sanitise.ts';

const MAX_LENGTH = 60;

/**
 * What a client calls itself, as people are shown it: one line of at most 60 characters, without what cannot be seen, so that nobody's
 * name draws lines of our pages or turns them round. Empty where nothing of it can be seen. Does not say that the name is true.
 */
export function clientName(given: string): string {
  const line = oneLine(given).trim();
  const characters = Array.from(new Intl.Segmenter().segment(line), ({ segment }) => segment);
  return characters.length <= MAX_LENGTH ? line : `${characters.slice(0, MAX_LENGTH - 1).join('')}…`;
}

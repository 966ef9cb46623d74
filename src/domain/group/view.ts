import { z } from 'zod';
import type { MappingEffect } from './mappings.ts';
import type { Reevaluated } from './reevaluate.ts';

const OF_ONE = 40;

/** The effect of a mapping change as approvers see it: people first, then mandates, each with a limit. */
export function effectChanges(effect: MappingEffect): { what: string; from?: string; to?: string }[] {
  const people = effect.people.slice(0, OF_ONE).map(({ name, gains, loses }) => ({
    what: name,
    ...(loses.length === 0 ? {} : { from: `loses ${loses.join(', ')}` }),
    ...(gains.length === 0 ? {} : { to: `gains ${gains.join(', ')}` }),
  }));
  const mandates = effect.mandates
    .slice(0, OF_ONE)
    .map(({ id, loses }) => ({ what: `mandate ${id}`, to: `frozen: no support for ${loses.join(', ')}` }));
  return [...people, ...mandates];
}

/** One sentence: how many people gain and lose scopes, and how many mandates freeze. */
export function effectWords(effect: MappingEffect): string {
  const gaining = effect.people.filter(({ gains }) => gains.length > 0).length;
  const losing = effect.people.filter(({ loses }) => loses.length > 0).length;
  return `${gaining} people gain scopes and ${losing} lose some. ${effect.mandates.length} mandates are no longer covered by their principal's authority and freeze.`;
}

/** How many mandates an answer names individually. */
const NAMED = 20;

/** The answer to a changed mapping. */
export const MappingChanged = z.object({
  source: z.string(),
  group: z.string(),
  role: z.string(),
  scopes: z.array(z.string()),
  frozen: z.number().int().describe('Number of mandates that froze.'),
  frozen_mandates: z.array(z.string()).describe(`The first ${NAMED} of them.`),
  thawed: z.number().int().describe('Number of mandates that work again.'),
  thawed_mandates: z.array(z.string()).describe(`The first ${NAMED} of them.`),
  people_left: z
    .number()
    .int()
    .describe(
      'Members of a large group whose mandates are updated in the background. What they lost is already denied.',
    ),
  two_humans: z.boolean().describe('False if a single IT admin made this change alone.'),
});

/** The result as the answer shows it: counts, and the first of each. */
export const changedAnswer = ({ frozen, thawed, later }: Reevaluated) => ({
  frozen: frozen.length,
  frozen_mandates: frozen.slice(0, NAMED),
  thawed: thawed.length,
  thawed_mandates: thawed.slice(0, NAMED),
  people_left: later,
});

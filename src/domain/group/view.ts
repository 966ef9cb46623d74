import { z } from 'zod';
import type { MappingEffect } from './mappings.ts';

const OF_ONE = 40;

/** What a change of a mapping does, as it is shown before anybody agrees to it. */
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

/** How many people gain and lose, and how many mandates freeze, in one sentence. */
export function effectWords(effect: MappingEffect): string {
  const gaining = effect.people.filter(({ gains }) => gains.length > 0).length;
  const losing = effect.people.filter(({ loses }) => loses.length > 0).length;
  return `${gaining} people gain scopes, ${losing} lose some; ${effect.mandates.length} mandates lose their support and freeze.`;
}

/** The answer of a changed mapping. */
export const MappingChanged = z.object({
  source: z.string(),
  group: z.string(),
  role: z.string(),
  scopes: z.array(z.string()),
  frozen_mandates: z.array(z.string()),
  thawed_mandates: z.array(z.string()),
  two_humans: z.boolean().describe('False where one IT admin alone has changed it.'),
});

import { isThroughAgent, type Actor } from '#domain/actor.ts';
import { denial, type Denial } from '#domain/denial.ts';
import { words, type CatalogueEntry } from '../catalogue.ts';

/**
 * The refusal of a tool for people only to everybody but a person who acts by their own hand, or null. It follows from tool and actor
 * alone, so it can be said before anything is read: whatever input, mandate or scope is mended, the answer stays the same.
 */
export function peopleOnly({ tool }: Pick<CatalogueEntry, 'tool'>, actor: Actor): Denial | null {
  if (tool.only !== 'people' || (actor.kind === 'person' && !isThroughAgent(actor))) return null;
  const where = tool.command === undefined ? 'in Slack' : `in Slack with ${words(tool.command)}`;
  return denial(
    'not_for_agents',
    `"${tool.title}" is for people only: no agent, no client and no API key can use it, whatever it is given. A person does it ${where}.`,
  );
}

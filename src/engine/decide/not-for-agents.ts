import { isThroughAgent, type Actor } from '#domain/actor.ts';
import { denial, type Denial } from '#domain/denial.ts';
import { words, type CatalogueEntry } from '../catalogue.ts';
import type { PolicySet } from './policies.ts';

/** Whether no agent, and no client of a person, can ever use the tool. */
export const closedToAgents = (
  policies: Pick<PolicySet, 'forTool'>,
  { tool }: Pick<CatalogueEntry, 'tool'>,
): boolean => tool.only === 'people' || agentBan(policies, tool.name) !== undefined;

const agentBan = (policies: Pick<PolicySet, 'forTool'>, tool: string) =>
  [...policies.forTool(tool).policies.values()].find(({ bansAgents }) => bansAgents);

/**
 * The refusal of a tool that this kind of actor can never use, or null: one for people only, to everybody but a person who acts by their
 * own hand; one that a policy forbids to agents altogether, to agents and clients. It follows from tool, actor and policies alone, so it is
 * said before anything is read: whatever input, mandate or scope is mended, the answer stays the same.
 */
export function notForAgents(
  policies: Pick<PolicySet, 'forTool'>,
  { tool }: Pick<CatalogueEntry, 'tool'>,
  actor: Actor,
): Denial | null {
  const through = isThroughAgent(actor);
  const where = tool.command === undefined ? 'in Slack' : `in Slack with ${words(tool.command)}`;
  if (tool.only === 'people' && (actor.kind !== 'person' || through))
    return denial(
      'not_for_agents',
      `"${tool.title}" is for people only: no agent, no client and no API key can use it, whatever it is given. A person does it ${where}.`,
    );
  const ban = through ? agentBan(policies, tool.name) : undefined;
  if (ban === undefined) return null;
  return denial(
    'forbidden_by_policy',
    `${ban.reason ?? 'A policy forbids this to agents.'} A person does it ${where}.`,
    { policy: ban.id },
  );
}

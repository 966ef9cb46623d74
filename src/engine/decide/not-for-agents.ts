import { isThroughAgent, type Actor } from '#domain/actor.ts';
import { denial, type Denial } from '#domain/denial.ts';
import { words, type CatalogueEntry } from '../catalogue.ts';
import type { PolicySet } from './policy-set.ts';

/** Whether no agent, and no client of a person, can ever use the tool. */
export const closedToAgents = (
  policies: Pick<PolicySet, 'forTool'>,
  { tool }: Pick<CatalogueEntry, 'tool'>,
): boolean => tool.only === 'people' || agentBan(policies, tool.name) !== undefined;

const agentBan = (policies: Pick<PolicySet, 'forTool'>, tool: string) =>
  [...policies.forTool(tool).policies.values()].find(({ bansAgents }) => bansAgents);

/**
 * The denial of a tool that this kind of actor can never use, or null. A tool for people only is denied to
 * everybody but a person acting directly; a tool that a policy forbids to all agents is denied to agents and
 * clients. It depends only on tool, actor and policies, so it is decided before anything is read: no other
 * input, mandate or scope would change it.
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
      `Only people can use "${tool.title}", so agents, clients and API keys cannot be given it. A person can do it ${where}.`,
    );
  const ban = through ? agentBan(policies, tool.name) : undefined;
  if (ban === undefined) return null;
  return denial(
    'forbidden_by_policy',
    `${ban.reason ?? 'A policy forbids this to agents.'} A person can do it ${where}.`,
    { policy: ban.id },
  );
}

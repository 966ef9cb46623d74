import type { Actor } from '#domain/actor.ts';
import type { DecisionFacts } from '#domain/decision/facts.ts';
import { denial, type Denial } from '#domain/denial.ts';
import { covers } from '#domain/mandate/resources.ts';
import { amountDenial, mandateStanding, windowDenial, type Worth } from '#domain/mandate/rules.ts';
import type { CatalogueEntry } from '../catalogue.ts';
import { IMPLIED_SCOPE } from '../tool.ts';

/**
 * Checks the bounds of an agent. The tool's scope must be in its token, in the mandate, in the agent's
 * ceiling and in its principal's authority now, and the mandate's resources must cover every target. Every
 * mandate above it must be active and set the same bounds. Returns null if all of that holds, and for every
 * other actor. A denial says what is missing and who can give it.
 */
export function denyDelegated(
  { tool }: { readonly tool: Pick<CatalogueEntry['tool'], 'name' | 'scope'> },
  actor: Actor,
  facts: DecisionFacts,
  now: Date,
  worth: Worth | null,
): Denial | null {
  if (actor.kind !== 'agent') return null;
  const { agent, chain, principal } = facts;
  if (agent?.status !== 'active')
    return denial(
      'agent_disabled',
      'This agent is disabled or frozen. Stop; its owner or an IT admin can tell you why.',
    );
  const [mandate] = chain;
  if (mandate === undefined || mandate.agentId !== agent.id || mandate.principalId !== actor.personId)
    return denial('no_matching_mandate', 'No such mandate exists for this agent and principal.');
  for (const one of chain) {
    const ended = mandateStanding(one, now);
    if (ended !== null) return ended;
    if (one.agentStatus !== 'active')
      return denial('agent_disabled', 'An agent that delegated this mandate is disabled or frozen.');
    if (one.principalId !== actor.personId)
      return denial('no_matching_mandate', 'The parent of this mandate belongs to another principal.');
  }
  if (tool.scope === IMPLIED_SCOPE) return null;

  const needs = { scope: tool.scope };
  if (!chain.every((mandate) => mandate.scopes.includes(tool.scope))) {
    return denial(
      'scope_not_delegated',
      `The mandate does not include the scope ${tool.scope}. Ask the principal for a mandate that does.`,
      {
        missing: { mandate: needs, by: actor.personId },
      },
    );
  }
  if (!actor.scopes.includes(tool.scope)) {
    return denial(
      'scope_not_delegated',
      `The token does not include the scope ${tool.scope}, but the mandate does. Exchange again and request that scope.`,
      {
        missing: { token: needs },
      },
    );
  }
  if (!chain.every((mandate) => mandate.ceiling.includes(tool.scope))) {
    return denial(
      'scope_not_delegated',
      `The agent's ceiling does not include the scope ${tool.scope}. An IT admin can raise it.`,
      {
        missing: { ceiling: needs },
      },
    );
  }
  if (principal?.scopes.includes(tool.scope) !== true) {
    return denial('authority_lost', `The principal's groups do not give the scope ${tool.scope}.`, {
      missing: { authority: needs },
    });
  }
  if (!chain.every((mandate) => mandate.tools === null || mandate.tools.includes(tool.name))) {
    return denial(
      'tool_not_delegated',
      `The mandate is limited to certain tools, and ${tool.name} is not one of them.`,
      {
        missing: { mandate: { tool: tool.name }, by: actor.personId },
      },
    );
  }
  const narrow = actor.details;
  if (narrow?.tools?.includes(tool.name) === false) {
    return denial(
      'tool_not_delegated',
      `The token is limited to certain tools, and ${tool.name} is not one of them. The mandate allows it: exchange again without that limit.`,
      { missing: { token: { tool: tool.name } } },
    );
  }
  for (const one of chain) {
    const outside = windowDenial(one.window, now) ?? amountDenial(one, worth);
    if (outside !== null) return outside;
  }
  const limit = narrow?.amount ?? null;
  const tooMuch =
    limit === null ? null : amountDenial({ amount: limit.value, currency: limit.currency }, worth);
  if (tooMuch !== null) return tooMuch;
  for (const target of facts.targets) {
    if (target === null || target.type === 'Tenant') continue;
    // Mandates cover people. Other targets are allowed only with the implied scope, which returned above.
    const covered =
      target.type === 'Person' && chain.every((mandate) => covers(mandate.resources, target.person));
    if (!covered) {
      return denial(
        'outside_mandate',
        'The mandate does not cover this target. Ask the principal for a mandate that does.',
        {
          missing: {
            mandate: { resource: target.type === 'Person' ? `person:${target.id}` : target.id },
            by: actor.personId,
          },
        },
      );
    }
    if (narrow?.resources != null && !covers(narrow.resources, target.person)) {
      return denial(
        'outside_mandate',
        'The token does not cover this target, but the mandate does. Exchange again without that limit, or for this target.',
        { missing: { token: { resource: `person:${target.id}` } } },
      );
    }
  }
  return null;
}

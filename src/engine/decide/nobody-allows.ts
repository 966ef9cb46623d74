import { isThroughAgent, type Actor } from '#domain/actor.ts';
import { denial, type Denial } from '#domain/denial.ts';
import type { Target } from '../tool.ts';
import type { ToolPolicies } from './policy-set.ts';

/**
 * The denial when no policy permits. It says to whom policies permit the tool on this kind of target, in the
 * words of their `@allows`. For an API key it says what the key lacks instead.
 */
export function nobodyAllows(
  set: ToolPolicies,
  actor: Actor,
  tool: string,
  targetType: Target['type'],
): Denial {
  if (actor.kind === 'service') return notToThisKey(actor.tools.includes(tool), tool);
  const may = [...set.policies.values()].flatMap(({ effect, addsOnly, allows, about }) => {
    const permits = effect === 'permit' && !addsOnly && about.principal !== 'Service';
    const fits = about.resource === null || about.resource === targetType;
    return permits && fits && allows !== null ? [allows] : [];
  });
  const who = [...new Set(may)];
  const you = isThroughAgent(actor) ? 'the person you act for' : 'you';
  const message =
    who.length === 0
      ? 'No policy allows this to anyone.'
      : `No policy allows ${you} to do this here. This is allowed for: ${who.join('; ')}. Ask one of them or an administrator.`;
  return denial('no_policy_allows', message, { missing: { allowed_to: who } });
}

function notToThisKey(named: boolean, tool: string): Denial {
  const message = named
    ? 'This API key has the scope for this tool, but no policy allows API keys to use it. An administrator can change the policies.'
    : `This API key does not have the scope ${tool}. Two IT admins can grant it in Slack: /apikey grant.`;
  return denial('no_policy_allows', message, named ? {} : { missing: { api_key: { scope: tool } } });
}

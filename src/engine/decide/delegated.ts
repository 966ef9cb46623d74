import { findAgent } from '#domain/agent/store.ts';
import type { Actor } from '#domain/actor.ts';
import type { TenantReader } from '#domain/context.ts';
import { denial, type Denial } from '#domain/denial.ts';
import type { Authority } from '#domain/group/authority.ts';
import { groupsOf } from '#domain/group/store.ts';
import { covers } from '#domain/mandate/resources.ts';
import { mandateStanding } from '#domain/mandate/rules.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { findPerson } from '#domain/person/store.ts';
import type { CatalogueEntry } from '../catalogue.ts';
import { IMPLIED_SCOPE, type Targets } from '../tool.ts';

/**
 * The bounds of an agent: what it asks must lie in its token ∩ the mandate ∩ its ceiling ∩ its principal's authority now, and
 * every target in the mandate's resources. Null where it does, and for every other actor. The words say what is missing and who
 * can give it.
 */
export async function delegated(
  reader: TenantReader,
  { tool }: CatalogueEntry,
  actor: Actor,
  targets: Targets,
  authority: Authority,
  lock?: 'share' | 'update',
): Promise<Denial | null> {
  if (actor.kind !== 'agent') return null;
  const agent = await findAgent(reader, actor.agentId, lock === undefined ? undefined : 'share');
  if (agent?.status !== 'active')
    return denial(
      'agent_disabled',
      'This agent is disabled or frozen. Stop; its owner or an IT admin can say why.',
    );
  const mandate = await findMandate(reader, actor.mandateId, lock);
  if (mandate === null || mandate.agentId !== agent.id || mandate.principalId !== actor.personId) {
    return denial('no_matching_mandate', 'There is no such mandate for this agent and principal.');
  }
  const ended = mandateStanding(mandate, reader.now);
  if (ended !== null) return ended;
  if (tool.scope === IMPLIED_SCOPE) return null;

  const needs = { scope: tool.scope };
  if (!mandate.scopes.includes(tool.scope)) {
    return denial(
      'scope_not_delegated',
      `The mandate does not hold ${tool.scope}. The principal can give a mandate that does.`,
      { missing: { mandate: needs, by: actor.personId } },
    );
  }
  if (!actor.scopes.includes(tool.scope)) {
    return denial(
      'scope_not_delegated',
      `The token does not hold ${tool.scope}, though the mandate does. Exchange again and ask for it.`,
      { missing: { token: needs } },
    );
  }
  if (!agent.ceiling.includes(tool.scope)) {
    return denial(
      'scope_not_delegated',
      `The agent's ceiling excludes ${tool.scope}. An IT admin can raise it.`,
      { missing: { ceiling: needs } },
    );
  }
  if (!authority.scopes.includes(tool.scope)) {
    return denial('authority_lost', `The principal's groups do not give ${tool.scope} (any more).`, {
      missing: { authority: needs },
    });
  }
  if (mandate.tools !== null && !mandate.tools.includes(tool.name)) {
    return denial('tool_not_delegated', `The mandate names its tools, and ${tool.name} is not one of them.`, {
      missing: { mandate: { tool: tool.name }, by: actor.personId },
    });
  }
  for (const target of targets) {
    if (target.type === 'Tenant') continue;
    const person = target.type === 'Person' ? await findPerson(reader, target.id) : null;
    const covered =
      person !== null &&
      covers(mandate.resources, {
        id: person.id,
        managerId: person.managerId,
        groupIds: await groupsOf(reader, person.id),
      });
    if (!covered) {
      return denial(
        'outside_mandate',
        'The mandate does not cover this target. The principal can give one that does.',
        {
          missing: {
            mandate: { resource: target.type === 'Person' ? `person:${target.id}` : target.id },
            by: actor.personId,
          },
        },
      );
    }
  }
  return null;
}

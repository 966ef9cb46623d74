import { principalOf } from '#domain/actor.ts';
import type { ApproverKind, Requirement } from '#domain/approval/approval.ts';
import { standingOf } from '#domain/person/standing.ts';
import type { Person } from '#domain/person/store.ts';
import { agentsOf, mandatesOf, type ApproverFacts, type AskedCall } from './approver-facts.ts';

/**
 * The people who may vote on a call for one requirement, by these facts (law 5): the named approvers in good
 * standing, except the requester, the principal, everybody in the act chain, the agent's owner and the
 * target. If they are fewer than the quorum, the fallback's people vote instead (law 9); once escalated, they
 * vote in addition. A confirmation (`principal`) is the principal's own and counts for nothing else.
 */
export function eligibleFor(
  facts: ApproverFacts,
  requirement: Requirement,
  call: AskedCall,
  escalated: boolean,
): Person[] {
  if (requirement.approver === 'principal')
    return personOf(facts, principalOf(call.actor)).filter((person) => standingOf(person) === null);
  const barred = barredFrom(facts, call);
  // Each once: one manager of two targets is one approver.
  const able = (kind: ApproverKind) =>
    [...new Set(named(facts, kind, call))].filter(
      (person) => !barred.has(person.id) && standingOf(person) === null,
    );
  const first = able(requirement.approver);
  if (requirement.fallback === null) return first;
  if (escalated) {
    return [...new Set([...first, ...able(requirement.fallback)])];
  }
  return first.length >= requirement.quorum ? first : able(requirement.fallback);
}

/** The ids of those who may never vote on this call. */
export function barredFrom(facts: ApproverFacts, call: AskedCall): Set<string> {
  const barred = new Set<string>(call.targets);
  const principal = principalOf(call.actor);
  if (principal !== null) barred.add(principal);
  // A frozen organisation can only be asked to lift the freeze, and the person who froze it must not decide
  // that.
  if (facts.frozenBy !== null) barred.add(facts.frozenBy);
  const agents = new Set(agentsOf(call));
  // The mandate in use and any target mandate each add the parties of every mandate above them.
  for (const { principalId, agentId } of mandatesOf(call).flatMap((id) => facts.chains.get(id) ?? [])) {
    barred.add(principalId);
    agents.add(agentId);
  }
  for (const id of agents) {
    const owner = facts.owners.get(id);
    if (owner !== undefined) barred.add(owner);
  }
  return barred;
}

function named(facts: ApproverFacts, kind: ApproverKind, call: AskedCall): Person[] {
  if (kind.startsWith('person:')) return personOf(facts, kind.slice('person:'.length));
  if (kind === 'manager') return managerOf(facts, principalOf(call.actor));
  if (kind === 'manager_of_target') return call.targets.flatMap((target) => managerOf(facts, target));
  if (kind === 'owner') return call.targets.flatMap((target) => personOf(facts, facts.owners.get(target)));
  return (facts.named.get(kind) ?? []).flatMap((id) => personOf(facts, id));
}

const managerOf = (facts: ApproverFacts, personId: string | null): Person[] =>
  personOf(facts, personId).flatMap(({ managerId }) => personOf(facts, managerId));

function personOf({ people }: ApproverFacts, id: string | null | undefined): Person[] {
  const person = id == null ? undefined : people.get(id);
  return person === undefined ? [] : [person];
}

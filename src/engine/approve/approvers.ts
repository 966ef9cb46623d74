import { principalOf } from '#domain/actor.ts';
import { findAgent } from '#domain/agent/store.ts';
import type { ApproverKind, Requirement } from '#domain/approval/approval.ts';
import type { PlacedCall } from '#domain/call/desk.ts';
import type { TenantReader } from '#domain/context.ts';
import { peopleOfGroup, peopleOfRole, peopleOfScope } from '#domain/group/authority.ts';
import { findMandate, mandateChain } from '#domain/mandate/store.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { standingOf } from '#domain/person/standing.ts';
import { theTenant } from '#domain/tenant/store.ts';

type Asked = Omit<PlacedCall, 'tool'>;

/**
 * The people who may vote on a call for one requirement at this moment (law 5): the named approvers in good
 * standing, except the requester, the principal, everybody in the act chain, the agent's owner and the
 * target. If they are fewer than the quorum, the fallback's people vote instead (law 9); once escalated, they
 * vote in addition. A confirmation (`principal`) is the principal's own and counts for nothing else.
 */
export async function eligibleFor(
  reader: TenantReader,
  requirement: Requirement,
  call: Asked,
  escalated: boolean,
): Promise<Person[]> {
  if (requirement.approver === 'principal') {
    const principal = principalOf(call.actor);
    const person = principal === null ? null : await findPerson(reader, principal);
    return person === null || standingOf(person) !== null ? [] : [person];
  }
  const barred = await barredFrom(reader, call);
  const able = async (kind: ApproverKind) =>
    (await findNamed(reader, kind, call)).filter(
      (person) => !barred.has(person.id) && standingOf(person) === null,
    );
  const first = await able(requirement.approver);
  if (requirement.fallback === null) return first;
  if (escalated) {
    const added = await able(requirement.fallback);
    return [...new Map([...first, ...added].map((person) => [person.id, person])).values()];
  }
  return first.length >= requirement.quorum ? first : able(requirement.fallback);
}

/** The ids of those who may never vote on this call. */
export async function barredFrom(reader: TenantReader, call: Asked): Promise<Set<string>> {
  const barred = new Set<string>(call.targets);
  const principal = principalOf(call.actor);
  if (principal !== null) barred.add(principal);
  // A frozen organisation can only be asked to lift the freeze, and the person who froze it must not decide
  // that.
  const { frozenBy } = await theTenant(reader);
  if (frozenBy !== null) barred.add(frozenBy);
  const agents = new Set(call.targets.filter((target) => target.startsWith('agt_')));
  if (call.agentId !== null) agents.add(call.agentId);
  // The mandate in use and any target mandate each add the parties of every mandate above them.
  const named = call.targets.filter((target) => target.startsWith('mdt_'));
  const roots = call.actor.kind === 'agent' ? [call.actor.mandateId, ...named] : named;
  const chains = await Promise.all(roots.map((id) => mandateChain(reader, id)));
  for (const id of new Set(chains.flat())) {
    const mandate = await findMandate(reader, id);
    if (mandate === null) continue;
    barred.add(mandate.principalId);
    agents.add(mandate.agentId);
  }
  for (const id of agents) {
    const agent = await findAgent(reader, id);
    if (agent !== null) barred.add(agent.ownerId);
  }
  return barred;
}

async function findNamed(reader: TenantReader, kind: ApproverKind, call: Asked): Promise<Person[]> {
  if (kind.startsWith('role:')) return peopleOfRole(reader, kind.slice('role:'.length));
  if (kind.startsWith('group:')) return peopleOfGroup(reader, kind.slice('group:'.length));
  if (kind.startsWith('anyone:')) return peopleOfScope(reader, kind.slice('anyone:'.length));
  if (kind.startsWith('person:')) {
    const person = await findPerson(reader, kind.slice('person:'.length));
    return person === null ? [] : [person];
  }
  if (kind === 'manager') return managerOf(reader, principalOf(call.actor));
  const people: Person[] = [];
  for (const target of call.targets) {
    if (kind === 'manager_of_target') people.push(...(await managerOf(reader, target)));
    if (kind === 'owner') {
      const agent = await findAgent(reader, target);
      const owner = agent === null ? null : await findPerson(reader, agent.ownerId);
      if (owner !== null) people.push(owner);
    }
  }
  return people;
}

async function managerOf(reader: TenantReader, personId: string | null): Promise<Person[]> {
  const person = personId === null ? null : await findPerson(reader, personId);
  const manager = person?.managerId == null ? null : await findPerson(reader, person.managerId);
  return manager === null ? [] : [manager];
}

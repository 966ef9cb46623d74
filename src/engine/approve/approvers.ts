import { principalOf } from '#domain/actor.ts';
import { findAgent } from '#domain/agent/store.ts';
import type { ApproverKind, Requirement } from '#domain/approval/approval.ts';
import type { Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { peopleOfGroup, peopleOfRole } from '#domain/group/authority.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { standingOf } from '#domain/person/standing.ts';

type Asked = Pick<Call, 'actor' | 'targets' | 'principalId' | 'agentId'>;

/**
 * Who may vote on a call for one requirement, at this moment (law 5): the named approvers in good standing, without the
 * requester, the principal, anybody in the act chain, the agent's owner and the target; where they are fewer than the quorum,
 * the fallback's people instead (law 9).
 */
export async function eligibleFor(
  reader: TenantReader,
  requirement: Requirement,
  call: Asked,
): Promise<Person[]> {
  const barred = await barredFrom(reader, call);
  const able = async (kind: ApproverKind) =>
    (await named(reader, kind, call)).filter(
      (person) => !barred.has(person.id) && standingOf(person) === null,
    );
  const first = await able(requirement.approver);
  if (first.length >= requirement.quorum || requirement.fallback === null) return first;
  return able(requirement.fallback);
}

/** Ids of those who never vote on this call. */
export async function barredFrom(reader: TenantReader, call: Asked): Promise<Set<string>> {
  const barred = new Set<string>(call.targets);
  const principal = principalOf(call.actor);
  if (principal !== null) barred.add(principal);
  const agents = [call.agentId, ...call.targets.filter((target) => target.startsWith('agt_'))];
  for (const id of agents) {
    const agent = id === null ? null : await findAgent(reader, id);
    if (agent !== null) barred.add(agent.ownerId);
  }
  return barred;
}

async function named(reader: TenantReader, kind: ApproverKind, call: Asked): Promise<Person[]> {
  if (kind.startsWith('role:')) return peopleOfRole(reader, kind.slice('role:'.length));
  if (kind.startsWith('group:')) return peopleOfGroup(reader, kind.slice('group:'.length));
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

import { principalOf } from '#domain/actor.ts';
import { findAgents } from '#domain/agent/store.ts';
import type { Requirement } from '#domain/approval/approval.ts';
import { peopleNamed } from '#domain/approval/named.ts';
import type { PlacedCall } from '#domain/call/desk.ts';
import type { TenantReader } from '#domain/context.ts';
import { chainParties } from '#domain/mandate/store.ts';
import { findPeople, type Person } from '#domain/person/store.ts';
import { theTenant } from '#domain/tenant/store.ts';

/** Of a call: who asks, about whom, and with whose authority. */
export type AskedCall = Omit<PlacedCall, 'tool'>;

/** What says who may vote on some calls (`approvers.ts`), as it was at one moment. */
export interface ApproverFacts {
  /** The person who froze the organisation; null while it is not frozen. */
  readonly frozenBy: string | null;
  /** Everybody who can matter for these calls, by id, managers included. */
  readonly people: ReadonlyMap<string, Person>;
  /** The owners of the agents that matter, by the agents' ids. */
  readonly owners: ReadonlyMap<string, string>;
  /** The parties of a mandate and of every mandate above it, by the mandate's id. */
  readonly chains: ReadonlyMap<string, readonly { readonly principalId: string; readonly agentId: string }[]>;
  /** Whom `role:`, `anyone:` and `group:` name. */
  readonly named: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads what says who may vote on these calls, in at most seven statements for any number of calls. The facts
 * hold for this moment: whoever decides reads them again.
 */
export async function approverFacts(
  reader: TenantReader,
  asked: readonly { readonly call: AskedCall; readonly requirements: readonly Requirement[] }[],
): Promise<ApproverFacts> {
  const kinds = [
    ...new Set(
      asked.flatMap(({ requirements }) =>
        requirements.flatMap(({ approver, fallback }) => [approver, fallback ?? []].flat()),
      ),
    ),
  ];
  const [{ frozenBy }, chains, named] = await Promise.all([
    theTenant(reader),
    chainParties(reader, unique(asked.flatMap(({ call }) => mandatesOf(call)))),
    peopleNamed(reader, kinds),
  ]);
  const agents = await findAgents(
    reader,
    unique([
      ...asked.flatMap(({ call }) => agentsOf(call)),
      ...[...chains.values()].flatMap((parties) => parties.map(({ agentId }) => agentId)),
    ]),
  );
  const owners = new Map(agents.map((agent) => [agent.id, agent.ownerId]));
  const people = await findPeople(
    reader,
    unique([
      ...asked.flatMap(({ call }) => [principalOf(call.actor) ?? [], ofKind(call.targets, 'usr')].flat()),
      ...owners.values(),
      ...[...named.values()].flat(),
      ...kinds.flatMap((kind) => (kind.startsWith('person:') ? kind.slice('person:'.length) : [])),
    ]),
  );
  const known = new Map(people.map((person) => [person.id, person]));
  // Only of those whose managers can be asked: the managers of all people would be another company.
  const asking = asked.flatMap(({ call }) =>
    [principalOf(call.actor) ?? [], ofKind(call.targets, 'usr')].flat(),
  );
  const managers = await findPeople(
    reader,
    unique(asking.flatMap((id) => known.get(id)?.managerId ?? [])).filter((id) => !known.has(id)),
  );
  for (const manager of managers) known.set(manager.id, manager);
  return { frozenBy, people: known, owners, chains, named };
}

/** The mandates that a call stands on or is about: the one in use, and its targets. */
export const mandatesOf = ({ actor, targets }: AskedCall): string[] => [
  ...(actor.kind === 'agent' ? [actor.mandateId] : []),
  ...ofKind(targets, 'mdt'),
];

/** The agents that a call comes from or is about. */
export const agentsOf = ({ agentId, targets }: AskedCall): string[] => [
  ...(agentId === null ? [] : [agentId]),
  ...ofKind(targets, 'agt'),
];

const ofKind = (ids: readonly string[], prefix: string): string[] =>
  ids.filter((id) => id.startsWith(`${prefix}_`));

const unique = (ids: readonly string[]): string[] => [...new Set(ids)];

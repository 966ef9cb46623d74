import type { CedarValueJson, EntityJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Actor } from '#domain/actor.ts';
import type { PersonFacts, TargetFacts } from '#domain/decision/facts.ts';

/** Administrator roles at the provider by person id, as read just now. Null if the provider did not say. */
export type AdminRoles = ReadonlyMap<string, readonly string[] | null>;

/** Where nobody's administrator roles matter, or where they were not read. */
export const NO_ROLES: AdminRoles = new Map();

const ref = (type: string, id: string): CedarValueJson => ({ __entity: { type, id } });
const optional = (name: string, id: string | null): Record<string, CedarValueJson> =>
  id === null ? {} : { [name]: ref('Person', id) };
const entity = (type: string, id: string, attrs: Record<string, CedarValueJson>): EntityJson => ({
  uid: { type, id },
  attrs,
  parents: [],
});

/**
 * A person as policies see them. `privileged` means an administrator role, or a mapped role beyond `member`.
 * Without an answer from the provider it is `unknown`.
 */
export function personEntity(
  person: PersonFacts,
  adminRoles: readonly string[] | null | undefined,
): EntityJson {
  const mapped = person.roles.some((role) => role !== 'member');
  const unknown = adminRoles === null || adminRoles === undefined;
  return entity('Person', person.id, {
    roles: [...person.roles],
    scopes: [...person.scopes],
    privileged: mapped || (adminRoles?.length ?? 0) > 0 ? 'yes' : unknown ? 'unknown' : 'no',
    ...optional('manager', person.managerId),
  });
}

/** An API key as policies see it. */
export const serviceEntity = (actor: Extract<Actor, { kind: 'service' }>): EntityJson =>
  entity('Service', actor.keyId, { tools: [...actor.tools] });

/** A target as policies see it. */
export function targetEntity(target: TargetFacts, adminRoles: AdminRoles): EntityJson {
  switch (target.type) {
    case 'Tenant':
      return entity('Tenant', target.id, {});
    case 'Person':
      return personEntity(target.person, adminRoles.get(target.id));
    case 'Agent':
      return entity('Agent', target.id, {
        owner: ref('Person', target.ownerId),
        ...optional('owner_manager', target.ownerManagerId),
      });
    case 'Mandate':
      return entity('Mandate', target.id, {
        principal: ref('Person', target.principalId),
        agent: ref('Agent', target.agentId),
        agent_owner: ref('Person', target.agentOwnerId),
        ...optional('principal_manager', target.principalManagerId),
        ...optional('agent_owner_manager', target.agentOwnerManagerId),
      });
    case 'Approval':
      return entity('Approval', target.id, optional('principal', target.principalId));
  }
}

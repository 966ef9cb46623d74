import type { CedarValueJson, EntityJson } from '@cedar-policy/cedar-wasm/nodejs';
import { findAgent } from '#domain/agent/store.ts';
import { findApproval } from '#domain/approval/store.ts';
import { findCall } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { authorityOf, type Authority } from '#domain/group/authority.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { Fault } from '#lib/fault.ts';
import type { Target } from '../tool.ts';

/** Administrator roles at the provider by person id, as they were read just now; null: it would not say. */
export type AdminRoles = ReadonlyMap<string, readonly string[] | null>;

const ref = (type: string, id: string): CedarValueJson => ({ __entity: { type, id } });
const entity = (type: string, id: string, attrs: Record<string, CedarValueJson>): EntityJson => ({
  uid: { type, id },
  attrs,
  parents: [],
});

/** A person as policies see them. Privileged: holds an administrator role or a mapped role beyond `member`; unknown counts as such. */
export function personEntity(
  person: Person,
  authority: Authority,
  adminRoles: readonly string[] | null | undefined,
): EntityJson {
  const mapped = authority.roles.some((role) => role !== 'member');
  const unknown = adminRoles === null || adminRoles === undefined;
  return entity('Person', person.id, {
    roles: [...authority.roles],
    scopes: [...authority.scopes],
    privileged: mapped || (adminRoles?.length ?? 0) > 0 ? 'yes' : unknown ? 'unknown' : 'no',
    ...(person.managerId === null ? {} : { manager: ref('Person', person.managerId) }),
  });
}

/** A target as policies see it. Fault `not_found` where it is not there: the same words for another tenant's id. */
export async function targetEntity(
  reader: TenantReader,
  target: Target,
  adminRoles: AdminRoles,
): Promise<EntityJson> {
  switch (target.type) {
    case 'Tenant':
      return entity('Tenant', reader.tenantId, {});
    case 'Person': {
      const person = await found(findPerson(reader, target.id), 'person', target.id);
      return personEntity(person, await authorityOf(reader, person.id), adminRoles.get(person.id));
    }
    case 'Agent': {
      const agent = await found(findAgent(reader, target.id), 'agent', target.id);
      const owner = await findPerson(reader, agent.ownerId);
      return entity('Agent', agent.id, {
        owner: ref('Person', agent.ownerId),
        ...(owner?.managerId == null ? {} : { owner_manager: ref('Person', owner.managerId) }),
      });
    }
    case 'Mandate': {
      const mandate = await found(findMandate(reader, target.id), 'mandate', target.id);
      const [agent, principal] = [
        await findAgent(reader, mandate.agentId),
        await findPerson(reader, mandate.principalId),
      ];
      return entity('Mandate', mandate.id, {
        principal: ref('Person', mandate.principalId),
        agent: ref('Agent', mandate.agentId),
        agent_owner: ref('Person', agent?.ownerId ?? ''),
        ...(principal?.managerId == null ? {} : { principal_manager: ref('Person', principal.managerId) }),
      });
    }
    case 'Approval': {
      const approval = await found(findApproval(reader, target.id), 'approval', target.id);
      const call = await found(findCall(reader, approval.callId), 'approval', target.id);
      return entity(
        'Approval',
        approval.id,
        call.principalId === null ? {} : { principal: ref('Person', call.principalId) },
      );
    }
  }
}

async function found<T>(row: Promise<T | null>, noun: string, id: string): Promise<T> {
  const value = await row;
  if (value === null)
    throw new Fault(
      'not_found',
      `There is no ${noun} ${id.slice(0, 40)} here. Look it up again; ids are copied whole.`,
    );
  return value;
}

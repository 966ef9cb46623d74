import { and, eq } from 'drizzle-orm';
import { agents } from '../agent/tables.ts';
import type { TenantReader } from '../context.ts';
import { authorityOf } from '../group/authority.ts';
import { groupsOf } from '../group/store.ts';
import { people } from '../person/tables.ts';

/** Ids of the agents that a person owns. */
export async function agentsOwnedBy(reader: TenantReader, personId: string): Promise<string[]> {
  const rows = await reader.db
    .select({ id: agents.id })
    .from(agents)
    .where(and(eq(agents.tenantId, reader.tenantId), eq(agents.ownerId, personId)));
  return rows.map(({ id }) => id);
}

/**
 * The parties (`approvalParties`) as which a person may be asked to decide something now: every rule that may
 * name them, and their votes. Four statements. Whether they may decide one approval is another question
 * (`eligibleFor`): they may be barred from it, or only be its fallback.
 */
export async function askedParties(reader: TenantReader, personId: string): Promise<string[]> {
  const [{ roles, scopes }, groupIds, owned, reports] = await Promise.all([
    authorityOf(reader, personId),
    groupsOf(reader, personId),
    agentsOwnedBy(reader, personId),
    reader.db
      .select({ id: people.id })
      .from(people)
      .where(and(eq(people.tenantId, reader.tenantId), eq(people.managerId, personId))),
  ]);
  return [
    `person:${personId}`,
    `voter:${personId}`,
    ...roles.map((role) => `role:${role}`),
    ...scopes.map((scope) => `anyone:${scope}`),
    ...groupIds.map((id) => `group:${id}`),
    ...owned.map((id) => `owner:${id}`),
    ...reports.map(({ id }) => `manager:${id}`),
  ];
}

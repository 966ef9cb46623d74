import { and, asc, desc, eq, ilike, inArray, or, sql } from 'drizzle-orm';
import { findAgents } from '#domain/agent/store.ts';
import { agents } from '#domain/agent/tables.ts';
import { approvals } from '#domain/approval/tables.ts';
import { calls } from '#domain/call/tables.ts';
import type { TenantReader } from '#domain/context.ts';
import { groupMappings, groups } from '#domain/group/tables.ts';
import { listMandates } from '#domain/mandate/list.ts';
import { findPeople } from '#domain/person/store.ts';
import { people, personWords } from '#domain/person/tables.ts';
import { isId } from '#lib/id.ts';

/** One choice of a menu that looks something up. */
export interface Candidate {
  readonly id: string;
  readonly name: string;
  readonly detail: string;
}

/** How many words of one person may begin with the same text: those beyond leave fewer people to offer. */
const WORDS_EACH = 4;

/**
 * People whose login or email starts with the query, or whose name does from its beginning or from one of its
 * words on, without regard to case; at most `limit`, by name. If more do, those whose words come first.
 * Deprovisioned people are not offered. Costs the same for any number of people.
 */
export async function searchPeople(reader: TenantReader, query: string, limit: number): Promise<Candidate[]> {
  const start = sql`search_text(${query}::text)`;
  // U+10FFFF is the last character, so what is before it begins with the query. The operators compare bytes,
  // like their index, and unlike LIKE they may use it behind row-level security.
  const words = reader.db
    .select({ id: personWords.personId })
    .from(personWords)
    .where(
      and(
        eq(personWords.tenantId, reader.tenantId),
        sql`${personWords.word} ~>=~ ${start}`,
        sql`${personWords.word} ~<~ (${start} || chr(1114111))`,
      ),
    )
    .orderBy(sql`${personWords.word} using ~<~`)
    .limit(limit * WORDS_EACH);
  return reader.db
    .select({ id: people.id, name: people.displayName, detail: people.login })
    .from(people)
    .where(and(eq(people.tenantId, reader.tenantId), sql`${people.id} = any(array(${words}))`))
    .orderBy(asc(people.displayName), asc(people.id))
    .limit(limit);
}

/**
 * Agents whose name contains the query, with their owners: those that can act first, and of these the
 * person's own; at most `limit`.
 */
export async function searchAgents(
  reader: TenantReader,
  query: string,
  limit: number,
  personId: string,
): Promise<Candidate[]> {
  const rows = await reader.db
    .select({ id: agents.id, name: agents.name, status: agents.status, owner: people.displayName })
    .from(agents)
    .innerJoin(people, and(eq(people.tenantId, agents.tenantId), eq(people.id, agents.ownerId)))
    .where(and(eq(agents.tenantId, reader.tenantId), ilike(agents.name, `%${likeText(query)}%`)))
    .orderBy(
      sql`${agents.status} <> 'active'`,
      sql`${agents.ownerId} <> ${personId}`,
      asc(agents.name),
      asc(agents.id),
    )
    .limit(limit);
  return rows.map(({ id, name, status, owner }) => ({
    id,
    name,
    detail: `Owned by ${owner}${status === 'active' ? '' : `, ${status}`}`,
  }));
}

/**
 * Mandates that have not ended, whose agent's name contains the query or whose id it is, newest first: those
 * that the person gave and those of the agents that they own; all of them for null.
 */
export async function searchMandates(
  reader: TenantReader,
  query: string,
  limit: number,
  concerning: string | null,
): Promise<Candidate[]> {
  const agentIds =
    query === '' || isId('mdt', query) ? undefined : await agentsNamed(reader, query, MOST_AGENTS);
  const rows = await listMandates(
    reader,
    {
      states: ['active', 'frozen'],
      ...(isId('mdt', query) ? { id: query } : {}),
      ...(agentIds === undefined ? {} : { agentIds }),
      ...(concerning === null ? {} : { concerning }),
    },
    { limit },
  );
  const agentOf = new Map(
    (
      await findAgents(
        reader,
        rows.map((row) => row.agentId),
      )
    ).map((agent) => [agent.id, agent.name]),
  );
  const giverOf = new Map(
    (
      await findPeople(
        reader,
        rows.map((row) => row.principalId),
      )
    ).map((person) => [person.id, person.displayName]),
  );
  return rows.map(({ id, agentId, principalId, scopes, state, expiresAt }) => ({
    id,
    name: `${agentOf.get(agentId) ?? agentId}: ${scopes.join(', ')}`,
    detail: `${state === 'active' ? 'Until' : `${state}, until`} ${expiresAt.toISOString().slice(0, 10)}, from ${giverOf.get(principalId) ?? principalId}`,
  }));
}

// Whoever sees more agents than this types another letter.
const MOST_AGENTS = 100;

/** Ids of agents whose name contains the query, at most `limit`. */
async function agentsNamed(reader: TenantReader, query: string, limit: number): Promise<string[]> {
  const rows = await reader.db
    .select({ id: agents.id })
    .from(agents)
    .where(and(eq(agents.tenantId, reader.tenantId), ilike(agents.name, `%${likeText(query)}%`)))
    .orderBy(asc(agents.name), asc(agents.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}

// Somebody's older requests are looked for by their ids.
const MOST_REQUESTS = 500;

/**
 * Of the newest requests of this person: those that wait for approval or were denied, whose summary contains
 * the query or whose id it is, newest first.
 */
export async function searchApprovals(
  reader: TenantReader,
  query: string,
  limit: number,
  principalId: string,
): Promise<Candidate[]> {
  const rows = await reader.db
    .select({ id: approvals.id, state: approvals.state, summary: calls.summary, at: approvals.createdAt })
    .from(approvals)
    .innerJoin(calls, and(eq(calls.tenantId, approvals.tenantId), eq(calls.id, approvals.callId)))
    .where(
      and(
        eq(approvals.tenantId, reader.tenantId),
        sql`${approvals.id} = any(array(select approval_id from approval_parties
          where tenant_id = ${reader.tenantId} and party = ${`asked_by:${principalId}`}
          order by approval_id desc limit ${MOST_REQUESTS}))`,
        inArray(approvals.state, ['pending', 'rejected']),
        or(ilike(calls.summary, `%${likeText(query)}%`), eq(approvals.id, query)),
      ),
    )
    .orderBy(desc(approvals.id))
    .limit(limit);
  return rows.map(({ id, state, summary, at }) => ({
    id,
    name: summary,
    detail: `${state === 'pending' ? 'Waits for approval' : 'Denied'}, asked ${at.toISOString().slice(0, 10)}`,
  }));
}

/**
 * Groups whose name contains the query, or whose id at their source it is, of all or of those with these ids;
 * at most `limit`, by name.
 */
export async function searchGroups(
  reader: TenantReader,
  query: string,
  limit: number,
  among: readonly string[] | null = null,
) {
  return reader.db
    .select({ id: groups.id, uid: groups.uid, name: groups.name, source: groups.source })
    .from(groups)
    .where(
      and(
        eq(groups.tenantId, reader.tenantId),
        or(ilike(groups.name, `%${likeText(query)}%`), eq(groups.uid, query)),
        among === null ? undefined : inArray(groups.id, [...among]),
      ),
    )
    .orderBy(asc(groups.name), asc(groups.id))
    .limit(limit);
}

/** The roles that groups give here. */
export async function rolesInUse(reader: TenantReader): Promise<string[]> {
  const rows = await reader.db
    .selectDistinct({ role: groupMappings.role })
    .from(groupMappings)
    .where(eq(groupMappings.tenantId, reader.tenantId));
  return rows.map(({ role }) => role);
}

const likeText = (text: string): string => text.replace(/[\\%_]/g, (character) => `\\${character}`);

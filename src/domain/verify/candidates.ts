import type { Sql } from 'postgres';
import { isId } from '#lib/id.ts';

/** A mandate that a check may be about. */
export interface NamedMandate {
  readonly id: string;
  readonly agentId: string;
  readonly principalId: string;
  readonly scopes: readonly string[];
  readonly state: 'active' | 'frozen' | 'revoked' | 'expired';
}

/** What the names in a check refer to. */
export interface Named {
  /** Null if no agent was named, or if it does not exist. */
  readonly agentId: string | null;
  /** All people whom the principal's name matches. */
  readonly people: readonly string[];
  /** The mandate that was named, or those that the principal gave the agent, newest first. */
  readonly mandates: readonly NamedMandate[];
}

/**
 * Looks up the names in a check, in one round trip and without a transaction: an agent by id or name, a
 * principal by our id, work email, login or the provider's id (as `agentByReference` and `peopleByReference`
 * do), a mandate by id. Decides nothing: the decision that follows checks whether what was found is in force.
 * Source: the SQL function `hot_candidates`.
 */
export async function namedMandates(
  client: Sql,
  tenantId: string,
  names: { readonly agent?: string; readonly principal?: string; readonly mandateId?: string },
  limit: number,
): Promise<Named> {
  const { agent = null, principal = null, mandateId = null } = names;
  const [agentId, agentName] = agent === null || isId('agt', agent) ? [agent, null] : [null, agent];
  const kind =
    principal === null || isId('usr', principal) ? 'id' : principal.includes('@') ? 'email' : 'uid';
  const as = (wanted: typeof kind) => (kind === wanted ? principal : null);
  const [row] = await client<{ named: Named }[]>`
    select hot_candidates(${tenantId}, ${agentId}, ${agentName}, ${as('id')}, ${as('email')}, ${as('uid')}, ${mandateId}, ${limit}) as named where primary_only()`;
  if (row === undefined) throw new Error('the names of a check were not looked up');
  return row.named;
}

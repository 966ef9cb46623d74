import { and, asc, eq, ne, sql } from 'drizzle-orm';
import { isDuplicate } from '#db/reach.ts';
import { Fault } from '#lib/fault.ts';
import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { trustBundleOf } from '../tenant/settings.ts';
import { theTenant } from '../tenant/store.ts';
import { parseSpiffeId } from '../token/client/spiffe.ts';
import { agents } from './tables.ts';

/** An agent that authenticates with SVIDs of a trust domain. */
export interface SpiffeAgent {
  readonly id: string;
  readonly name: string;
}

/**
 * Checks the SPIFFE ID for an agent and returns it unchanged. Fault `invalid_input` if it is not a
 * workload's, or if the tenant has no bundle for its trust domain; `conflict` if another agent of the tenant
 * has it. Two concurrent registrations may both pass: wrap the write in `claimed`.
 */
export async function checkSpiffeId(
  reader: TenantReader,
  text: string,
  agentId: string | null,
): Promise<string> {
  const id = parseSpiffeId(text);
  if (id === null)
    throw refused(
      'must identify a workload, as spiffe://trust-domain/path: a trust domain of lowercase letters, digits and . _ -, and a path without empty or dot segments',
    );
  const { settings } = await theTenant(reader);
  if (trustBundleOf(settings, id.trustDomain) === null)
    throw refused(
      `this organisation has no trust bundle for ${id.trustDomain}; an IT admin can add one with /spiffe bundle set`,
    );
  const [holder] = await reader.db
    .select({ id: agents.id })
    .from(agents)
    .where(
      and(
        eq(agents.tenantId, reader.tenantId),
        eq(agents.spiffeId, id.spiffeId),
        agentId === null ? undefined : ne(agents.id, agentId),
      ),
    );
  if (holder !== undefined) throw taken();
  return id.spiffeId;
}

/**
 * Awaits a write of an agent. Throws Fault `conflict` if another transaction gave its SPIFFE ID to another
 * agent.
 */
export async function claimed<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    throw isDuplicate(error, 'agents_spiffe_id') ? taken(error) : error;
  }
}

/** The agents of a trust domain, ordered by id. */
export async function agentsOfTrustDomain(reader: TenantReader, trustDomain: string): Promise<SpiffeAgent[]> {
  return reader.db
    .select({ id: agents.id, name: agents.name })
    .from(agents)
    .where(ofTrustDomain(reader, trustDomain))
    .orderBy(asc(agents.id));
}

/**
 * Ends what the agents of a trust domain got with their SVIDs. Their epochs rise, so every token that they
 * hold ends with this commit (law 4). With `withdraw`, the calls that they wait for are withdrawn as well.
 * Returns their ids.
 */
export async function endSvids(
  ctx: TenantWriter,
  trustDomain: string,
  withdraw: { readonly actor: string; readonly reason: string } | null,
): Promise<string[]> {
  const rows = await ctx.db
    .select({ id: agents.id })
    .from(agents)
    .where(ofTrustDomain(ctx, trustDomain))
    .orderBy(asc(agents.id))
    .for('update');
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return ids;
  await ctx.db
    .update(agents)
    .set({ epoch: sql`${agents.epoch} + 1`, updatedAt: ctx.now })
    .where(and(eq(agents.tenantId, ctx.tenantId), sql`${agents.id} = any(${sql.param(ids)}::text[])`));
  if (withdraw === null) return ids;
  // Calls of other actors about these agents are not affected.
  await withdrawCalls(ctx, await waitingCallsOn(ctx, { ofAgents: ids }), withdraw);
  return ids;
}

const ofTrustDomain = (reader: TenantReader, trustDomain: string) =>
  and(
    eq(agents.tenantId, reader.tenantId),
    sql`starts_with(${agents.spiffeId}, ${`spiffe://${trustDomain}/`})`,
  );

const refused = (problem: string): Fault =>
  new Fault('invalid_input', `The SPIFFE ID cannot be used: ${problem}.`, {
    detail: { problems: [{ field: 'spiffe_id', problem }] },
  });

const taken = (cause?: unknown): Fault =>
  new Fault(
    'conflict',
    'Another agent of this organisation has this SPIFFE ID. Use another ID, or first rotate the other agent to other credentials.',
    { field: 'spiffe_id', cause },
  );

import { and, asc, desc, eq, inArray, lt, or, sql, type SQL } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Lock } from '../person/store.ts';
import { calls } from './tables.ts';

/** A row of `calls`. */
export type Call = typeof calls.$inferSelect;
/** A new row of `calls`. */
export type NewCall = typeof calls.$inferInsert;

/** The call with this id, or null; locked if `lock` is given. */
export async function findCall(reader: TenantReader, id: string, lock?: Lock): Promise<Call | null> {
  const query = reader.db
    .select()
    .from(calls)
    .where(and(eq(calls.tenantId, reader.tenantId), eq(calls.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

/** The waiting call with this digest, or null. There is at most one. */
export async function waitingCall(reader: TenantReader, inputDigest: string): Promise<Call | null> {
  const [row] = await reader.db
    .select()
    .from(calls)
    .where(
      and(
        eq(calls.tenantId, reader.tenantId),
        eq(calls.inputDigest, inputDigest),
        eq(calls.state, 'waiting'),
      ),
    );
  return row ?? null;
}

/**
 * Makes all transactions that name the same `what` in this tenant run one after another, until each has
 * ended.
 */
export async function inTurn(ctx: TenantWriter, what: string): Promise<void> {
  await ctx.db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`${ctx.tenantId} ${what}`}, 0))`);
}

/**
 * The call with this digest that is ready or running, or null. To rely on the answer, hold the digest with
 * `inTurn`.
 */
export async function callUnderWay(reader: TenantReader, inputDigest: string): Promise<Call | null> {
  const [row] = await reader.db
    .select()
    .from(calls)
    .where(
      and(
        eq(calls.tenantId, reader.tenantId),
        inArray(calls.state, ['ready', 'running']),
        eq(calls.inputDigest, inputDigest),
      ),
    )
    .limit(1);
  return row ?? null;
}

/** The number of calls of an agent that wait for an approval, in total and under one of its mandates. */
export async function waitingOf(
  reader: TenantReader,
  on: { agentId: string; mandateId: string },
): Promise<{ agent: number; mandate: number }> {
  const [row] = await reader.db
    .select({
      agent: sql<number>`count(*)::int`,
      mandate: sql<number>`(count(*) filter (where ${calls.mandateId} = ${on.mandateId}))::int`,
    })
    .from(calls)
    .where(
      and(eq(calls.tenantId, reader.tenantId), eq(calls.state, 'waiting'), eq(calls.agentId, on.agentId)),
    );
  return row ?? { agent: 0, mandate: 0 };
}

/** Saves a call. False if an identical one is waiting already (law 7); then nothing was saved. */
export async function insertCall(ctx: TenantWriter, call: NewCall): Promise<boolean> {
  const rows = await ctx.db.insert(calls).values(call).onConflictDoNothing().returning({ id: calls.id });
  return rows.length > 0;
}

/** Changes a call and its `updatedAt`. Does not check its state. */
export async function updateCall(
  ctx: TenantWriter,
  id: string,
  change: Partial<Omit<NewCall, 'tenantId' | 'id'>>,
): Promise<void> {
  await ctx.db
    .update(calls)
    .set({ ...change, updatedAt: ctx.now })
    .where(and(eq(calls.tenantId, ctx.tenantId), eq(calls.id, id)));
}

/**
 * Waiting calls that depend on a person, on mandates or on an agent, locked for update: those that a
 * revocation withdraws. An agent counts as caller and as target; `ofAgents` counts only callers.
 */
export async function waitingCallsOn(
  ctx: TenantWriter,
  on: {
    personId?: string;
    mandateIds?: readonly string[];
    agentId?: string;
    ofAgents?: readonly string[];
  },
): Promise<Call[]> {
  return ctx.db
    .select()
    .from(calls)
    .where(
      and(
        eq(calls.tenantId, ctx.tenantId),
        eq(calls.state, 'waiting'),
        or(
          on.personId === undefined ? sql`false` : eq(calls.principalId, on.personId),
          on.agentId === undefined
            ? sql`false`
            : or(eq(calls.agentId, on.agentId), sql`${on.agentId} = any(${calls.targets})`),
          on.ofAgents === undefined
            ? sql`false`
            : sql`${calls.agentId} = any(${sql.param([...on.ofAgents])}::text[])`,
          on.mandateIds === undefined || on.mandateIds.length === 0
            ? sql`false`
            : sql`${calls.mandateId} = any(${sql.param([...on.mandateIds])}::text[])`,
        ),
      ),
    )
    .orderBy(asc(calls.id))
    .for('update');
}

/** The first `limit` waiting calls that match, by id, locked for update. */
export async function waitingCallsWhere(ctx: TenantWriter, where: SQL, limit: number): Promise<Call[]> {
  return ctx.db
    .select()
    .from(calls)
    .where(and(eq(calls.tenantId, ctx.tenantId), eq(calls.state, 'waiting'), where))
    .orderBy(asc(calls.id))
    .limit(limit)
    .for('update');
}

/** The id of the newest call, or '' if there is none. */
export async function lastCallId(reader: TenantReader): Promise<string> {
  const [row] = await reader.db
    .select({ id: calls.id })
    .from(calls)
    .where(eq(calls.tenantId, reader.tenantId))
    .orderBy(desc(calls.id))
    .limit(1);
  return row?.id ?? '';
}

/** Ids of all calls that wait for an approval. */
export async function waitingCallIds(reader: TenantReader): Promise<string[]> {
  const rows = await reader.db
    .select({ id: calls.id })
    .from(calls)
    .where(and(eq(calls.tenantId, reader.tenantId), eq(calls.state, 'waiting')))
    .orderBy(asc(calls.id));
  return rows.map(({ id }) => id);
}

/** Ids of calls that are ready or running and have not changed since a moment. */
export async function stuckCalls(reader: TenantReader, since: Date, limit: number): Promise<string[]> {
  const rows = await reader.db
    .select({ id: calls.id })
    .from(calls)
    .where(
      and(
        eq(calls.tenantId, reader.tenantId),
        inArray(calls.state, ['ready', 'running']),
        lt(calls.updatedAt, since),
      ),
    )
    .limit(limit);
  return rows.map((row) => row.id);
}

/** Whether a call about this person is ready or running. */
export async function openCallOn(reader: TenantReader, personId: string): Promise<boolean> {
  const rows = await reader.db
    .select({ id: calls.id })
    .from(calls)
    .where(
      and(
        eq(calls.tenantId, reader.tenantId),
        inArray(calls.state, ['ready', 'running']),
        sql`${personId} = any(${calls.targets})`,
      ),
    )
    .limit(1);
  return rows.length > 0;
}

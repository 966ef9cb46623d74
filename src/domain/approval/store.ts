import { and, asc, desc, eq, sql, type SQL } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import { agents } from '../agent/tables.ts';
import type { Call } from '../call/store.ts';
import { calls } from '../call/tables.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Lock } from '../person/store.ts';
import type { ApprovalState, Requirement } from './approval.ts';
import { approvals, votes } from './tables.ts';

/** A row of `approvals`. */
export type Approval = typeof approvals.$inferSelect;
/** A new row of `approvals`. */
export type NewApproval = typeof approvals.$inferInsert;
/** A row of `votes`. */
export type Vote = typeof votes.$inferSelect;
/** A new row of `votes`. */
export type NewVote = typeof votes.$inferInsert;

/** The approval with this id, or null; locked if `lock` is given. */
export async function findApproval(reader: TenantReader, id: string, lock?: Lock): Promise<Approval | null> {
  const query = reader.db
    .select()
    .from(approvals)
    .where(and(eq(approvals.tenantId, reader.tenantId), eq(approvals.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

/** The approvals with these ids, each with its call, in no particular order. Unknown ids are left out. */
export async function approvalsWithCalls(
  reader: TenantReader,
  ids: readonly string[],
): Promise<{ readonly approval: Approval; readonly call: Call }[]> {
  if (ids.length === 0) return [];
  return reader.db
    .select({ approval: approvals, call: calls })
    .from(approvals)
    .innerJoin(calls, and(eq(calls.tenantId, approvals.tenantId), eq(calls.id, approvals.callId)))
    .where(and(eq(approvals.tenantId, reader.tenantId), anyOf(approvals.id, ids)));
}

/**
 * What the pending ones of these approvals ask: only what says who may answer. In no particular order.
 */
export async function questionsOf(
  reader: TenantReader,
  ids: readonly string[],
): Promise<
  {
    readonly id: string;
    readonly requirements: readonly Requirement[];
    readonly escalated: boolean;
    readonly call: Pick<Call, 'actor' | 'targets' | 'principalId' | 'agentId'>;
  }[]
> {
  if (ids.length === 0) return [];
  return reader.db
    .select({
      id: approvals.id,
      requirements: approvals.requirements,
      escalated: sql<boolean>`${approvals.escalatedAt} is not null`,
      call: {
        actor: calls.actor,
        targets: calls.targets,
        principalId: calls.principalId,
        agentId: calls.agentId,
      },
    })
    .from(approvals)
    .innerJoin(calls, and(eq(calls.tenantId, approvals.tenantId), eq(calls.id, approvals.callId)))
    .where(
      and(eq(approvals.tenantId, reader.tenantId), eq(approvals.state, 'pending'), anyOf(approvals.id, ids)),
    );
}

const anyOf = (column: AnyPgColumn, ids: readonly string[]): SQL =>
  sql`${column} = any(${sql.param([...ids])}::text[])`;

/** Adds an approval. */
export async function insertApproval(ctx: TenantWriter, approval: NewApproval): Promise<void> {
  await ctx.db.insert(approvals).values(approval);
}

/**
 * Decides a pending approval. Raises the version, so that clicks on older messages no longer count. The
 * caller must have locked it.
 */
export async function settleApproval(
  ctx: TenantWriter,
  approval: Approval,
  state: ApprovalState,
  reason: string | null,
): Promise<void> {
  await ctx.db
    .update(approvals)
    .set({ state, reason, version: approval.version + 1, decidedAt: ctx.now })
    .where(and(eq(approvals.tenantId, ctx.tenantId), eq(approvals.id, approval.id)));
}

/** Withdraws the pending ones of these approvals, in one statement. */
export async function withdrawApprovals(
  ctx: TenantWriter,
  ids: readonly string[],
  reason: string,
): Promise<void> {
  if (ids.length === 0) return;
  await ctx.db
    .update(approvals)
    .set({ state: 'withdrawn', reason, version: sql`${approvals.version} + 1`, decidedAt: ctx.now })
    .where(
      and(eq(approvals.tenantId, ctx.tenantId), eq(approvals.state, 'pending'), anyOf(approvals.id, ids)),
    );
}

/** Raises the version after a vote that did not decide. */
export async function touchApproval(ctx: TenantWriter, approval: Approval): Promise<void> {
  await ctx.db
    .update(approvals)
    .set({ version: approval.version + 1 })
    .where(and(eq(approvals.tenantId, ctx.tenantId), eq(approvals.id, approval.id)));
}

/**
 * Notes a reminder or an escalation. The version stays the same, because what is approved has not changed.
 */
export async function noteApproval(
  ctx: TenantWriter,
  id: string,
  noted: { readonly remindedAt: Date } | { readonly escalatedAt: Date },
): Promise<void> {
  await ctx.db
    .update(approvals)
    .set(noted)
    .where(and(eq(approvals.tenantId, ctx.tenantId), eq(approvals.id, id)));
}

/** Binds the approval to a smaller request: another digest and another impact. */
export async function recastApproval(
  ctx: TenantWriter,
  id: string,
  recast: Pick<Approval, 'digest' | 'impact'>,
): Promise<void> {
  await ctx.db
    .update(approvals)
    .set({ digest: recast.digest, impact: recast.impact })
    .where(and(eq(approvals.tenantId, ctx.tenantId), eq(approvals.id, id)));
}

/** The votes on an approval, oldest first. */
export const votesOf = (reader: TenantReader, approvalId: string): Promise<Vote[]> =>
  votesOn(reader, [approvalId]);

/** The votes on these approvals, oldest first. */
export async function votesOn(reader: TenantReader, approvalIds: readonly string[]): Promise<Vote[]> {
  if (approvalIds.length === 0) return [];
  return reader.db
    .select()
    .from(votes)
    .where(and(eq(votes.tenantId, reader.tenantId), anyOf(votes.approvalId, approvalIds)))
    .orderBy(asc(votes.createdAt), asc(votes.id));
}

/** Saves a vote. False if this person has already voted. */
export async function insertVote(ctx: TenantWriter, vote: NewVote): Promise<boolean> {
  const rows = await ctx.db.insert(votes).values(vote).onConflictDoNothing().returning({ id: votes.id });
  return rows.length > 0;
}

/**
 * What this person asked for that was denied with terms which would be accepted, newest first; `agent` is the
 * one through which it was asked.
 */
export async function deniedWithTerms(
  reader: TenantReader,
  principalId: string,
  limit: number,
): Promise<
  {
    readonly id: string;
    readonly decidedAt: Date | null;
    readonly summary: string;
    readonly agent: string | null;
  }[]
> {
  return reader.db
    .select({
      id: approvals.id,
      decidedAt: approvals.decidedAt,
      summary: calls.summary,
      agent: agents.name,
    })
    .from(approvals)
    .innerJoin(calls, and(eq(calls.tenantId, approvals.tenantId), eq(calls.id, approvals.callId)))
    .leftJoin(agents, and(eq(agents.tenantId, calls.tenantId), eq(agents.id, calls.agentId)))
    .where(
      and(
        eq(approvals.tenantId, reader.tenantId),
        eq(approvals.state, 'rejected'),
        eq(calls.principalId, principalId),
        sql`exists (select from ${votes} where ${votes.tenantId} = ${approvals.tenantId} and ${votes.approvalId} = ${approvals.id}
              and ${votes.vote} = 'deny' and ${votes.suggestion} ? 'terms')`,
      ),
    )
    .orderBy(desc(approvals.id))
    .limit(limit);
}

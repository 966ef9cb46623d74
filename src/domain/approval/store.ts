import { and, asc, eq, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { Lock } from '../person/store.ts';
import type { ApprovalState } from './approval.ts';
import { approvals, votes } from './tables.ts';

export type Approval = typeof approvals.$inferSelect;
export type NewApproval = typeof approvals.$inferInsert;
export type Vote = typeof votes.$inferSelect;
export type NewVote = typeof votes.$inferInsert;

/** The approval with this id, or null. */
export async function findApproval(reader: TenantReader, id: string, lock?: Lock): Promise<Approval | null> {
  const query = reader.db
    .select()
    .from(approvals)
    .where(and(eq(approvals.tenantId, reader.tenantId), eq(approvals.id, id)));
  const [row] = lock === undefined ? await query : await query.for(lock);
  return row ?? null;
}

export async function insertApproval(ctx: TenantWriter, approval: NewApproval): Promise<void> {
  await ctx.db.insert(approvals).values(approval);
}

/** Moves a pending approval on; the version rises, so that older renderings no longer count. */
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

/** Withdraws those of the approvals that are pending, in one statement. */
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
      and(
        eq(approvals.tenantId, ctx.tenantId),
        eq(approvals.state, 'pending'),
        sql`${approvals.id} = any(${sql.param([...ids])}::text[])`,
      ),
    );
}

/** Raises the version: a vote was added that did not decide. */
export async function touchApproval(ctx: TenantWriter, approval: Approval): Promise<void> {
  await ctx.db
    .update(approvals)
    .set({ version: approval.version + 1 })
    .where(and(eq(approvals.tenantId, ctx.tenantId), eq(approvals.id, approval.id)));
}

/** Notes that people were reminded, or that others may vote since. The version stays: what is approved has not changed. */
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

/** Binds it to something smaller than what was asked: another digest, another impact. */
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

export async function votesOf(reader: TenantReader, approvalId: string): Promise<Vote[]> {
  return reader.db
    .select()
    .from(votes)
    .where(and(eq(votes.tenantId, reader.tenantId), eq(votes.approvalId, approvalId)))
    .orderBy(asc(votes.createdAt), asc(votes.id));
}

/** Saves a vote; false where this person has voted already. */
export async function insertVote(ctx: TenantWriter, vote: NewVote): Promise<boolean> {
  const rows = await ctx.db.insert(votes).values(vote).onConflictDoNothing().returning({ id: votes.id });
  return rows.length > 0;
}

/** Pending approvals, those that end first first. */
export async function pendingApprovals(reader: TenantReader, limit: number): Promise<Approval[]> {
  return reader.db
    .select()
    .from(approvals)
    .where(and(eq(approvals.tenantId, reader.tenantId), eq(approvals.state, 'pending')))
    .orderBy(asc(approvals.expiresAt), asc(approvals.id))
    .limit(limit);
}

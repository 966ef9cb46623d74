import { and, desc, eq, lte, sql } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { NO_POLICY, type PolicyFacts } from '../decision/facts.ts';
import { policyVersions } from './tables.ts';

/** A tenant's own policies as they were saved. An empty text means the shipped policies. */
export type PolicyVersion = typeof policyVersions.$inferSelect;

/** Which policies decide now, as decisions read them: version and digest of the tenant's own text. */
export async function policyFacts(reader: TenantReader): Promise<PolicyFacts> {
  const [row] = await reader.db.execute<{ policy: PolicyFacts | string | null }>(
    sql`select decision_policy(${reader.tenantId}) as policy`,
  );
  const policy = row?.policy ?? NO_POLICY;
  return typeof policy === 'string' ? (JSON.parse(policy) as PolicyFacts) : policy;
}

/** The version with this number, or null. Version 0, with which every tenant begins, has no row. */
export async function policyVersion(reader: TenantReader, version: number): Promise<PolicyVersion | null> {
  const [row] = await reader.db
    .select()
    .from(policyVersions)
    .where(and(eq(policyVersions.tenantId, reader.tenantId), eq(policyVersions.version, version)));
  return row ?? null;
}

/** Versions, newest first. With `at`, only those that existed then. */
export async function policyVersionsOf(
  reader: TenantReader,
  limit: number,
  at?: Date,
): Promise<PolicyVersion[]> {
  return reader.db
    .select()
    .from(policyVersions)
    .where(
      and(
        eq(policyVersions.tenantId, reader.tenantId),
        at === undefined ? undefined : lte(policyVersions.createdAt, at),
      ),
    )
    .orderBy(desc(policyVersions.version))
    .limit(limit);
}

/**
 * Puts a text in force as the next version and records it. `text` must have been validated; an empty one
 * means the shipped policies. If two are saved at once, the second fails on the primary key and has to be
 * sent again. Returns the new number. Does not check who may.
 */
export async function savePolicyVersion(
  ctx: TenantWriter,
  version: { text: string; note: string; callId: string; actor: string; digest: string; from: number | null },
): Promise<number> {
  const [newest] = await policyVersionsOf(ctx, 1);
  const number = (newest?.version ?? 0) + 1;
  await ctx.db.insert(policyVersions).values({
    tenantId: ctx.tenantId,
    version: number,
    text: version.text,
    note: version.note,
    callId: version.callId,
    createdAt: ctx.now,
  });
  ctx.record({
    event: 'policy_changed',
    actor: version.actor,
    data: {
      version: number,
      note: version.note,
      digest: version.digest,
      call_id: version.callId,
      ...(version.from === null ? {} : { rolled_back_to: version.from }),
    },
  });
  return number;
}

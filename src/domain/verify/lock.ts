import { sql } from 'drizzle-orm';
import type { TenantWriter } from '../context.ts';

/**
 * Locks people and agents against a revocation until the commit, in the same order as decisions do (law 2).
 */
export async function lockParties(
  ctx: TenantWriter,
  personIds: readonly string[],
  agentIds: readonly string[],
): Promise<void> {
  const [people, agents] = [sql.param([...new Set(personIds)]), sql.param([...new Set(agentIds)])];
  await ctx.db.execute(
    sql`select 1 from people where tenant_id = ${ctx.tenantId} and id = any(${people}::text[]) order by id for share`,
  );
  await ctx.db.execute(
    sql`select 1 from agents where tenant_id = ${ctx.tenantId} and id = any(${agents}::text[]) order by id for share`,
  );
}

import { and, eq, lt } from 'drizzle-orm';
import type { TenantWriter } from '../context.ts';
import { replays } from './tables.ts';

/** Forgets what can no longer be replayed, because it would be refused for its age. */
export async function forgetReplays(ctx: TenantWriter): Promise<void> {
  await ctx.db.delete(replays).where(and(eq(replays.tenantId, ctx.tenantId), lt(replays.expiresAt, ctx.now)));
}

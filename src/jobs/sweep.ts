import { and, eq, inArray, lt } from 'drizzle-orm';
import { calls } from '#domain/call/tables.ts';
import { replays } from '#domain/token/tables.ts';
import type { App } from '#engine/app.ts';
import { EXECUTE_CALL } from '#engine/call.ts';
import { readonly, transact } from '#engine/transact.ts';

/**
 * Every few minutes, for each tenant: forgets what can no longer be replayed, and sends calls that are ready or running but have
 * not moved for ten minutes to the executor once more (a job that ran out of tries while the database or Okta was away).
 */
export async function sweep(app: App, tenantId: string): Promise<void> {
  await transact(app, tenantId, async (ctx) => {
    await ctx.db.delete(replays).where(and(eq(replays.tenantId, tenantId), lt(replays.expiresAt, ctx.now)));
  });
  const stuck = await readonly(app, tenantId, (reader) =>
    reader.db
      .select({ id: calls.id })
      .from(calls)
      .where(and(eq(calls.tenantId, tenantId), inArray(calls.state, ['ready', 'running']), lt(calls.updatedAt, new Date(reader.now.getTime() - 600_000))))
      .limit(500),
  );
  for (const { id } of stuck) await app.queue.send(EXECUTE_CALL, { tenant: tenantId, call: id });
}

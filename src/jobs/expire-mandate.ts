import { z } from 'zod';
import { EXPIRE_MANDATE } from '#domain/mandate/create.ts';
import { expireMandateTree } from '#domain/mandate/expire.ts';
import { findMandate } from '#domain/mandate/store.ts';
import type { App } from '#engine/app.ts';
import { defineJob } from '#engine/job.ts';
import { transact } from '#engine/transact.ts';

export default defineJob({
  queue: EXPIRE_MANDATE,
  data: z.object({ mandate: z.string() }),
  concurrency: 2,
  retryLimit: 50,
  retryDelaySeconds: 5,
  givenUp: 'alarm',
  run: (app, tenantId, { mandate }) => expireMandate(app, tenantId, mandate),
});

/**
 * Ends a mandate that has expired, and every mandate below it. Does nothing if it was renewed or has ended.
 * Decisions check the expiry themselves and do not depend on this job.
 */
export async function expireMandate(app: App, tenantId: string, mandateId: string): Promise<void> {
  await transact(app, tenantId, async (ctx) => {
    const mandate = await findMandate(ctx, mandateId, 'update');
    if (mandate !== null && mandate.expiresAt <= ctx.now)
      await expireMandateTree(ctx, mandateId, 'its time is over');
  });
}

import { expireMandateTree } from '#domain/mandate/expire.ts';
import { findMandate } from '#domain/mandate/store.ts';
import type { App } from '#engine/app.ts';
import { transact } from '#engine/transact.ts';

/** Ends a mandate whose time is over, with everything below it. Not due (it was renewed), or ended already: nothing happens. The decision never waits for this timer. */
export async function expireMandate(app: App, tenantId: string, mandateId: string): Promise<void> {
  await transact(app, tenantId, async (ctx) => {
    const mandate = await findMandate(ctx, mandateId, 'update');
    if (mandate !== null && mandate.expiresAt <= ctx.now)
      await expireMandateTree(ctx, mandateId, 'its time is over');
  });
}

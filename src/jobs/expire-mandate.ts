import { waitingCallsOn } from '#domain/call/store.ts';
import { withdrawCalls } from '#domain/call/withdraw.ts';
import { endMandates, openMandateTree } from '#domain/mandate/store.ts';
import type { App } from '#engine/app.ts';
import { transact } from '#engine/transact.ts';

/** Ends a mandate whose time is over, with everything below it. Not due, or ended already: nothing happens. The decision never waits for this timer. */
export async function expireMandate(app: App, tenantId: string, mandateId: string): Promise<void> {
  await transact(app, tenantId, async (ctx) => {
    const tree = await openMandateTree(ctx, mandateId);
    if (!tree.some((mandate) => mandate.id === mandateId && mandate.expiresAt <= ctx.now)) return;
    const ids = tree.map((mandate) => mandate.id);
    await endMandates(ctx, ids, 'expired', 'its time is over');
    for (const mandate of tree) {
      ctx.record({
        event: 'MANDATE_EXPIRED',
        actor: 'prokura',
        data: { mandate_id: mandate.id, principal: mandate.principalId, agent: mandate.agentId },
      });
      ctx.emit({ name: 'mandate.expired', thing: mandate.id });
    }
    await withdrawCalls(ctx, await waitingCallsOn(ctx, { mandateIds: ids }), {
      actor: 'prokura',
      reason: 'the mandate has expired',
    });
  });
}

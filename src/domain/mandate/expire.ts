import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantWriter } from '../context.ts';
import { endMandateTrees, type EndedMandate } from './store.ts';

/**
 * Ends a mandate as used up or over, with everything below it, and withdraws the calls that wait on
 * them. Returns the mandates that this call ended.
 */
export async function expireMandateTree(
  ctx: TenantWriter,
  mandateId: string,
  reason: string,
): Promise<EndedMandate[]> {
  const tree = await endMandateTrees(ctx, [mandateId], 'expired', reason);
  const ids = tree.map((mandate) => mandate.id);
  for (const mandate of tree) {
    ctx.record({
      event: 'MANDATE_EXPIRED',
      actor: 'prokura',
      data: {
        mandate_id: mandate.id,
        principal: mandate.principalId,
        agent: mandate.agentId,
        reason,
        ...(mandate.id === mandateId ? {} : { because_of: mandateId }),
      },
    });
    ctx.emit({ name: 'mandate.expired', thing: mandate.id });
  }
  await withdrawCalls(ctx, await waitingCallsOn(ctx, { mandateIds: ids }), {
    actor: 'prokura',
    reason: `the mandate has ended: ${reason}`,
  });
  return tree;
}

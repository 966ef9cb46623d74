import type { TenantWriter } from '../context.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import { waitingCallsOn } from '../call/store.ts';
import { endMandateTrees, openMandatesOf, type EndedMandate } from './store.ts';

/** Who ends the mandate and why, as the ledger and the people concerned read it. */
export interface Ending {
  readonly actor: string;
  readonly reason: string;
}

/**
 * Revokes a mandate with everything below it, and withdraws the calls that wait on them. Returns the
 * mandates that this call ended, so none if they had ended before. Locks the rows. Does not check whether
 * the actor may.
 */
export async function revokeMandateTree(
  ctx: TenantWriter,
  mandateId: string,
  ending: Ending,
): Promise<EndedMandate[]> {
  return end(ctx, [mandateId], ending);
}

/**
 * Revokes every open mandate of a principal with everything below, with one `MANDATE_REVOKED` entry each.
 * Returns and locks as `revokeMandateTree` does.
 */
export async function revokeMandatesOf(
  ctx: TenantWriter,
  principalId: string,
  ending: Ending,
): Promise<EndedMandate[]> {
  const own = await openMandatesOf(ctx, principalId);
  return end(
    ctx,
    own.map((mandate) => mandate.id),
    ending,
  );
}

async function end(ctx: TenantWriter, roots: readonly string[], ending: Ending): Promise<EndedMandate[]> {
  const ended = await endMandateTrees(ctx, roots, 'revoked', ending.reason);
  const ids = ended.map((mandate) => mandate.id);
  for (const mandate of ended) {
    ctx.record({
      event: 'MANDATE_REVOKED',
      actor: ending.actor,
      data: {
        mandate_id: mandate.id,
        principal: mandate.principalId,
        agent: mandate.agentId,
        reason: ending.reason,
      },
    });
    ctx.emit({ name: 'mandate.revoked', thing: mandate.id });
  }
  await withdrawCalls(ctx, await waitingCallsOn(ctx, { mandateIds: ids }), ending);
  return ended;
}

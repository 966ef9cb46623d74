import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantWriter } from '../context.ts';
import { freezeMandatesOf } from '../mandate/freeze.ts';
import { revokeMandatesOf, type Ending } from '../mandate/revoke.ts';
import type { EndedMandate } from '../mandate/store.ts';
import { DEFAULT_SETTINGS } from '../tenant/settings.ts';
import { theTenant } from '../tenant/store.ts';
import { BREAKER, countDeparture, insertHold, openHolds } from './store.ts';

/** What happened to a departing person's mandates: revoked, or frozen while the revocation is held back. */
export interface Ended {
  readonly mandates: readonly EndedMandate[];
  readonly held: boolean;
}

/**
 * Revokes a departing person's mandates, unless their source has exceeded the tenant's threshold. Then
 * everything still freezes in this transaction, and only the revocation waits for an administrator (law
 * 9). `ending.actor` is the source. A person who is held stays held, however often the source repeats
 * the departure. The caller must have locked the person for update.
 */
export async function revokeOrHold(ctx: TenantWriter, personId: string, ending: Ending): Promise<Ended> {
  const { settings } = await theTenant(ctx);
  const threshold = settings.breaker ?? DEFAULT_SETTINGS.breaker;
  const people = await countDeparture(ctx, ending.actor, personId, threshold.seconds);
  const [open] = await openHolds(ctx, { people: [personId] }, 'update');
  if (open === undefined && people <= threshold.people)
    return { mandates: await revokeMandatesOf(ctx, personId, ending), held: false };

  const mandates = await freezeMandatesOf(ctx, personId, BREAKER, ending.actor);
  await withdrawCalls(
    ctx,
    await waitingCallsOn(ctx, { personId, mandateIds: mandates.map((mandate) => mandate.id) }),
    ending,
  );
  // Without mandates there is nothing irreversible to hold back.
  if (open === undefined && mandates.length > 0) {
    const hold = await insertHold(ctx, { source: ending.actor, personId, reason: ending.reason });
    ctx.record({
      event: 'BREAKER_TRIPPED',
      actor: ending.actor,
      data: {
        hold_id: hold.id,
        person: personId,
        people,
        threshold: { people: threshold.people, seconds: threshold.seconds },
        mandates: mandates.map((mandate) => mandate.id),
      },
    });
    ctx.emit({ name: 'breaker.tripped', thing: hold.burst });
  }
  return { mandates, held: open !== undefined || mandates.length > 0 };
}

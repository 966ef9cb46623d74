import { ownerLeft } from '../agent/succession.ts';
import { revokeOrHold } from '../breaker/guard.ts';
import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantWriter } from '../context.ts';
import { freezeMandatesOf } from '../mandate/freeze.ts';
import type { EndedMandate } from '../mandate/store.ts';
import { tightenPerson, type Person } from './store.ts';

/**
 * The reason that the ledger shows when SCIM deprovisions a person. Other systems read it, so it
 * must not change.
 */
export const SCIM_REASON = 'User deprovisioned via SCIM';

/** How and why a person leaves. */
export interface Departure {
  /** The source: `okta:scim`, `entra:scim`, `okta:event-hook`, … */
  readonly actor: string;
  readonly reason: string;
  /** `revoke` ends the mandates for good; `freeze` keeps them in case the person returns. */
  readonly mandates: 'revoke' | 'freeze';
}

/**
 * A person leaves. In this transaction their tokens end (epoch), their mandates are revoked or
 * frozen with everything below them, and every call that waits on their authority is withdrawn. In a
 * burst of departures the breaker freezes the mandates and holds the revocation back. SCIM, event
 * hooks, the poller and the sync all use this function. The caller must have locked `person` for
 * update (law 2), so that no mandate can be created from a person who is leaving. Changes nothing of
 * the row except `epoch` and what `tightenPerson` sets. Returns the mandates that it ended or froze.
 */
export async function depart(
  ctx: TenantWriter,
  person: Person,
  departure: Departure,
): Promise<readonly EndedMandate[]> {
  await tightenPerson(ctx, person.id, {});
  const ending = { actor: departure.actor, reason: departure.reason };
  await ownerLeft(ctx, person, { actor: departure.actor, how: 'departed' });
  const { mandates: hit, held } =
    departure.mandates === 'revoke'
      ? await revokeOrHold(ctx, person.id, ending)
      : {
          mandates: await freezeMandatesOf(ctx, person.id, 'principal_deactivated', departure.actor),
          held: false,
        };
  await withdrawCalls(ctx, await waitingCallsOn(ctx, { personId: person.id }), ending);
  ctx.record({
    event: 'user_deactivated',
    actor: departure.actor,
    data: {
      person: person.id,
      subject: `oidc:${person.provider}:${person.uid}`,
      reason: departure.reason,
      mandates: hit.map((mandate) => mandate.id),
      ...(held ? { held: true } : {}),
    },
  });
  ctx.emit({ name: 'person.departed', thing: person.id });
  return hit;
}

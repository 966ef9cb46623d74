import { ownerLeft } from '../agent/succession.ts';
import { revokeOrHold } from '../breaker/guard.ts';
import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantWriter } from '../context.ts';
import { freezeMandatesOf } from '../mandate/freeze.ts';
import type { EndedMandate } from '../mandate/store.ts';
import { tightenPerson, type Person } from './store.ts';

/** The reason that the ledger carries when SCIM takes a person away: a contract (requirements S4). */
export const SCIM_REASON = 'User deprovisioned via SCIM';

export interface Departure {
  /** `okta:scim`, `entra:scim`, `okta:event-hook`, … */
  readonly actor: string;
  readonly reason: string;
  /** `revoke` ends the mandates for good; `freeze` keeps them for a return. */
  readonly mandates: 'revoke' | 'freeze';
}

/**
 * A person leaves: in this transaction their tokens die (epoch), their mandates end or freeze with everything below them (in a burst
 * the breaker freezes them and holds the revocation back), and
 * every call that waits on their authority is withdrawn (D10, S4, S6). Serves SCIM, hooks, poller and sync alike. `person` must be
 * locked `update` (law 2): then no mandate is born from somebody who is leaving. Says nothing of what the caller does to the row
 * beyond `epoch`; deactivating twice revokes nothing twice and records nothing twice.
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

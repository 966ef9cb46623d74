import { ownerLeft } from '../agent/succession.ts';
import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantWriter } from '../context.ts';
import { freezeMandatesOf } from '../mandate/revoke.ts';
import { findPerson, tightenPerson } from './store.ts';

/** The cause that a suspension gives; unsuspending lifts it and nothing else (requirements D9). */
export const SUSPENDED = 'principal_suspended';

/**
 * Holds a suspended person here: status, tokens, mandates and waiting calls, in one transaction, before or after the provider
 * knows of it. Nothing happens where they are SUSPENDED here already. Only a fresh read of the provider lifts it (law 8).
 */
export async function suspendHere(ctx: TenantWriter, personId: string, actor: string): Promise<void> {
  const person = await findPerson(ctx, personId, 'update');
  if (person === null || person.status === 'SUSPENDED') return;
  await tightenPerson(ctx, personId, { status: 'SUSPENDED' });
  await ownerLeft(ctx, person, { actor, how: 'suspended' });
  const frozen = await freezeMandatesOf(ctx, personId, SUSPENDED, actor);
  await withdrawCalls(ctx, await waitingCallsOn(ctx, { personId }), {
    actor,
    reason: 'The principal was suspended',
  });
  ctx.record({
    event: 'user_suspended',
    actor,
    data: { person: personId, mandates: frozen.map((mandate) => mandate.id) },
  });
  ctx.emit({ name: 'person.suspended', thing: personId });
}

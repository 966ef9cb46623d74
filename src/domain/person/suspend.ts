import { and, eq } from 'drizzle-orm';
import { ownerLeft } from '../agent/succession.ts';
import { waitingCallsOn } from '../call/store.ts';
import { withdrawCalls } from '../call/withdraw.ts';
import type { TenantWriter } from '../context.ts';
import { freezeMandatesOf } from '../mandate/freeze.ts';
import { findPerson, tightenPerson, type Person } from './store.ts';
import { people } from './tables.ts';

/** The freeze cause of a suspension. Unsuspending lifts this cause and no other. */
export const SUSPENDED = 'principal_suspended';

/** The freeze cause of a person who is missing at the provider. */
export const MISSING = 'missing_at_provider';

/**
 * Suspends a person here in one transaction: status, tokens, mandates and waiting calls, whether or not the
 * provider knows of it yet. If they are SUSPENDED already, it only voids the reads of the provider that are
 * in progress, because those may be older than this suspension. Only a fresh read of the provider lifts it
 * (law 8).
 */
export async function suspendHere(ctx: TenantWriter, personId: string, actor: string): Promise<void> {
  const person = await findPerson(ctx, personId, 'update');
  if (person === null) return;
  await tightenPerson(ctx, personId, { status: 'SUSPENDED' });
  if (person.status !== 'SUSPENDED') await hold(ctx, person, actor, SUSPENDED, 'The principal was suspended');
}

/**
 * Handles a person whom the provider does not know, as a 404 proved. They are treated as suspended, and
 * nothing is revoked, because a credential that has lost rights gets the same answer. If they were missing
 * before, it only notes the time of the read.
 */
export async function missingHere(ctx: TenantWriter, personId: string, actor: string): Promise<void> {
  const person = await findPerson(ctx, personId, 'update');
  if (person === null) return;
  if (person.missingAt !== null) {
    await ctx.db
      .update(people)
      .set({ readAt: ctx.now })
      .where(and(eq(people.tenantId, ctx.tenantId), eq(people.id, personId)));
    return;
  }
  const status = person.status === 'DEPROVISIONED' ? person.status : 'SUSPENDED';
  await tightenPerson(ctx, personId, { status, readAt: ctx.now, missingAt: ctx.now });
  await hold(ctx, person, actor, MISSING, 'not found at the identity provider');
}

async function hold(
  ctx: TenantWriter,
  person: Person,
  actor: string,
  cause: string,
  reason: string,
): Promise<void> {
  await ownerLeft(ctx, person, { actor, how: 'suspended' });
  const frozen = await freezeMandatesOf(ctx, person.id, cause, actor);
  await withdrawCalls(ctx, await waitingCallsOn(ctx, { personId: person.id }), { actor, reason });
  ctx.record({
    event: 'user_suspended',
    actor,
    data: {
      person: person.id,
      mandates: frozen.map((mandate) => mandate.id),
      ...(cause === MISSING ? { reason } : {}),
    },
  });
  ctx.emit({ name: 'person.suspended', thing: person.id });
}

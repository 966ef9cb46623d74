import { Fault } from '#lib/fault.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { revokeMandatesOf } from '../mandate/revoke.ts';
import { thawMandatesOf } from '../mandate/thaw.ts';
import { findPerson, type Lock, type Person } from '../person/store.ts';
import { BREAKER, openHolds, settleHolds, type Hold } from './store.ts';

/** A held person, as somebody decides about them. */
export interface HeldPerson {
  readonly hold: Hold;
  readonly person: Person;
}

/** Whether nothing at the provider or in SCIM says any more that this person is gone. */
export const isBack = (person: Person): boolean => person.scimActive !== false && person.status === 'ACTIVE';

/**
 * The held among these people, locked where asked in the order of every revocation (people, then holds). Fault `conflict` names
 * those about whom there is nothing to decide: the whole question fails, so that what was approved is what is done.
 */
export async function heldPeople(
  reader: TenantReader,
  ids: readonly string[],
  lock?: Lock,
): Promise<HeldPerson[]> {
  const people = new Map<string, Person>();
  for (const id of [...new Set(ids)].sort()) {
    const person = await findPerson(reader, id, lock);
    if (person !== null) people.set(id, person);
  }
  const holds = await openHolds(reader, { people: [...people.keys()] }, lock);
  const held = holds.flatMap((hold) => {
    const person = people.get(hold.personId);
    return person === undefined ? [] : [{ hold, person }];
  });
  const known = new Set(held.map(({ person }) => person.id));
  const others = [...new Set(ids)].filter((id) => !known.has(id));
  if (others.length === 0) return held;
  const names = others.slice(0, 5).map((id) => people.get(id)?.displayName ?? id);
  throw new Fault('conflict', `Nothing is held for ${names.join(', ')}. See breaker_list for what is.`);
}

/** Carries out the revocations that were held back, with the reason that the source gave. Returns the ids of the mandates that ended. */
export async function applyHolds(
  ctx: TenantWriter,
  ids: readonly string[],
  actor: string,
): Promise<string[]> {
  const held = await heldPeople(ctx, ids, 'update');
  const ended: string[] = [];
  for (const { hold, person } of held) {
    const mandates = await revokeMandatesOf(ctx, person.id, { actor, reason: hold.reason });
    const revoked = mandates.map((mandate) => mandate.id);
    ctx.record({
      event: 'BREAKER_APPLIED',
      actor,
      data: { hold_id: hold.id, person: person.id, source: hold.source, mandates: revoked },
    });
    ended.push(...revoked);
  }
  await settle(ctx, held, 'applied');
  return ended;
}

/** Fault `conflict` where one of them has not come back: their mandates must not thaw. */
export function requireBack(held: readonly HeldPerson[]): void {
  const gone = held.filter(({ person }) => !isBack(person)).map(({ person }) => person.displayName);
  if (gone.length === 0) return;
  throw new Fault(
    'conflict',
    `Not active again: ${gone.slice(0, 5).join(', ')}${gone.length > 5 ? `, and ${gone.length - 5} more` : ''}. Reactivate them at the source first, or carry out the revocation with breaker_apply.`,
  );
}

/** Drops the revocations that were held back and lifts that cause, no other. Returns the ids of the mandates that work again. */
export async function dismissHolds(
  ctx: TenantWriter,
  ids: readonly string[],
  actor: string,
): Promise<string[]> {
  const held = await heldPeople(ctx, ids, 'update');
  requireBack(held);
  const thawed: string[] = [];
  for (const { hold, person } of held) {
    const mandates = await thawMandatesOf(ctx, person.id, BREAKER, actor);
    ctx.record({
      event: 'BREAKER_DISMISSED',
      actor,
      data: { hold_id: hold.id, person: person.id, source: hold.source, mandates },
    });
    thawed.push(...mandates);
  }
  await settle(ctx, held, 'dismissed');
  return thawed;
}

async function settle(
  ctx: TenantWriter,
  held: readonly HeldPerson[],
  how: 'applied' | 'dismissed',
): Promise<void> {
  const holds = held.map(({ hold }) => hold);
  await settleHolds(
    ctx,
    holds.map(({ id }) => id),
    how,
  );
  for (const burst of new Set(holds.map((hold) => hold.burst)))
    ctx.emit({ name: 'breaker.settled', thing: burst });
}

import { Fault } from '#lib/fault.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { revokeMandatesOf } from '../mandate/revoke.ts';
import { thawMandatesOf } from '../mandate/thaw.ts';
import { findPerson, type Lock, type Person } from '../person/store.ts';
import { BREAKER, openHolds, settleHolds, type Hold } from './store.ts';

/** A held person and their hold. */
export interface HeldPerson {
  readonly hold: Hold;
  readonly person: Person;
}

/** Whether both the provider and SCIM show this person as active again. */
export const isBack = (person: Person): boolean => person.scimActive !== false && person.status === 'ACTIVE';

/**
 * The held people among these, locked if asked, in the order of every revocation (people, then holds). Fault
 * `conflict` if any of them is not held: then nothing is done, so that what is done is always what was
 * approved.
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
  throw new Fault(
    'conflict',
    `No revocations are held for ${names.join(', ')}. Use breaker_list to see which are.`,
  );
}

/**
 * Carries out revocations that were held back, with the source's reason. Returns the ids of the mandates that
 * it ended. Fault `conflict` as in `heldPeople`.
 */
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

/** Throws Fault `conflict` if one of them is not active again, because then their mandates must not thaw. */
export function requireBack(held: readonly HeldPerson[]): void {
  const gone = held.filter(({ person }) => !isBack(person)).map(({ person }) => person.displayName);
  if (gone.length === 0) return;
  throw new Fault(
    'conflict',
    `These people are still inactive: ${gone.slice(0, 5).join(', ')}${gone.length > 5 ? `, and ${gone.length - 5} more` : ''}. Reactivate them at the source first, or revoke their mandates with breaker_apply.`,
  );
}

/**
 * Discards revocations that were held back and lifts the cause `breaker`, no other. Returns the ids of the
 * mandates that work again. Fault `conflict` as in `heldPeople` and `requireBack`.
 */
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

import { isBack } from '#domain/breaker/settle.ts';
import { frozenByBreaker, holdsOfBurst } from '#domain/breaker/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { peopleOfRole } from '#domain/group/authority.ts';
import { findPeople, type Person } from '#domain/person/store.ts';
import { standingOf } from '#domain/person/standing.ts';
import { DEFAULT_SETTINGS } from '#domain/tenant/settings.ts';
import { theTenant } from '#domain/tenant/store.ts';
import { Fault } from '#lib/fault.ts';
import type { Copies } from './recipients.ts';
import { breakerMessage } from './messages/breaker.ts';
import type { Request } from './request.ts';

/** How many people one request decides about: as many as the tools take. */
const AT_ONCE = 100;

/**
 * What should stand about a burst of departures: for IT admins, in the approval channel where there is one.
 */
export async function breakerCopies(reader: TenantReader, burst: string): Promise<readonly Copies[]> {
  const holds = await holdsOfBurst(reader, burst);
  const [first] = holds;
  if (first === undefined) return [];
  const { settings } = await theTenant(reader);
  const held = await heldIn(reader, burst);
  const admins = await adminsOf(reader);
  const message = breakerMessage({
    burst,
    source: first.source,
    reason: first.reason,
    since: first.at,
    threshold: settings.breaker ?? DEFAULT_SETTINGS.breaker,
    held: held.map((person) => person.displayName).sort(),
    back: held.filter(isBack).length,
    mandates: await frozenByBreaker(
      reader,
      held.map((person) => person.id),
    ),
    applied: holds.filter(({ state }) => state === 'applied').length,
    dismissed: holds.filter(({ state }) => state === 'dismissed').length,
  });
  const recipients =
    settings.approvalChannel === null
      ? admins.map((person) => ({ person }))
      : [{ channel: settings.approvalChannel, instead: admins }];
  return [{ audience: 'breaker', message, recipients: held.length === 0 ? [] : recipients }];
}

/**
 * What a click on a burst's message asks for: the decision about those who are still held, and for a
 * dismissal are active again. Shows names, so only to IT admins: Fault `forbidden`; whether they may is
 * decided when it is sent. Fault `conflict` where there is nobody to decide about.
 */
export async function breakerRequest(
  reader: TenantReader,
  clicker: Person,
  tool: 'breaker_apply' | 'breaker_dismiss',
  burst: string,
): Promise<Request> {
  if (!(await adminsOf(reader)).some((admin) => admin.id === clicker.id))
    throw new Fault('forbidden', 'Only IT admins can decide revocations that the breaker holds back.');
  const held = await heldIn(reader, burst);
  const meant = tool === 'breaker_apply' ? held : held.filter(isBack);
  if (held.length === 0) throw new Fault('conflict', 'All of these revocations are already decided.');
  if (meant.length === 0)
    throw new Fault(
      'conflict',
      'None of them is active again. Make them active at the source first, then dismiss.',
    );
  return { tool, input: { people: meant.slice(0, AT_ONCE).map((person) => person.id) }, reason: null };
}

async function heldIn(reader: TenantReader, burst: string): Promise<Person[]> {
  const open = (await holdsOfBurst(reader, burst)).filter(({ state }) => state === 'held');
  return findPeople(
    reader,
    open.map(({ personId }) => personId),
  );
}

/** IT admins who may act. */
export const adminsOf = async (reader: TenantReader): Promise<Person[]> =>
  (await peopleOfRole(reader, 'it_admin')).filter((person) => standingOf(person) === null);

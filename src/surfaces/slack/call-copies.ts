import type { KnownBlock } from '@slack/types';
import { principalOf } from '#domain/actor.ts';
import { findAgent } from '#domain/agent/store.ts';
import { FINAL_STATES } from '#domain/call/call.ts';
import { findCall, type Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findMandate, type Mandate } from '#domain/mandate/store.ts';
import { slackAccountOf } from '#domain/person/accounts.ts';
import { findPerson, type Person } from '#domain/person/store.ts';
import { theTenant } from '#domain/tenant/store.ts';
import { sceneOf, type Scene } from '#engine/approve/scene.ts';
import { approvalView, type ApprovalView } from '#engine/approve/view.ts';
import { namesIn } from '#engine/in-words.ts';
import type { Copies, Parts, Place, Recipient } from './recipients.ts';
import { isCard, MANDATE } from './mandate-copies.ts';
import { approvalMessage, type Audience } from './messages/approval.ts';
import type { Message } from './messages/blocks.ts';
import { outcomeLine, outcomeNotice, workingMessage } from './messages/notices.ts';
import { outputBlocks } from './messages/output.ts';
import { escalationMessage, reminderMessage } from './messages/reminders.ts';
import { messagesOf } from './store.ts';
import { toldTogether } from './summary-store.ts';

/** What should stand about a call: the cards of its approval, reminders, and what became of it. */
export async function callCopies(app: Parts, reader: TenantReader, id: string): Promise<readonly Copies[]> {
  const call = await findCall(reader, id);
  if (call === null) return [];
  const principalId = principalOf(call.actor);
  const principal = principalId === null ? null : await findPerson(reader, principalId);
  const view = call.approvalId === null ? null : await approvalView(reader, call.approvalId);
  const shown = view === null ? [] : await approvalCopies(app, reader, view, principal);
  return [...shown, ...(await outcomeCopies(app, reader, call, principal))];
}

async function approvalCopies(
  app: Parts,
  reader: TenantReader,
  view: ApprovalView,
  principal: Person | null,
): Promise<readonly Copies[]> {
  const scene = await sceneOf(app, reader, view);
  const { settings } = await theTenant(reader);
  const result = await resultOf(app, reader, view.call);
  const eligible = new Map(
    view.requirements.flatMap((one) => one.eligible.map((person) => [person.id, person] as const)),
  );
  // A confirmation is between the person and the product: it never stands in a channel.
  const own = [...eligible.values()].filter((person) => person.id === principal?.id);
  const people = [...eligible.values()].filter((person) => person.id !== principal?.id);
  const others =
    settings.approvalChannel === null || people.length === 0
      ? people.map((person) => ({ person }))
      : [{ channel: settings.approvalChannel, instead: people }];
  const approvers = [...own.map((person) => ({ person })), ...others];
  const readers = new Set([...eligible.keys(), ...view.votes.map(({ voter }) => voter.id)]);
  const drawn = (audience: Audience, personId: string | null): Message =>
    approvalMessage(scene, { audience, personId, ...(personId === principal?.id && { result }) });
  return [
    {
      audience: 'approver',
      message: drawn('approver', null),
      own: new Map([...readers].map((personId) => [personId, drawn('approver', personId)])),
      recipients: approvers,
    },
    {
      audience: 'requester',
      message: drawn('requester', principal?.id ?? null),
      recipients:
        principal === null || own.length > 0 || view.approval.state !== 'pending'
          ? []
          : [{ person: principal }],
    },
    ...nudges(view, scene),
  ];
}

/** What a call that is done has answered, as blocks; none for a mandate, which has a message of its own. */
async function resultOf(app: Parts, reader: TenantReader, call: Call): Promise<readonly KnownBlock[]> {
  const entry = app.catalogue.get(call.tool);
  if (call.state !== 'succeeded' || call.result === null || entry === undefined) return [];
  if ((await mandateMadeBy(reader, call)) !== null) return [];
  return outputBlocks(entry, call.result, await namesIn(reader, call.result));
}

/** The mandate that this call has made; null for every other call. */
async function mandateMadeBy(reader: TenantReader, { id, state, result }: Call): Promise<Mandate | null> {
  const made = state === 'succeeded' ? result?.['mandate_id'] : undefined;
  const mandate = typeof made === 'string' ? await findMandate(reader, made) : null;
  return mandate?.callId === id ? mandate : null;
}

/**
 * To each in their own direct messages, once: that a decision is awaited, or has become theirs too. Nobody
 * who has voted is told.
 */
function nudges(view: ApprovalView, scene: Scene): Copies[] {
  const { remindedAt, escalatedAt } = view.approval;
  const added = new Map(view.requirements.flatMap((one) => one.added.map((person) => [person.id, person])));
  const first = new Map(
    view.requirements
      .flatMap((one) => one.eligible)
      .flatMap((person) => (added.has(person.id) ? [] : [[person.id, person]])),
  );
  const silent = (people: ReadonlyMap<string, Person>): Recipient[] =>
    [...people.values()]
      .filter((person) => !view.votes.some(({ voter }) => voter.id === person.id))
      .map((person) => ({ person }));
  const voters = view.votes.map(({ voter }) => voter.id);
  const drawn = (draw: typeof reminderMessage) => ({
    message: draw(scene, null),
    own: new Map(voters.map((personId) => [personId, draw(scene, personId)])),
  });
  return [
    ...(remindedAt === null
      ? []
      : [{ audience: 'reminder', ...drawn(reminderMessage), recipients: silent(first) }]),
    ...(escalatedAt === null
      ? []
      : [{ audience: 'escalation', ...drawn(escalationMessage), recipients: silent(added) }]),
  ];
}

/**
 * What became of a call, for the person on whose authority it ran. Where they have its card, that has become
 * the result, and a line in its thread tells them so, since an edit tells nobody. A mandate that was made
 * tells by its own message.
 */
async function outcomeCopies(
  app: Parts,
  reader: TenantReader,
  call: Call,
  principal: Person | null,
): Promise<readonly Copies[]> {
  if (principal === null) return [];
  // Only asked for while it runs by whoever sent it and has nothing yet: what was approved has its card.
  if (!FINAL_STATES.has(call.state))
    return call.approvalId === null
      ? [{ audience: 'outcome', message: workingMessage(call), recipients: [{ person: principal }] }]
      : [];
  if ((await toldTogether(reader, call.id, 'outcome')).has(principal.id)) return [];
  const agent = call.agentId === null ? null : await findAgent(reader, call.agentId);
  const mandate = await mandateMadeBy(reader, call);
  const card = await cardOf(reader, call, mandate, principal.id);
  if (mandate !== null && card === null) return [];
  const agentName = agent?.name ?? null;
  if (card !== null) {
    const account = (await slackAccountOf(reader, principal.id))?.slackUser ?? null;
    const message = outcomeLine(call, agentName, account);
    const recipients = [{ person: principal, under: card }];
    return message === null ? [] : [{ audience: 'outcome', message, recipients }];
  }
  const names = await namesIn(reader, call.result);
  const message = outcomeNotice(call, app.catalogue.get(call.tool), agentName, names);
  return message === null ? [] : [{ audience: 'outcome', message, recipients: [{ person: principal }] }];
}

/**
 * The message of a request that its requester has, also where it has become that of the mandate that was
 * asked for; null where there is none.
 */
async function cardOf(
  reader: TenantReader,
  { id, settledAt }: Call,
  mandate: Mandate | null,
  personId: string,
): Promise<Place | null> {
  const ofMandate = mandate === null ? [] : await messagesOf(reader, mandate.id);
  const card = [
    ...(await messagesOf(reader, id)).filter(({ audience }) => isCard(audience)),
    // One that was posted for the mandate itself is news already.
    ...ofMandate.filter(
      ({ audience, createdAt }) => audience === MANDATE && settledAt !== null && createdAt < settledAt,
    ),
  ].find((row) => row.personId === personId && row.ts !== null);
  return card?.ts == null ? null : { channel: card.channel, ts: card.ts };
}

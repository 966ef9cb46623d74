import { liveKeys, unproven } from '#domain/agent/credentials.ts';
import { findAgent } from '#domain/agent/store.ts';
import { findUse } from '#domain/break-glass/store.ts';
import { principalOf } from '#domain/actor.ts';
import { FINAL_STATES } from '#domain/call/call.ts';
import { findCall, type Call } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findMandate, frozenSince, type Mandate } from '#domain/mandate/store.ts';
import { describeResource } from '#domain/mandate/words.ts';
import { slackAccountOf } from '#domain/person/accounts.ts';
import { peopleOfRole } from '#domain/group/authority.ts';
import { findPeople, findPerson, type Person } from '#domain/person/store.ts';
import { theTenant } from '#domain/tenant/store.ts';
import { approvalView, type ApprovalView } from '#engine/approve/view.ts';
import type { App } from '#engine/app.ts';
import { alarmMessage } from './messages/alarm.ts';
import { breakerCopies } from './breaker.ts';
import { jobAlarmCopies } from './job-alarm.ts';
import { approvalMessage } from './messages/approval.ts';
import type { Message } from './messages/blocks.ts';
import {
  agentMessage,
  agentOfferMessage,
  contestedMessage,
  mandateMessage,
  mandateNotice,
  offerOverMessage,
  outcomeNotice,
  thawedNotice,
} from './messages/notices.ts';
import { escalationMessage, reminderMessage } from './messages/reminders.ts';
import { sceneOf, type Scene } from '#engine/approve/scene.ts';
import { namesIn } from '#engine/in-words.ts';
import { messagesOf } from './store.ts';

/** Who should have a copy: a person in their direct messages, or everybody in a channel. */
export type Recipient =
  | {
      readonly person: Person;
      /** The account to tell, where it is not the one that shows the person's email now. */
      readonly account?: string;
    }
  | { readonly channel: string; readonly instead: readonly Person[] };

/** What should stand in Slack about a thing for one audience: the message, and who gets a copy if they have none yet. */
export interface Copies {
  readonly audience: string;
  readonly message: Message;
  readonly recipients: readonly Recipient[];
}

type Parts = Pick<App, 'baseUrl' | 'catalogue' | 'loginIssuer'>;

/** All copies that should stand about a call, a mandate, an agent, a burst of departures, a use of break-glass or a job that failed, as its rows are now; none for a thing that is not there. */
export async function copiesOf(app: Parts, reader: TenantReader, thing: string): Promise<readonly Copies[]> {
  if (thing.startsWith('call_')) return callCopies(app, reader, thing);
  if (thing.startsWith('bgu_')) return alarmCopies(reader, thing);
  if (thing.startsWith('mdt_')) return mandateCopies(reader, thing);
  if (thing.startsWith('hold_')) return breakerCopies(reader, thing);
  if (thing.startsWith('alm_')) return jobAlarmCopies(reader, thing);
  if (thing.startsWith('usr_')) return accountCopies(reader, thing);
  return thing.startsWith('agt_') ? agentCopies(reader, thing) : [];
}

async function callCopies(app: Parts, reader: TenantReader, id: string): Promise<readonly Copies[]> {
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
  return [
    { audience: 'approver', message: approvalMessage(scene, 'approver'), recipients: approvers },
    {
      audience: 'requester',
      message: approvalMessage(scene, 'requester'),
      recipients:
        principal === null || own.length > 0 || view.approval.state !== 'pending'
          ? []
          : [{ person: principal }],
    },
    ...nudges(view, scene),
  ];
}

/** To each in their own direct messages, once: that a decision is awaited, or has become theirs too. Nobody who has voted is told. */
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
  return [
    ...(remindedAt === null
      ? []
      : [{ audience: 'reminder', message: reminderMessage(scene), recipients: silent(first) }]),
    ...(escalatedAt === null
      ? []
      : [{ audience: 'escalation', message: escalationMessage(scene), recipients: silent(added) }]),
  ];
}

async function outcomeCopies(
  app: Parts,
  reader: TenantReader,
  call: Call,
  principal: Person | null,
): Promise<readonly Copies[]> {
  if (principal === null || !FINAL_STATES.has(call.state)) return [];
  const agent = call.agentId === null ? null : await findAgent(reader, call.agentId);
  const message = outcomeNotice(
    call,
    app.catalogue.get(call.tool),
    agent?.name ?? null,
    await namesIn(reader, call.result),
  );
  return message === null ? [] : [{ audience: 'outcome', message, recipients: [{ person: principal }] }];
}

async function mandateCopies(reader: TenantReader, id: string): Promise<readonly Copies[]> {
  const mandate = await findMandate(reader, id);
  if (mandate === null) return [];
  const [agent, principal] = [
    await findAgent(reader, mandate.agentId),
    await findPerson(reader, mandate.principalId),
  ];
  const owner =
    agent === null || agent.ownerId === mandate.principalId ? null : await findPerson(reader, agent.ownerId);
  const recipients = [principal, owner].filter((person) => person !== null).map((person) => ({ person }));
  const names = await namesIn(reader, mandate.resources);
  const notice = mandateNotice(mandate, agent);
  const audience = await noticeOf(reader, mandate);
  // A notice of a freeze that is over says so: the next one is told anew.
  const over = (await messagesOf(reader, id))
    .map((row) => row.audience)
    .filter((one) => one.startsWith(FROZEN) && one !== audience);
  return [
    {
      audience: 'mandate',
      message: mandateMessage(
        mandate,
        agent,
        principal,
        mandate.resources.map((pattern) => describeResource(pattern, mandate.principalId, names)).join(', '),
      ),
      recipients,
    },
    ...[...new Set(over)].map((one) => ({
      audience: one,
      message: thawedNotice(mandate, agent),
      recipients: [],
    })),
    ...(notice === null ? [] : [{ audience, message: notice, recipients }]),
  ];
}

const FROZEN = 'mandate-frozen';

/** One for each time that a mandate freezes, and one for its end. */
async function noticeOf(reader: TenantReader, { id, state }: Mandate): Promise<string> {
  if (state !== 'frozen') return `mandate-${state}`;
  return `${FROZEN}-${(await frozenSince(reader, id))?.getTime() ?? 0}`;
}

async function agentCopies(reader: TenantReader, id: string): Promise<readonly Copies[]> {
  const agent = await findAgent(reader, id);
  const owner = agent === null ? null : await findPerson(reader, agent.ownerId);
  if (agent === null || owner === null) return [];
  const heir = agent.offeredTo === null ? null : await findPerson(reader, agent.offeredTo);
  const offer = heir === null ? null : offerTo(heir.id);
  // Whoever was offered it before reads that it is theirs no more, or that they have it: their copy stands, and nobody new gets one.
  const over = (await messagesOf(reader, id))
    .map(({ audience }) => audience)
    .filter((audience) => audience.startsWith(offerTo('')) && audience !== offer);
  return [
    {
      audience: 'owner',
      message: agentMessage(agent, owner, unproven(agent, await liveKeys(reader, agent.id))),
      recipients: [{ person: owner }],
    },
    ...[...new Set(over)].map((audience) => ({
      audience,
      message: offerOverMessage(agent, owner),
      recipients: [],
    })),
    ...(heir === null
      ? []
      : [
          {
            audience: offerTo(heir.id),
            message: agentOfferMessage(agent, owner, heir),
            recipients: [{ person: heir }],
          },
        ]),
  ];
}

/** To everybody concerned, at once: the approval channel, everybody who may review it, and the manager of whom it was done to. */
async function alarmCopies(reader: TenantReader, id: string): Promise<readonly Copies[]> {
  const use = await findUse(reader, id);
  const view = use === null ? null : await approvalView(reader, use.approvalId);
  if (use === null || view === null) return [];
  const targets = await findPeople(reader, view.call.targets);
  const managers = await findPeople(
    reader,
    targets.flatMap((person) => person.managerId ?? []),
  );
  const told = new Map(
    [
      ...(await peopleOfRole(reader, 'it_admin')),
      // They may review it too.
      ...(await peopleOfRole(reader, 'executive')),
      ...managers,
    ].map((person) => [person.id, person]),
  );
  told.delete(use.personId);
  const { approvalChannel } = (await theTenant(reader)).settings;
  const [by, reviewer] = [
    await findPerson(reader, use.personId),
    use.reviewedBy === null ? null : await findPerson(reader, use.reviewedBy),
  ];
  return [
    {
      audience: 'alarm',
      message: alarmMessage(use, view, { by, reviewer }),
      recipients: [
        ...(approvalChannel === null ? [] : [{ channel: approvalChannel, instead: [] }]),
        ...[...told.values()].map((person) => ({ person })),
      ],
    },
  ];
}

/** To the person whose address another account shows, at the account that is known as theirs, and to every other IT admin. */
async function accountCopies(reader: TenantReader, id: string): Promise<readonly Copies[]> {
  const [person, known] = [await findPerson(reader, id), await slackAccountOf(reader, id)];
  if (person === null || known === null || known.contestedBy === null) return [];
  const admins = (await peopleOfRole(reader, 'it_admin')).filter((admin) => admin.id !== id);
  return [
    {
      audience: `account-${known.contestedBy}`,
      message: contestedMessage(person, known.slackUser, known.contestedBy),
      recipients: [{ person, account: known.slackUser }, ...admins.map((admin) => ({ person: admin }))],
    },
  ];
}

const offerTo = (personId: string): string => `heir-${personId}`;

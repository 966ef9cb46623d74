import { liveKeys, unproven } from '#domain/agent/credentials.ts';
import { findAgent } from '#domain/agent/store.ts';
import { findUse } from '#domain/break-glass/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { slackAccountOf } from '#domain/person/accounts.ts';
import { peopleOfRole } from '#domain/group/authority.ts';
import { findPeople, findPerson } from '#domain/person/store.ts';
import { theTenant } from '#domain/tenant/store.ts';
import { approvalView } from '#engine/approve/view.ts';
import { alarmMessage } from './messages/alarm.ts';
import { breakerCopies } from './breaker.ts';
import { callCopies } from './call-copies.ts';
import { jobAlarmCopies } from './job-alarm.ts';
import { mandateCopies } from './mandate-copies.ts';
import { agentMessage, agentOfferMessage, contestedMessage, offerOverMessage } from './messages/notices.ts';
import type { Copies, Parts } from './recipients.ts';
import { messagesOf } from './store.ts';
import { summaryCopies } from './summary-copies.ts';

/**
 * All copies that should stand about a call, a mandate, an agent, a burst of departures, a use of break-
 * glass,
 * a job that failed or a summary, as its rows are now; none for a thing that is not there.
 */
export async function copiesOf(app: Parts, reader: TenantReader, thing: string): Promise<readonly Copies[]> {
  if (thing.startsWith('call_')) return callCopies(app, reader, thing);
  if (thing.startsWith('bgu_')) return alarmCopies(reader, thing);
  if (thing.startsWith('mdt_')) return mandateCopies(reader, thing);
  if (thing.startsWith('hold_')) return breakerCopies(reader, thing);
  if (thing.startsWith('alm_')) return jobAlarmCopies(reader, thing);
  if (thing.startsWith('sum_')) return summaryCopies(reader, thing);
  if (thing.startsWith('usr_')) return accountCopies(reader, thing);
  return thing.startsWith('agt_') ? agentCopies(reader, thing) : [];
}

async function agentCopies(reader: TenantReader, id: string): Promise<readonly Copies[]> {
  const agent = await findAgent(reader, id);
  const owner = agent === null ? null : await findPerson(reader, agent.ownerId);
  if (agent === null || owner === null) return [];
  const heir = agent.offeredTo === null ? null : await findPerson(reader, agent.offeredTo);
  const offer = heir === null ? null : offerTo(heir.id);
  // Whoever was offered it before reads that it is theirs no more, or that they have it: their copy stands,
  // and nobody new gets one.
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

/**
 * To everybody concerned, at once: the approval channel, everybody who may review it, and the manager of whom
 * it was done to.
 */
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

/**
 * To the person whose address another account shows, at the account that is known as theirs, and to every
 * other IT admin.
 */
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

import { findAgent } from '#domain/agent/store.ts';
import { findCall } from '#domain/call/store.ts';
import type { TenantReader } from '#domain/context.ts';
import { findMandate, frozenSince, type Mandate } from '#domain/mandate/store.ts';
import { describeResource } from '#domain/mandate/words.ts';
import { findPerson } from '#domain/person/store.ts';
import { approvalView } from '#engine/approve/view.ts';
import { namesIn } from '#engine/in-words.ts';
import type { Copies } from './recipients.ts';
import { mandateMessage, mandateNotice, thawedNotice } from './messages/mandate.ts';
import { messagesOf, type SlackMessage } from './store.ts';
import { toldTogether } from './summary-store.ts';

/** The audience of a mandate's own message. */
export const MANDATE = 'mandate';

/** Of the copies of a call: those that are the request itself. */
export const isCard = (audience: string): boolean => audience === 'requester' || audience === 'approver';

/** What should stand about a mandate, for whoever gave it and for the owner of its agent. */
export async function mandateCopies(reader: TenantReader, id: string): Promise<readonly Copies[]> {
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
  const asked = await findCall(reader, mandate.callId);
  const view = asked?.approvalId == null ? null : await approvalView(reader, asked.approvalId);
  const notice = mandateNotice(mandate, agent);
  const audience = await noticeOf(reader, mandate);
  // A notice of a freeze that is over says so: the next one is told anew.
  const over = (await messagesOf(reader, id))
    .map((row) => row.audience)
    .filter((one) => one.startsWith(FROZEN) && one !== audience);
  const together = await toldTogether(reader, id, audience);
  const untold = recipients.filter(({ person }) => !together.has(person.id));
  const scene = {
    agent,
    principal,
    resources: mandate.resources
      .map((pattern) => describeResource(pattern, mandate.principalId, names))
      .join(', '),
  };
  return [
    {
      audience: MANDATE,
      // Who voted, and with which words, is for whoever asked alone.
      message: mandateMessage(mandate, { ...scene, view: null }),
      own: new Map([[mandate.principalId, mandateMessage(mandate, { ...scene, view })]]),
      recipients,
    },
    ...[...new Set(over)].map((one) => ({
      audience: one,
      message: thawedNotice(mandate, agent),
      recipients: [],
    })),
    ...(notice === null ? [] : [{ audience, message: notice, recipients: untold }]),
  ];
}

const FROZEN = 'mandate-frozen';

/** One for each time that a mandate freezes, and one for its end. */
async function noticeOf(reader: TenantReader, { id, state }: Mandate): Promise<string> {
  if (state !== 'frozen') return `mandate-${state}`;
  return `${FROZEN}-${(await frozenSince(reader, id))?.getTime() ?? 0}`;
}

/**
 * The card of a request for this mandate that whoever gave it has, and that becomes the mandate's own
 * message; null where there is none.
 */
export async function cardToInherit(
  reader: TenantReader,
  mandateId: string,
): Promise<{ readonly callId: string; readonly row: SlackMessage } | null> {
  const mandate = await findMandate(reader, mandateId);
  if (mandate === null) return null;
  const { callId, principalId } = mandate;
  const own = (row: SlackMessage) => row.personId === principalId;
  if ((await messagesOf(reader, mandateId)).some((row) => row.audience === MANDATE && own(row))) return null;
  const row = (await messagesOf(reader, callId)).find(
    (one) => isCard(one.audience) && own(one) && one.ts !== null,
  );
  return row === undefined ? null : { callId, row };
}

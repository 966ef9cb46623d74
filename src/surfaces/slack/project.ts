import type { WebClient } from '@slack/web-api';
import { waitingCallIds } from '#domain/call/store.ts';
import { slackAccountOf } from '#domain/person/accounts.ts';
import { theTenant } from '#domain/tenant/store.ts';
import type { Person } from '#domain/person/store.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { gather } from '#lib/gather.ts';
import { canonicalJson } from '#lib/json.ts';
import { workEmail } from './account.ts';
import { copiesOf } from './copies.ts';
import type { Copies, Place, Recipient } from './recipients.ts';
import { platformError, rateLimitSeconds, slackWord } from './faults.ts';
import { cardToInherit, MANDATE } from './mandate-copies.ts';
import { withMessageLock } from './message-lock.ts';
import type { Message } from './messages/blocks.ts';
import { handOver, insertMessage, markMessage, messagesOf, thingsShown, type SlackMessage } from './store.ts';
import { noteTogether, summariesOf } from './summary-store.ts';

export interface Projector {
  readonly app: App;
  readonly client: WebClient;
  readonly teamId: string;
}

/** Slack's refusals that no repetition changes: that copy is given up, the others go on. */
const FINAL = new Set([
  'users_not_found',
  'user_not_found',
  'cannot_dm_bot',
  'user_disabled',
  'channel_not_found',
  'not_in_channel',
  'is_archived',
  'restricted_action',
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'invalid_blocks',
  'msg_too_long',
  'no_text',
  'missing_scope',
]);

/** Whether copies that are missing are posted, or only those that stand are edited. */
type Drawing = 'post' | 'edit';

/**
 * Projects several things, each whatever becomes of the others. Throws at the end where one could not be
 * projected yet.
 */
async function projectAll(
  projector: Projector,
  tenantId: string,
  things: readonly string[],
  how: Drawing = 'post',
): Promise<void> {
  const failures: unknown[] = [];
  for (const thing of things)
    await project(projector, tenantId, thing, how).catch((error: unknown) => failures.push(error));
  const limited = failures.find((error) => error instanceof Fault && error.code === 'rate_limited');
  if (failures.length > 0) throw limited ?? failures[0];
}

/**
 * Projects what one event, or the many events of a large change, are about. Of many mandates or withdrawn
 * calls, each person gets one summary; the messages that stand about them are edited, and none is added.
 * The summaries that show one of the things are brought up to date. Throws as `projectAll`.
 */
export async function projectEvents(
  projector: Projector,
  tenantId: string,
  things: readonly string[],
): Promise<void> {
  const { app } = projector;
  const many = things.length > 1 && things.every((thing) => /^(?:mdt|call)_/.test(thing));
  if (!many) {
    const summaries = await readonly(app, tenantId, (reader) => summariesOf(reader, things));
    return projectAll(projector, tenantId, [...things, ...summaries]);
  }
  const summaries = await transact(app, tenantId, (ctx) => noteTogether(ctx, things));
  const shown = await readonly(app, tenantId, (reader) => thingsShown(reader, things));
  const edited = projectAll(projector, tenantId, shown, 'edit');
  await Promise.all([edited, projectAll(projector, tenantId, summaries)]);
}

/**
 * Projects everything that waits for an approval in a tenant. What is asked while that is under way shares
 * the next look: in a burst of departures there are few. Throws as `projectAll`.
 */
export function waitingProjection(projector: Projector): (tenantId: string) => Promise<void> {
  const look = gather<null, undefined>(async (tenantId, asked) => {
    await projectAll(projector, tenantId, await readonly(projector.app, tenantId, waitingCallIds));
    return asked.map(() => undefined);
  });
  return (tenantId) => look(tenantId, null);
}

/**
 * Makes what stands in Slack about a thing equal to what its rows say: posts the copies that are missing,
 * edits those that differ, touches no other. May run any number of times, and at once in several processes:
 * one thing is projected by one at a time. Throws at the end where a copy could not be made yet (Fault
 * `rate_limited` where Slack said for how long), and at once where its lock was lost (somebody else may be at
 * it), so that the queue repeats it.
 */
export async function project(
  { app, client, teamId }: Projector,
  tenantId: string,
  thing: string,
  how: Drawing = 'post',
): Promise<void> {
  const failures: string[] = [];
  let waitSeconds = 0;
  await withMessageLock(app.database, tenantId, thing, async (held) => {
    await inherit();
    const wanted = await readonly(app, tenantId, (reader) => copiesOf(app, reader, thing));
    const standing = await readonly(app, tenantId, (reader) => messagesOf(reader, thing));
    for (const copies of wanted) {
      const mine = standing.filter((row) => row.audience === copies.audience);
      for (const row of mine)
        await tried(held, () => show(row, messageFor(copies, row.personId), placeFor(copies, row.personId)));
      for (const recipient of how === 'edit' ? [] : copies.recipients)
        await tried(held, () => introduce(held, copies, recipient, mine));
    }
  });
  if (waitSeconds > 0)
    throw new Fault('rate_limited', 'Slack asks for fewer messages at once.', {
      detail: { retry_after_seconds: waitSeconds },
    });
  // Its words alone: the queue keeps an error with the job, and Slack's own errors carry requests.
  if (failures.length > 0)
    throw new Error(
      `${failures.length} Slack messages are not as they should be yet: ${failures.join(', ')}`,
    );

  async function tried(held: AbortSignal, work: () => Promise<void>): Promise<void> {
    held.throwIfAborted();
    try {
      await work();
    } catch (error) {
      const word = platformError(error);
      waitSeconds = Math.max(waitSeconds, rateLimitSeconds(error) ?? 0);
      if (word === null || !FINAL.has(word)) failures.push(slackWord(error));
      else app.log.warn({ thing, slack: word }, 'slack: a copy is given up');
    }
  }

  /**
   * The card of a request becomes the message of the mandate that it asked for. Under the card's own lock
   * too: whoever draws the request meanwhile would put its words over those of the mandate.
   */
  async function inherit(): Promise<void> {
    if (!thing.startsWith('mdt_')) return;
    const card = await readonly(app, tenantId, (reader) => cardToInherit(reader, thing));
    if (card === null) return;
    await withMessageLock(app.database, tenantId, card.callId, () =>
      transact(app, tenantId, (ctx) => handOver(ctx, card.row.id, { thing, audience: MANDATE })),
    );
  }

  /** Posts a row that was never posted, edits one that differs. */
  async function show(row: SlackMessage, message: Message, under: Place | null): Promise<void> {
    const renderedHash = sha256(canonicalJson(message));
    if (row.renderedHash === renderedHash && row.ts !== null) return;
    const content = { text: message.text, blocks: message.blocks, unfurl_links: false, unfurl_media: false };
    let { ts } = row;
    if (ts === null) {
      const thread = under?.channel === row.channel ? { thread_ts: under.ts } : {};
      ts = (await client.chat.postMessage({ channel: row.channel, ...thread, ...content })).ts ?? null;
    } else {
      try {
        await client.chat.update({ channel: row.channel, ts, text: message.text, blocks: message.blocks });
      } catch (error) {
        if (platformError(error) !== 'message_not_found') throw error;
        // Somebody deleted it; it is not posted a second time.
      }
    }
    const at = ts;
    if (at !== null)
      await transact(app, tenantId, (ctx) => markMessage(ctx, row.id, { ts: at, renderedHash }));
  }

  async function introduce(
    held: AbortSignal,
    copies: Copies,
    recipient: Recipient,
    standing: readonly SlackMessage[],
  ): Promise<void> {
    if ('channel' in recipient) {
      if (standing.some((row) => row.channel === recipient.channel)) return;
      if (await isInternal(client, recipient.channel)) return post(copies, null, recipient.channel, null);
      app.log.warn(
        { thing, channel: recipient.channel },
        'slack: the approval channel is shared, unknown or not readable; direct messages instead',
      );
      for (const person of recipient.instead)
        await tried(held, () => introduce(held, copies, { person }, standing));
      return;
    }
    const { person, account, under } = recipient;
    if (standing.some((row) => row.personId === person.id)) return;
    const channel = await directChannel(person, account);
    if (channel !== null) await post(copies, person.id, channel, under ?? null);
  }

  async function post(
    copies: Copies,
    personId: string | null,
    channel: string,
    under: Place | null,
  ): Promise<void> {
    const { audience } = copies;
    const row = await transact(app, tenantId, (ctx) =>
      insertMessage(ctx, { thing, audience, personId, channel }),
    );
    await show(row, messageFor(copies, personId), under);
  }

  /**
   * The direct messages of the account that is known as this person's and still has their work email, by the
   * rules for those who act; of the one that has it where none is known. Null where there is none. `account`
   * is told without being asked for its address.
   */
  async function directChannel(person: Person, account?: string): Promise<string | null> {
    if (account !== undefined)
      return (await client.conversations.open({ users: account })).channel?.id ?? null;
    const { settings, known } = await readonly(app, tenantId, async (reader) => ({
      settings: (await theTenant(reader)).settings,
      known: await slackAccountOf(reader, person.id),
    }));
    const { user } =
      known === null
        ? await client.users.lookupByEmail({ email: person.email })
        : await client.users.info({ user: known.slackUser });
    const email = workEmail({ ...user }, teamId, settings.emailDomains);
    if (email !== person.email.toLowerCase() || user?.id === undefined) return null;
    return (await client.conversations.open({ users: user.id })).channel?.id ?? null;
  }
}

const messageFor = ({ message, own }: Copies, personId: string | null): Message =>
  (personId === null ? undefined : own?.get(personId)) ?? message;

/** In whose thread a copy that was never posted is to stand. */
function placeFor({ recipients }: Copies, personId: string | null): Place | null {
  for (const one of recipients) if ('person' in one && one.person.id === personId) return one.under ?? null;
  return null;
}

/**
 * Whether only people of this company see the channel. Not being allowed to know counts as no (assertion Z9).
 */
async function isInternal(client: WebClient, channel: string): Promise<boolean> {
  try {
    const info = (await client.conversations.info({ channel })).channel;
    return (
      info !== undefined &&
      info.is_ext_shared !== true &&
      info.is_pending_ext_shared !== true &&
      info.is_archived !== true
    );
  } catch (error) {
    if (platformError(error) === null) throw error;
    return false;
  }
}

import { call } from '#engine/call.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { approvalView, approverNames, describeShortage } from '#engine/approve/view.ts';
import { namesIn } from '#engine/in-words.ts';
import type { Outcome } from '#engine/outcome.ts';
import { findCall } from '#domain/call/store.ts';
import { findMandate } from '#domain/mandate/store.ts';
import { readonly } from '#engine/transact.ts';
import { awaitOutcome } from '#engine/await-outcome.ts';
import { asFault, Fault } from '#lib/fault.ts';
import { say, type Line } from '#lib/sanitise.ts';
import { draftGone, type Act, type Slack } from './context.ts';
import { spend } from './drafts.ts';
import type { Identity } from './identity.ts';
import { notice, type Message } from './messages/blocks.ts';
import { outcomeMessage } from './messages/outcome.ts';
import { SLACK_PROJECT } from './queue.ts';
import type { Request } from './request.ts';
import { findIntake, settleIntake } from './store.ts';

/**
 * Uses a tool as this person, once: the draft that it comes from is used, and what Slack sent is settled, in
 * the commit of the call. With `seen`, only while it would change what its card has shown: Fault `conflict`
 * else (`isChangedSince`). Never waits for an approval or for the provider: what comes later is told by the
 * projection. Where an error leaves open whether the call was saved, looks, and answers what stands there;
 * throws Fault `unavailable` that says so where it cannot look.
 */
export async function use(
  slack: Slack,
  act: Act,
  { actor }: Identity,
  request: Request,
  { draftId, seen }: { readonly draftId?: string; readonly seen?: string | null } = {},
): Promise<Outcome> {
  const { tool, input, reason } = request;
  const { app } = slack;
  try {
    return await call(app, {
      tenantId: act.tenantId,
      actor,
      tool,
      input,
      waitMs: 0,
      ...(reason === null || reason === '' ? {} : { reason }),
      ...(seen === undefined ? {} : { seen }),
      alongside: async (ctx, callId) => {
        if (draftId !== undefined) await spend(ctx, slack, act, draftId);
        if (act.intake !== null && !(await settleIntake(ctx, act.intake, callId))) throw draftGone();
      },
    });
  } catch (error) {
    const { code } = asFault(error);
    if (act.intake === null || (code !== 'internal' && code !== 'unavailable')) throw error;
    const callId = await savedCall(slack, act.tenantId, act.intake, error);
    if (callId === null) throw error;
    return awaitOutcome(app, act.tenantId, callId, 0);
  }
}

/** The call that was saved in spite of an error, or null where none was. */
async function savedCall(
  { app }: Slack,
  tenantId: string,
  intake: string,
  error: unknown,
): Promise<string | null> {
  try {
    return (await readonly(app, tenantId, (reader) => findIntake(reader, intake)))?.callId ?? null;
  } catch {
    throw new Fault(
      'unavailable',
      'We cannot tell at the moment whether this was done. Look with /approval list or at your messages here before you ask again.',
      { cause: error },
    );
  }
}

/**
 * Where a request was sent from: what it is, and the card that only its sender sees; null for a form, which
 * has closed.
 */
interface SentFrom {
  readonly entry: CatalogueEntry;
  readonly summary: string;
  readonly card: { readonly channel: string | null } | null;
}

/**
 * Tells what became of a request so far, once: what goes on, waits, or has a message of its own is told by
 * that, in the person's direct messages, and becomes the result there. The card says so, or goes, where it
 * stood among the same messages.
 */
export async function tellOutcome(
  slack: Slack,
  act: Act,
  { entry, summary, card }: SentFrom,
  outcome: Outcome,
): Promise<void> {
  if (outcome.status === 'running') await draw(slack, act.tenantId, outcome.callId);
  const elsewhere = await toldElsewhere(slack, act.tenantId, summary, outcome);
  if (elsewhere === null) return act.replace(await answerTo(slack, act.tenantId, entry, summary, outcome));
  if (card === null) return;
  const news = !(await isOlder(slack, act.tenantId, outcome.callId));
  if (news && (await isOwnMessages(slack, act, card.channel))) return act.remove();
  return act.replace(notice(elsewhere));
}

/**
 * Identical requests join one that waits or runs: its message may stand far above, so that a card that goes
 * would say nothing.
 */
const OLDER_MS = 60_000;

async function isOlder({ app }: Slack, tenantId: string, callId: string | null): Promise<boolean> {
  const call = callId === null ? null : await readonly(app, tenantId, (reader) => findCall(reader, callId));
  return call !== null && app.now().getTime() - call.createdAt.getTime() > OLDER_MS;
}

/** What the card says of an outcome that has a message of its own; null where it has none. */
async function toldElsewhere(
  slack: Slack,
  tenantId: string,
  summary: string,
  outcome: Outcome,
): Promise<Line | null> {
  if (outcome.status === 'running')
    return say`Sent: ${summary}. You will get the result as a direct message.`;
  if (outcome.status === 'waiting') {
    const view = await readonly(slack.app, tenantId, (reader) => approvalView(reader, outcome.approvalId));
    // Too few can approve it: what there is left to do is said at once.
    if (view === null || describeShortage(view) !== null) return null;
    return say`Waiting for approval by ${approverNames(view).join(' or ')}: ${summary}. The request is in your direct messages; the result will be there too.`;
  }
  if (outcome.status !== 'done' || typeof outcome.output['mandate_id'] !== 'string') return null;
  const id = outcome.output['mandate_id'];
  const mandate = await readonly(slack.app, tenantId, (reader) => findMandate(reader, id));
  return mandate?.callId === outcome.callId
    ? say`Done: ${summary}. The mandate is in your direct messages.`
    : null;
}

/** Whether this is the conversation of the person with the app. Where Slack does not say, it is not. */
async function isOwnMessages({ client }: Slack, { account }: Act, channel: string | null): Promise<boolean> {
  if (channel === null || !channel.startsWith('D')) return false;
  try {
    return (await client.conversations.open({ users: account.userId })).channel?.id === channel;
  } catch {
    return false;
  }
}

/** Has the messages about a call drawn, as its rows are by then. */
export const draw = ({ app }: Slack, tenantId: string, callId: string): Promise<void> =>
  app.queue.send(SLACK_PROJECT, { tenant: tenantId, fact: 'refresh', thing: callId, id: callId });

/** What became of it so far, for the person who asked. */
export async function answerTo(
  slack: Slack,
  tenantId: string,
  entry: CatalogueEntry,
  summary: string,
  outcome: Outcome,
): Promise<Message> {
  const around = await readonly(slack.app, tenantId, async (reader) => {
    const view = outcome.status === 'waiting' ? await approvalView(reader, outcome.approvalId) : null;
    return {
      shortage: view === null ? null : describeShortage(view),
      names: await namesIn(reader, outcome.status === 'done' ? outcome.output : null),
    };
  });
  return outcomeMessage(entry, summary, outcome, around);
}

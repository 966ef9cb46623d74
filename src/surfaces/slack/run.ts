import { call } from '#engine/call.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { approvalView, approverNames, shortage } from '#engine/approve/view.ts';
import { namesIn } from '#engine/in-words.ts';
import type { Outcome } from '#engine/outcome.ts';
import { readonly } from '#engine/transact.ts';
import { awaitOutcome } from '#engine/await-outcome.ts';
import { asFault, Fault } from '#lib/fault.ts';
import { draftGone, type Act, type Slack } from './context.ts';
import { spend } from './drafts.ts';
import type { Identity } from './identity.ts';
import type { Message } from './messages/blocks.ts';
import { outcomeMessage } from './messages/outcome.ts';
import { findIntake, settleIntake } from './store.ts';

/** What a person asks for: a tool with its input, as the person gave it. */
export interface Request {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly reason: string | null;
}

/**
 * Uses a tool as this person, once: the draft that it comes from is used, and what Slack sent is settled, in the commit of the call. With
 * `seen`, only while it would change what its card has shown: Fault `conflict` else (`isChangedSince`). Never
 * waits for an approval or for the provider: what comes later is told by the projection. Where an error leaves open whether the call was
 * saved, looks, and answers what stands there; throws Fault `unavailable` that says so where it cannot look.
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
      approvers: view === null ? [] : approverNames(view),
      shortage: view === null ? null : shortage(view),
      names: await namesIn(reader, outcome.status === 'done' ? outcome.output : null),
    };
  });
  return outcomeMessage(entry, summary, outcome, around);
}

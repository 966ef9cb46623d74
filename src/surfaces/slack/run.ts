import { call } from '#engine/call.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { approvalView, approverNames, shortage } from '#engine/approve/view.ts';
import { namesIn } from '#engine/in-words.ts';
import type { Outcome } from '#engine/outcome.ts';
import { readonly } from '#engine/transact.ts';
import type { Slack } from './context.ts';
import type { Identity } from './identity.ts';
import type { Message } from './messages/blocks.ts';
import { outcomeMessage } from './messages/outcome.ts';

/** What a person asks for: a tool with its input, as the person gave it. */
export interface Request {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly reason: string | null;
}

/** Uses a tool as this person. Never waits for an approval or for the provider: what comes later is told by the projection. */
export function use(slack: Slack, tenantId: string, { actor }: Identity, request: Request): Promise<Outcome> {
  const { tool, input, reason } = request;
  return call(slack.app, {
    tenantId,
    actor,
    tool,
    input,
    waitMs: 0,
    ...(reason === null || reason === '' ? {} : { reason }),
  });
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

import { call } from '#engine/call.ts';
import type { CatalogueEntry } from '#engine/catalogue.ts';
import { approvalView, approverNames } from '#engine/approve/view.ts';
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
  const approvers =
    outcome.status === 'waiting'
      ? await readonly(slack.app, tenantId, async (reader) => {
          const view = await approvalView(reader, outcome.approvalId);
          return view === null ? [] : approverNames(view);
        })
      : [];
  return outcomeMessage(entry, summary, outcome, approvers);
}

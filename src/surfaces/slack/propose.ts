import { begin } from './drafts.ts';
import type { Act, Slack } from './context.ts';
import { checked } from './forms/check.ts';
import { routeOf } from './forms/submit.ts';
import type { Identity } from './identity.ts';
import { previewMessage } from './messages/preview.ts';
import type { Request } from './run.ts';

/** Shows a request that a button has filled in as a card to confirm. Nothing is asked before it is sent; then policy decides as ever. */
export async function propose(
  slack: Slack,
  act: Act,
  identity: Identity,
  channel: string | null,
  request: Request,
): Promise<void> {
  const route = routeOf(slack, request.tool);
  const { summary, names } = await checked(slack, act.tenantId, identity, route, request);
  const draftId = await begin(slack, act, { kind: 'request', channel, ...request });
  await act.tell(previewMessage(summary, route.fields, request, names, draftId));
}

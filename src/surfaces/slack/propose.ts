import type { Route } from './commands/registry.ts';
import { begin } from './drafts.ts';
import { routeOf, type Act, type Slack } from './context.ts';
import { checkRequest, type Checked } from './forms/check.ts';
import type { Identity } from './identity.ts';
import type { Message } from './messages/blocks.ts';
import { previewMessage } from './messages/preview.ts';
import type { Request } from './request.ts';

/**
 * Shows a request that a button has filled in as a card to confirm. Nothing is asked before it is sent; then
 * policy decides as ever.
 */
export async function propose(
  slack: Slack,
  act: Act,
  identity: Identity,
  channel: string | null,
  request: Request,
): Promise<void> {
  const route = routeOf(slack, request.tool);
  const check = await checkRequest(slack, act.tenantId, identity, route, request);
  await act.tell(await cardOf(slack, act, { route, channel, request, check }));
}

/**
 * The card of a request that can be sent. What it shows is what its *Send* is bound to; `again` where another
 * card showed something else.
 */
export async function cardOf(
  slack: Slack,
  act: Act,
  {
    route,
    channel,
    request,
    check,
    again = false,
  }: {
    readonly route: Pick<Route, 'fields'>;
    readonly channel: string | null;
    readonly request: Request;
    readonly check: Checked;
    readonly again?: boolean;
  },
): Promise<Message> {
  const { tool, input, reason } = request;
  const seen = check.foreseen?.digest ?? null;
  const draftId = await begin(slack, act, { kind: 'request', channel, tool, input, reason, seen });
  return previewMessage(check, route.fields, request, { draftId, again });
}

import { oneLine } from '#lib/sanitise.ts';
import type { WebClient } from '@slack/web-api';
import type { App } from '#engine/app.ts';
import { asFault, Fault } from '#lib/fault.ts';
import { newId } from '#lib/id.ts';
import { isRefusal } from './account.ts';
import type { Registry, Route } from './commands/registry.ts';
import { withoutSecrets } from './transport/logger.ts';
import { faultText, slackFault } from './faults.ts';
import { recordRefusal, type Account, type Identities, type Identity } from './identity.ts';
import { notice, type Message } from './messages/blocks.ts';

/** What every part of this surface shares. */
export interface Slack {
  readonly app: App;
  readonly teamId: string;
  readonly registry: Registry;
  readonly identities: Identities;
  /** For requests that a person waits for. */
  readonly client: WebClient;
  /** The workspace's tenant; Fault `unavailable` while it has none. */
  tenant(): Promise<string>;
}

/** How something that a person did is answered. */
export interface Reply {
  /** Tells this person alone. */
  tell(message: Message): Promise<void>;
  /**
   * Puts the message in place of the card that was clicked, where only this person sees it; tells otherwise.
   */
  replace(message: Message): Promise<void>;
  /** Takes that card away, where only this person sees it. */
  remove(): Promise<void>;
}

/** Something that a person did: a command, a click, a form. `doing` names it for logs and for the ledger. */
export interface Act extends Reply {
  readonly tenantId: string;
  readonly account: Account;
  readonly triggerId: string;
  readonly doing: string;
  /** What it was taken in as; null where nothing is left to do should this process die. */
  readonly intake: string | null;
}

/**
 * Runs `work` for the person behind the account, or tells the account why it is nobody's. The refusal is in
 * the ledger before it is told. Everything that `work` throws becomes an answer to the person, ours with an
 * error id in answer and log.
 */
export async function asPerson(
  slack: Slack,
  act: Act,
  use: 'fresh' | 'cached',
  work: (identity: Identity) => Promise<void>,
): Promise<void> {
  await guarded(slack, act, async () => {
    const identity = await slack.identities.of(act.tenantId, act.account, use);
    if (!isRefusal(identity)) return work(identity);
    await recordRefusal(slack.app, act.tenantId, act.account, act.doing, identity);
    await act.tell(notice(oneLine(identity.message)));
  });
}

/** Runs `work`; a fault is told to the person instead of thrown. Throws only where even telling fails. */
export async function guarded(slack: Slack, act: Act, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await act.tell(notice(oneLine(faultMessage(slack, act.doing, error))));
  }
}

/** A fault in words for the person; one of ours is logged under the id that the person reads. */
export function faultMessage(slack: Slack, doing: string, error: unknown): string {
  const fault = slackFault(error) ?? asFault(error);
  if (fault.code !== 'internal') return faultText(fault);
  const errorId = newId('err');
  slack.app.log.error({ error_id: errorId, doing, reason: reasonOf(fault.cause) }, 'slack: a request failed');
  return faultText(fault, errorId);
}

/** What is underneath, without what Slack sent: its errors carry whole requests. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause;
  const below = cause.cause instanceof Error ? ` (${cause.cause.message})` : '';
  return withoutSecrets(`${cause.name}: ${cause.message}${below}`).slice(0, 500);
}

/** The fault for a draft that is not there: used, expired, or never this person's. */
export const draftGone = (): Fault =>
  new Fault(
    'conflict',
    'This form or card has been used already, or is older than half an hour. Type the command again.',
  );

/** The tool's route, or Fault `conflict` where a newer version no longer has it. */
export function routeOf(slack: Slack, tool: string): Route {
  const route = slack.registry.byTool(tool);
  if (route === undefined) throw draftGone();
  return route;
}

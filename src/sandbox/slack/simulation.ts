import { deliver, signedRequest, type Delivery, type SendOptions, type SentRequest } from './delivery.ts';
import type { Circumstances } from './payloads.ts';
import { newResponseUrl } from './response-url.ts';
import type { SimChannel, SimMessage, SimUser, Wire } from './types.ts';
import type { Workspace } from './web/method.ts';

/** What people's acts need: the workspace, and a line to the app under test. */
export interface Simulation {
  readonly workspace: Workspace;
  readonly verificationToken: string;
  /**
   * How long an act waits for something to become visible after the app's acknowledgement, in milliseconds.
   */
  readonly settleMs: number;
  /**
   * What external menus have offered, by `view_id/block_id/action_id`: what was shown can be chosen later.
   */
  readonly offered: Map<string, readonly Wire[]>;
  /** Every request that was sent, oldest first. */
  readonly sent: SentRequest[];
  send(options: SendOptions | { readonly replay: SentRequest }): Promise<Delivery>;
}

const MAX_REMEMBERED = 5000;

/** Adds to a list of what happened, whose oldest entries are forgotten: a demo may run for weeks. */
export function remember<T>(list: T[], entry: T): void {
  list.push(entry);
  if (list.length > MAX_REMEMBERED) list.splice(0, list.length - MAX_REMEMBERED);
}

/** The line to the app: signs with Slack's clock, records, and delivers to where the app is now. */
export function appLine(
  url: () => string,
  secret: string,
  now: () => number,
  sent: SentRequest[],
): Simulation['send'] {
  return (options) => {
    const request = 'replay' in options ? options.replay : signedRequest(options, secret, now());
    remember(sent, request);
    return deliver(url(), request);
  };
}

/** What ties an act in a conversation to its answer: a fresh trigger_id, and a response_url. */
export function inChannel(
  sim: Simulation,
  user: SimUser,
  channel: SimChannel,
  message: SimMessage | null,
): Circumstances {
  const { world, url } = sim.workspace;
  const original = message === null ? null : { ts: message.ts, ephemeral: message.ephemeralFor !== null };
  return {
    ...circumstances(sim, user, null),
    responseUrl: newResponseUrl(world, url(), user.id, channel.id, original),
  };
}

/** What ties an act in a view to its answer: a fresh trigger_id; views have no response_url. */
export function circumstances(
  { workspace, verificationToken }: Simulation,
  user: SimUser,
  viewId: string | null,
): Circumstances {
  const { world, teamId, appId } = workspace;
  return {
    teamId,
    appId,
    verificationToken,
    triggerId: world.trigger(user.id, viewId),
    responseUrl: '',
    actionTs: world.ts(),
  };
}

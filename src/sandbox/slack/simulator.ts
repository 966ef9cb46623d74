import type { Delivery, SendOptions, SentRequest } from './delivery.ts';
import type { ApiCall } from './web/api.ts';
import type { SlackFaults } from './web/faults.ts';
import type { SimMessage, SimUser, SimView, SlackPerson, Wire } from './types.ts';

/** How to start the simulator. */
export interface SlackSimulatorOptions {
  /** TCP port on 127.0.0.1; 0 (the default) takes a free one. */
  readonly port?: number;
  /** The app's request URL (`…/slack/events`); may be set later with `connect`. */
  readonly appUrl?: string | (() => string);
  /** Random where it is left out. A snapshot's own secrets win. */
  readonly signingSecret?: string;
  readonly botToken?: string;
  /**
   * Where the workspace is kept as JSON, so that a restart goes on where it stopped; nowhere where it is left
   * out.
   */
  readonly stateFile?: string;
  /** Slack's clock in milliseconds, for signatures, trigger_ids and response_urls. */
  readonly now?: () => number;
  /** The bot token's scopes; those of the app's manifest by default. */
  readonly scopes?: readonly string[];
  /**
   * How long an act waits, after the acknowledgement, for something to become visible; 1,000 ms by default.
   */
  readonly settleMs?: number;
}

/** What can be changed about an account while the workspace runs. */
export type UserPatch = Partial<
  Pick<SimUser, 'email' | 'displayName' | 'realName' | 'title' | 'deleted' | 'isEmailConfirmed'>
>;

/** A running Slack workspace with one app in it. */
export interface SlackSimulator {
  readonly url: string;
  /** For `slackApiUrl` of Bolt and `WebClient`. */
  readonly apiUrl: string;
  readonly signingSecret: string;
  readonly botToken: string;
  readonly teamId: string;
  readonly appId: string;
  /** Tells Slack where the app's request URL is. */
  connect(eventsUrl: string): void;
  /**
   * A person by Slack user id, sample key (`mona`), or strange account (`guest`, `stranger`, `impostor` …);
   * throws where there is none.
   */
  as(userIdOrKey: string): SlackPerson;
  /**
   * Messages of a conversation (id, `#name`), or all of them; deleted ones excluded, ephemeral ones included;
   * copies.
   */
  messages(channel?: string): readonly SimMessage[];
  /** A view by id, as it stands; a copy. */
  view(id: string): SimView | null;
  /** Every Web API call of the app, oldest first, without its token. */
  readonly calls: readonly ApiCall[];
  /** Every request to the app, byte for byte; `send({ replay })` sends one again. */
  readonly sent: readonly SentRequest[];
  readonly faults: SlackFaults;
  /** The raw entry for attack tests: sends this payload, signed, with whatever is to be wrong about it. */
  send(options: SendOptions | { readonly replay: SentRequest }): Promise<Delivery>;
  /** Sends an event in its envelope, and again where the app does not take it. */
  emit(event: Wire): Promise<Delivery>;
  /** Changes an account; the app hears `user_change`, if it is connected. */
  setUser(userIdOrKey: string, patch: UserPatch): Promise<SimUser>;
  /** Changes an account's e-mail address, as a person may who edits their profile. */
  setEmail(userIdOrKey: string, email: string | null): Promise<SimUser>;
  /** Makes somebody a member of a channel. */
  invite(channel: string, userIdOrKey: string): void;
  /** Marks a channel as shared with another company; the app hears `channel_shared`. */
  share(channel: string): Promise<void>;
  /** Writes the snapshot and stops listening. */
  close(): Promise<void>;
}

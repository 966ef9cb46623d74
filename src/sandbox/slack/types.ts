import type { KnownBlock } from '@slack/types';

/** An object as it travels on the wire: nothing is known of its members before they are looked at. */
export type Wire = Record<string, unknown>;

/** One account of the simulated workspace, with every flag of `users.info` on which an app should decide. */
export interface SimUser {
  readonly id: string;
  /** The handle: what people type after `@`; a sample person's key. */
  readonly name: string;
  readonly teamId: string;
  realName: string;
  displayName: string;
  email: string | null;
  title: string;
  deleted: boolean;
  readonly isBot: boolean;
  readonly isWorkflowBot: boolean;
  readonly isRestricted: boolean;
  readonly isUltraRestricted: boolean;
  readonly isStranger: boolean;
  readonly isInvitedUser: boolean;
  isEmailConfirmed: boolean;
  readonly isAdmin: boolean;
  readonly botId: string | null;
  /** Seconds since 1970 of the last change to the profile. */
  updated: number;
}

/** A channel or a direct message; `members` are user ids. */
export interface SimChannel {
  readonly id: string;
  readonly name: string;
  readonly kind: 'public' | 'private' | 'im';
  readonly members: string[];
  isExtShared: boolean;
}

/** A user group ("subteam"); `users` are user ids. */
export interface SimUserGroup {
  readonly id: string;
  readonly handle: string;
  readonly name: string;
  users: string[];
}

/** A message as it stands now, with every earlier version. Ephemeral messages have `ephemeralFor`. */
export interface SimMessage {
  readonly channel: string;
  readonly ts: string;
  readonly user: string;
  readonly botId: string | null;
  text: string;
  blocks: readonly KnownBlock[];
  readonly threadTs: string | null;
  readonly ephemeralFor: string | null;
  /** Time of the last edit, as a `ts`. */
  editedTs: string | null;
  deleted: boolean;
  /** What stood here before each edit, oldest first. */
  readonly versions: { readonly text: string; readonly blocks: readonly KnownBlock[] }[];
}

/**
 * An input's state as Slack reports it under `state.values[block_id][action_id]`; `type` says which member
 * carries the value.
 */
export type InputState = { type: string } & Wire;
/** `state.values` of a view or message. */
export type InputValues = Record<string, Record<string, InputState>>;

/** A modal or an App Home view as the simulator holds it. `user` is the person who sees it. */
export interface SimView {
  readonly id: string;
  readonly user: string;
  readonly type: 'modal' | 'home';
  readonly rootId: string;
  readonly previousId: string | null;
  hash: string;
  title: string;
  submit: string | null;
  close: string | null;
  callbackId: string;
  externalId: string;
  privateMetadata: string;
  notifyOnClose: boolean;
  clearOnClose: boolean;
  blocks: readonly KnownBlock[];
  /** What the person has entered so far. */
  values: InputValues;
}

/**
 * What the person would read in place of an answer where the app did not answer as it must; null where all
 * was well.
 */
export type ShownError = 'operation_timeout' | 'dispatch_failed' | 'invalid_response' | null;

/**
 * What came of a command: the app's HTTP status (0: no answer, or nothing was sent), its body (parsed where
 * it is JSON), the ephemeral messages that this person received meanwhile, and the modal that stands open
 * afterwards.
 */
export interface CommandAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly shown: ShownError;
  readonly ephemerals: readonly SimMessage[];
  readonly view?: SimView;
}

/**
 * What came of a click. `cancelled` where the person declined the confirm dialog; status 0: nothing was sent,
 * as of an input that tells nothing.
 */
export interface ClickAnswer extends CommandAnswer {
  readonly cancelled: boolean;
  /** The confirm dialog that was shown, if the element has one. */
  readonly confirm?: { readonly title: string; readonly text: string };
}

/**
 * What came of a modal's submission. `errors` are by block_id, from the app (`responseAction: 'errors'`) or,
 * with status 0, from Slack's own client, which does not send a form with an empty required field.
 */
export interface SubmitAnswer extends CommandAnswer {
  readonly responseAction?: string;
  readonly errors?: Readonly<Record<string, string>>;
}

/** A form with values entered, not yet sent. */
export interface FilledView {
  submits(): Promise<SubmitAnswer>;
  /**
   * Clicks a button of the form, or chooses in an input that tells the app at once, with the values entered.
   */
  clicks(labelOrActionId: string, options?: ClickOptions): Promise<ClickAnswer>;
  /** Closes the modal; the app hears `view_closed` if it asked for it. */
  cancels(): Promise<void>;
}

/** Where a person clicks: a message (by its place), or a view. */
export type ClickTarget = Pick<SimMessage, 'channel' | 'ts'> | SimView;

export interface ClickOptions {
  /**
   * The person still looks at this earlier copy: the button is read out of it, not out of what is stored now.
   */
  readonly staleCopy?: SimMessage;
  /** What to do with a confirm dialog; true by default. */
  readonly confirm?: boolean;
  /**
   * What to choose where the element is a menu, not a button: an option's text or value, a user id, a date.
   */
  readonly choose?: FormValue;
  /** What the person has entered into other inputs of the view before; Slack sends it along. */
  readonly entered?: Readonly<Record<string, FormValue>>;
}

/**
 * What a person enters: text, an option's text or value, a date `YYYY-MM-DD`, true to tick every box, or
 * several options.
 */
export type FormValue = string | boolean | readonly string[];

/** One choice of a menu, as the app offered it. */
export interface SimOption {
  readonly text: string;
  readonly value: string;
  readonly description?: string;
}

/**
 * A person at Slack's client. Everything that they can do goes through what is stored: a button that is not
 * there cannot be clicked. The same interface in the process and over HTTP (`slackDriver`).
 */
export interface SlackPerson {
  readonly id: string;
  /**
   * Sends a slash command (text that begins with `/`) or a message; `channel` defaults to the DM with the
   * app.
   */
  types(text: string, channel?: string): Promise<CommandAnswer>;
  /** Every message that this person can see, ephemeral ones included, oldest first; deleted ones are gone. */
  sees(): Promise<readonly SimMessage[]>;
  /** The DM with the app, newest last. */
  inbox(): Promise<readonly SimMessage[]>;
  /** The first visible message for which this holds; rejects after `ms` (5,000 by default). */
  waitsFor(predicate: (message: SimMessage) => boolean, ms?: number): Promise<SimMessage>;
  /**
   * Clicks an element, found by label or action_id. Throws where it is absent or the person cannot see its
   * place.
   */
  clicks(target: ClickTarget, labelOrActionId: string, options?: ClickOptions): Promise<ClickAnswer>;
  /**
   * Enters values by input label, block_id, action_id, or `block_id/action_id`; wrong names throw at
   * `submits`.
   */
  fills(view: SimView, values: Readonly<Record<string, FormValue>>): FilledView;
  /** What the app offers in this external menu for this query. */
  choosesOption(view: SimView, blockId: string, query: string): Promise<readonly SimOption[]>;
  /** Opens the app's Home tab; null where the app published nothing. */
  opensHome(): Promise<SimView | null>;
  /** The modal that is on top, or null. */
  modal(): Promise<SimView | null>;
}

import type { Person } from '#domain/person/store.ts';
import type { App } from '#engine/app.ts';
import type { Message } from './messages/blocks.ts';

/** Who should have a copy: a person in their direct messages, or everybody in a channel. */
export type Recipient =
  | {
      readonly person: Person;
      /** The account to tell, where it is not the one that shows the person's email now. */
      readonly account?: string;
      /** The message of theirs in whose thread it stands; left out: none. */
      readonly under?: Place;
    }
  | { readonly channel: string; readonly instead: readonly Person[] };

/** Where a message stands. */
export interface Place {
  readonly channel: string;
  readonly ts: string;
}

/**
 * What should stand in Slack about a thing for one audience: the message, and who gets a copy if they have
 * none yet.
 */
export interface Copies {
  readonly audience: string;
  readonly message: Message;
  /** What some people read instead, by their ids: what is left for them to do. */
  readonly own?: ReadonlyMap<string, Message>;
  readonly recipients: readonly Recipient[];
}

/** What of the application it takes to draw. */
export type Parts = Pick<App, 'baseUrl' | 'catalogue' | 'loginIssuer'>;

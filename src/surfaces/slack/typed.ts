import type { Account } from './identity.ts';
import { objectIn, textIn, type Wire } from './wire.ts';

/** A message that a person has typed to the app. */
export interface Typed {
  readonly account: Account;
  readonly text: string;
  readonly channel: string;
}

/**
 * What a person typed in their direct messages with the app, where the request is an event that tells of it;
 * null for every other request: what bots post (our own messages come back too), edits, deletions, uploads,
 * and messages elsewhere. Who typed it is from the signed payload alone.
 */
export function typedIn(body: Wire): Typed | null {
  const event = objectIn(body, 'event');
  if (textIn(body, 'type') !== 'event_callback' || textIn(event, 'type') !== 'message') return null;
  if (textIn(event, 'channel_type') !== 'im' || isNotTyped(event)) return null;
  const userId = textIn(event, 'user');
  const text = textIn(event, 'text').trim();
  if (userId === '' || text === '') return null;
  const teamId = textIn(event, 'user_team') || textIn(event, 'team') || null;
  return { account: { userId, teamId }, text, channel: textIn(event, 'channel') };
}

/** Edits, deletions and posts by programs have a subtype or an author that is no person. */
const isNotTyped = (event: Wire): boolean =>
  ['subtype', 'bot_id', 'bot_profile', 'app_id', 'edited'].some((name) => event[name] != null) ||
  event['hidden'] === true;

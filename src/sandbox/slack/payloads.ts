import { randomBytes } from 'node:crypto';
import { SAMPLE_COMPANY } from '../company.ts';
import { APP, TEAM_DOMAIN } from './seed.ts';
import type { InputState, InputValues, SimChannel, SimMessage, SimUser, SimView, Wire } from './types.ts';
import { wireView } from './views.ts';
import { wireMessage } from './web/chat.ts';

/** What every payload carries, and what ties it to an answer. */
export interface Circumstances {
  readonly teamId: string;
  readonly appId: string;
  /** The old verification token; it proves nothing, and apps should ignore it. */
  readonly verificationToken: string;
  readonly triggerId: string;
  readonly responseUrl: string;
  /** `ts` of the act. */
  readonly actionTs: string;
}

const wireTeam = (teamId: string): Wire => ({ id: teamId, domain: TEAM_DOMAIN });
const wireActor = (user: SimUser): Wire => ({
  id: user.id,
  username: user.name,
  name: user.name,
  team_id: user.teamId,
});

/**
 * The form of a slash command. A stranger's command carries our team: the worst case for the app that
 * receives it.
 */
export function commandPayload(
  at: Circumstances,
  user: SimUser,
  channel: SimChannel,
  command: string,
  text: string,
): Wire {
  return {
    token: at.verificationToken,
    team_id: at.teamId,
    team_domain: TEAM_DOMAIN,
    channel_id: channel.id,
    channel_name: channel.kind === 'im' ? 'directmessage' : channel.name,
    user_id: user.id,
    user_name: user.name,
    command,
    text,
    api_app_id: at.appId,
    is_enterprise_install: 'false',
    response_url: at.responseUrl,
    trigger_id: at.triggerId,
  };
}

/** The place of an interaction: a message with its conversation, or a view. */
export type Place =
  | { readonly message: SimMessage; readonly channel: SimChannel; readonly values: InputValues }
  | { readonly view: SimView };

function placed(at: Circumstances, place: Place): Wire {
  if ('view' in place) {
    return {
      container: { type: 'view', view_id: place.view.id },
      view: wireView(place.view, at.teamId, at.appId),
    };
  }
  const { message, channel, values } = place;
  const ephemeral = message.ephemeralFor !== null;
  return {
    container: {
      type: 'message',
      message_ts: message.ts,
      channel_id: channel.id,
      is_ephemeral: ephemeral,
      ...(message.threadTs === null ? {} : { thread_ts: message.threadTs }),
    },
    channel: { id: channel.id, name: channel.kind === 'im' ? 'directmessage' : channel.name },
    ...(ephemeral ? {} : { message: wireMessage(message, at) }),
    state: { values },
    response_url: at.responseUrl,
  };
}

/** What an action says besides its value. */
export interface Action {
  readonly blockId: string;
  readonly element: Wire;
  readonly state: InputState | null;
}

/**
 * A click, or a choice in a menu that sends itself (`block_actions`). Ephemeral messages are not repeated in
 * it.
 */
export function blockActionsPayload(at: Circumstances, user: SimUser, place: Place, action: Action): Wire {
  const { element, state } = action;
  const shown = Object.fromEntries(
    ['text', 'value', 'style', 'confirm', 'placeholder', 'url']
      .filter((name) => name in element)
      .map((name) => [name, element[name]]),
  );
  return {
    type: 'block_actions',
    user: wireActor(user),
    api_app_id: at.appId,
    token: at.verificationToken,
    trigger_id: at.triggerId,
    team: wireTeam(at.teamId),
    enterprise: null,
    is_enterprise_install: false,
    ...placed(at, place),
    actions: [
      {
        ...shown,
        ...state,
        type: element['type'],
        block_id: action.blockId,
        action_id: element['action_id'],
        action_ts: at.actionTs,
      },
    ],
  };
}

/** A modal that was submitted, or closed where the app asked to hear of it. */
export function viewPayload(
  at: Circumstances,
  user: SimUser,
  view: SimView,
  type: 'view_submission' | 'view_closed',
): Wire {
  return {
    type,
    team: wireTeam(at.teamId),
    user: wireActor(user),
    api_app_id: at.appId,
    token: at.verificationToken,
    ...(type === 'view_submission' ? { trigger_id: at.triggerId, response_urls: [] } : { is_cleared: false }),
    view: wireView(view, at.teamId, at.appId),
    is_enterprise_install: false,
    enterprise: null,
  };
}

/** A query typed into an external menu (`block_suggestion`). */
export function suggestionPayload(
  at: Circumstances,
  user: SimUser,
  view: SimView,
  blockId: string,
  actionId: string,
  value: string,
): Wire {
  return {
    type: 'block_suggestion',
    user: wireActor(user),
    container: { type: 'view', view_id: view.id },
    api_app_id: at.appId,
    token: at.verificationToken,
    action_id: actionId,
    block_id: blockId,
    value,
    team: wireTeam(at.teamId),
    enterprise: null,
    is_enterprise_install: false,
    view: wireView(view, at.teamId, at.appId),
  };
}

/** An event in the envelope of the Events API; `event_id` is new each time. */
export function eventPayload(
  at: Pick<Circumstances, 'teamId' | 'appId' | 'verificationToken'>,
  event: Wire,
  nowMs: number,
  isExtShared = false,
): Wire {
  return {
    token: at.verificationToken,
    team_id: at.teamId,
    context_team_id: at.teamId,
    context_enterprise_id: null,
    api_app_id: at.appId,
    event,
    type: 'event_callback',
    event_id: `Ev${randomBytes(5).toString('hex').toUpperCase()}`,
    event_time: Math.floor(nowMs / 1000),
    authorizations: [
      {
        enterprise_id: null,
        team_id: at.teamId,
        user_id: APP.botUserId,
        is_bot: true,
        is_enterprise_install: false,
      },
    ],
    is_ext_shared_channel: isExtShared,
    event_context: `4-${randomBytes(12).toString('base64url')}-${SAMPLE_COMPANY.slackTeamId}`,
  };
}

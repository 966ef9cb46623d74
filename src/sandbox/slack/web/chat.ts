import type { KnownBlock } from '@slack/types';
import { checkMessageBlocks } from '../blocks/check.ts';
import { APP } from '../seed.ts';
import type { SimChannel, SimMessage, SimUser, Wire } from '../types.ts';
import type { World } from '../world.ts';
import { refuseProblems, SlackError, type Args } from './args.ts';
import type { Methods, Workspace } from './method.ts';

const MAX_TEXT = 40_000;

/**
 * A message's text and blocks as an app sent them, checked as strictly as Slack's live validator and a little
 * more.
 */
export interface Content {
  readonly text: string;
  readonly blocks: readonly KnownBlock[];
}

/**
 * The content of a message. `text` is required also where there are blocks (Slack only warns): without it
 * screen readers and notifications have nothing to say. Refuses with `no_text`, `msg_too_long`,
 * `invalid_blocks`.
 */
export function messageContent(args: Args): Content {
  const blocks = args.json('blocks') ?? [];
  const text = args.text('text') ?? args.text('markdown_text') ?? '';
  if (text.trim() === '') {
    throw new SlackError('no_text', {
      response_metadata: { messages: ['[ERROR] missing required field: text'] },
    });
  }
  if (text.length > MAX_TEXT) throw new SlackError('msg_too_long');
  refuseProblems('invalid_blocks', checkMessageBlocks(blocks));
  return { text, blocks: blocks as KnownBlock[] };
}

/** A message as Slack sends it in API answers, events and interaction payloads. */
export function wireMessage(
  message: SimMessage,
  { teamId, appId }: Pick<Workspace, 'teamId' | 'appId'>,
): Wire {
  return {
    type: 'message',
    user: message.user,
    ts: message.ts,
    ...(message.botId === null ? {} : { bot_id: message.botId, app_id: appId }),
    text: message.text,
    team: teamId,
    blocks: message.blocks,
    ...(message.threadTs === null ? {} : { thread_ts: message.threadTs }),
    ...(message.editedTs === null ? {} : { edited: { user: message.user, ts: message.editedTs } }),
  };
}

/** The conversation of `channel`; a user's id means their DM with the app, which is opened. */
function target(world: World, args: Args): SimChannel {
  const name = args.need('channel');
  const user = world.state.users.find((one) => one.id === name);
  if (user !== undefined) return world.directMessage(reachable(user).id);
  const channel = world.channel(name);
  if (channel === undefined) throw new SlackError('channel_not_found');
  if (!channel.members.includes(APP.botUserId)) throw new SlackError('not_in_channel');
  return channel;
}

function reachable(user: SimUser): SimUser {
  if (user.isBot) throw new SlackError('cannot_dm_bot');
  if (user.deleted) throw new SlackError('user_disabled');
  return user;
}

const author = { user: APP.botUserId, botId: APP.botId };

function own(world: World, args: Args, refusal: string): SimMessage {
  const channel = world.channel(args.need('channel'));
  if (channel === undefined) throw new SlackError('channel_not_found');
  const message = world.message(channel.id, args.need('ts'));
  if (message === undefined) throw new SlackError('message_not_found');
  if (message.user !== APP.botUserId) throw new SlackError(refusal);
  return message;
}

/** Messages: post, update, delete, ephemeral, permalink (docs.slack.dev/reference/methods, `chat.*`). */
export const CHAT_METHODS: Methods = {
  'chat.postMessage': {
    scopes: ['chat:write'],
    run(workspace, args) {
      const content = messageContent(args);
      const channel = target(workspace.world, args);
      const threadTs = args.text('thread_ts');
      if (threadTs !== null && !workspace.world.message(channel.id, threadTs))
        throw new SlackError('thread_not_found');
      const message = workspace.world.post(
        { channel: channel.id, text: content.text, threadTs, ...author },
        content.blocks,
      );
      return { channel: channel.id, ts: message.ts, message: wireMessage(message, workspace) };
    },
  },
  'chat.update': {
    scopes: ['chat:write'],
    run(workspace, args) {
      const message = own(workspace.world, args, 'cant_update_message');
      const content = messageContent(args);
      workspace.world.edit(message, content.text, content.blocks);
      return {
        channel: message.channel,
        ts: message.ts,
        text: message.text,
        message: wireMessage(message, workspace),
      };
    },
  },
  'chat.delete': {
    scopes: ['chat:write'],
    run({ world }, args) {
      const message = own(world, args, 'cant_delete_message');
      world.remove(message);
      return { channel: message.channel, ts: message.ts };
    },
  },
  'chat.postEphemeral': {
    scopes: ['chat:write'],
    run({ world }, args) {
      const content = messageContent(args);
      const channel = target(world, args);
      const user = world.state.users.find((one) => one.id === args.need('user'));
      if (user === undefined) throw new SlackError('user_not_found');
      if (!channel.members.includes(user.id)) throw new SlackError('user_not_in_channel');
      const place = {
        channel: channel.id,
        text: content.text,
        threadTs: args.text('thread_ts'),
        ephemeralFor: user.id,
      };
      return { message_ts: world.post({ ...place, ...author }, content.blocks).ts };
    },
  },
  'chat.getPermalink': {
    scopes: [],
    run({ world, url }, args) {
      const channel = world.channel(args.need('channel'));
      if (channel === undefined) throw new SlackError('channel_not_found');
      const ts = args.need('message_ts');
      if (world.message(channel.id, ts) === undefined) throw new SlackError('message_not_found');
      return { channel: channel.id, permalink: `${url()}/archives/${channel.id}/p${ts.replace('.', '')}` };
    },
  },
};

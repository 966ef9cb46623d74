import { APP } from '../seed.ts';
import type { SimChannel, Wire } from '../types.ts';
import { SlackError, type Args } from './args.ts';
import type { Methods, Workspace } from './method.ts';
import { pageOf } from './page.ts';

const READ_SCOPE = {
  public: 'channels:read',
  private: 'groups:read',
  im: 'im:read',
} as const satisfies Record<SimChannel['kind'], string>;

function wireChannel(channel: SimChannel): Wire {
  const isMember = channel.members.includes(APP.botUserId);
  if (channel.kind === 'im') {
    const user = channel.members.find((one) => one !== APP.botUserId);
    return {
      id: channel.id,
      is_im: true,
      is_channel: false,
      is_group: false,
      is_private: true,
      user,
      is_open: true,
      is_org_shared: false,
    };
  }
  return {
    id: channel.id,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: channel.kind === 'public',
    is_group: channel.kind === 'private',
    is_im: false,
    is_mpim: false,
    is_private: channel.kind === 'private',
    is_archived: false,
    is_general: channel.name === 'general',
    is_shared: channel.isExtShared,
    is_ext_shared: channel.isExtShared,
    is_org_shared: false,
    is_pending_ext_shared: false,
    is_member: isMember,
    num_members: channel.members.length,
  };
}

const visible = (channel: SimChannel): boolean =>
  channel.kind === 'public' || channel.members.includes(APP.botUserId);

function find({ world }: Workspace, args: Args): SimChannel {
  const channel = world.channel(args.need('channel'));
  if (channel === undefined || !visible(channel)) throw new SlackError('channel_not_found');
  return channel;
}

const readScope = (workspace: Workspace, args: Args): readonly string[] => {
  const channel = workspace.world.channel(args.text('channel') ?? '');
  return channel === undefined ? Object.values(READ_SCOPE) : [READ_SCOPE[channel.kind]];
};

const TYPES: Readonly<Record<string, SimChannel['kind']>> = {
  public_channel: 'public',
  private_channel: 'private',
  im: 'im',
};
const kinds = (args: Args): readonly SimChannel['kind'][] =>
  (args.text('types') ?? 'public_channel').split(',').flatMap((type) => TYPES[type.trim()] ?? []);

/** Conversations: open a DM, read channels and their members (`conversations.*`). */
export const CONVERSATION_METHODS: Methods = {
  'conversations.open': {
    scopes: ['im:write', 'mpim:write', 'channels:manage', 'groups:write'],
    run({ world }, args) {
      const ids = (args.text('users') ?? '').split(',').filter((id) => id !== '');
      if (ids.length > 1) throw new SlackError('method_not_supported_for_channel_type');
      const existing = args.text('channel') === null ? undefined : world.channel(args.need('channel'));
      if (ids.length === 0 && existing === undefined) throw new SlackError('users_list_not_supplied');
      if (existing !== undefined) return { channel: wireChannel(existing), no_op: true, already_open: true };
      const user = world.state.users.find((one) => one.id === ids[0]);
      if (user === undefined) throw new SlackError('user_not_found');
      if (user.isBot) throw new SlackError('cannot_dm_bot');
      if (user.deleted) throw new SlackError('user_disabled');
      const channel = world.directMessage(user.id);
      return { channel: args.flag('return_im') ? wireChannel(channel) : { id: channel.id } };
    },
  },
  'conversations.info': {
    scopes: readScope,
    run: (workspace, args) => ({ channel: wireChannel(find(workspace, args)) }),
  },
  'conversations.list': {
    scopes: (_, args) => kinds(args).map((kind) => READ_SCOPE[kind]),
    run({ world }, args) {
      const wanted = kinds(args);
      const { page, response_metadata } = pageOf(
        world.state.channels.filter((one) => wanted.includes(one.kind) && visible(one)),
        args,
      );
      return { channels: page.map(wireChannel), response_metadata };
    },
  },
  'conversations.members': {
    scopes: readScope,
    run(workspace, args) {
      const { page, response_metadata } = pageOf(find(workspace, args).members, args);
      return { members: page, response_metadata };
    },
  },
};

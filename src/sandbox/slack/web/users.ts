import type { SimUser, SimUserGroup, Wire } from '../types.ts';
import { SlackError } from './args.ts';
import type { Methods, Workspace } from './method.ts';
import { pageOf } from './page.ts';

/**
 * An account as `users.info` shows it; the e-mail address only with `users:read.email`. Deleted accounts lack
 * most flags.
 */
export function wireUser(user: SimUser, scopes: ReadonlySet<string>): Wire {
  const [first = '', ...rest] = user.realName.split(' ');
  const email = user.email !== null && scopes.has('users:read.email') ? { email: user.email } : {};
  const profile = {
    real_name: user.realName,
    real_name_normalized: user.realName,
    display_name: user.displayName,
    display_name_normalized: user.displayName,
    first_name: first,
    last_name: rest.join(' '),
    title: user.title,
    team: user.teamId,
    ...(user.botId === null ? {} : { bot_id: user.botId, api_app_id: '' }),
    ...email,
  };
  const base = {
    id: user.id,
    team_id: user.teamId,
    name: user.name,
    deleted: user.deleted,
    profile,
    is_bot: user.isBot,
    is_app_user: false,
    updated: user.updated,
  };
  if (user.deleted) return base;
  return {
    ...base,
    real_name: user.realName,
    tz: 'Europe/Amsterdam',
    tz_label: 'Central European Time',
    tz_offset: 3600,
    is_admin: user.isAdmin,
    is_owner: false,
    is_primary_owner: false,
    is_restricted: user.isRestricted,
    is_ultra_restricted: user.isUltraRestricted,
    is_email_confirmed: user.isEmailConfirmed,
    ...(user.isStranger ? { is_stranger: true } : {}),
    ...(user.isInvitedUser ? { is_invited_user: true } : {}),
    ...(user.isWorkflowBot ? { is_workflow_bot: true } : {}),
    who_can_share_contact_card: 'EVERYONE',
  };
}

const wireGroup = (group: SimUserGroup, teamId: string): Wire => ({
  id: group.id,
  team_id: teamId,
  is_usergroup: true,
  name: group.name,
  handle: group.handle,
  description: '',
  is_external: false,
  date_delete: 0,
  user_count: group.users.length,
});

const wire = (user: SimUser, { scopes }: Workspace): Wire => wireUser(user, scopes);

/** People, user groups and the workspace itself (`users.*`, `usergroups.*`, `team.info`). */
export const USER_METHODS: Methods = {
  'users.info': {
    scopes: ['users:read'],
    run(workspace, args) {
      const user = workspace.world.state.users.find((one) => one.id === args.need('user'));
      if (user === undefined) throw new SlackError('user_not_found');
      return { user: wire(user, workspace) };
    },
  },
  'users.list': {
    scopes: ['users:read'],
    run(workspace, args) {
      const here = workspace.world.state.users.filter((one) => !one.isStranger);
      const { page, response_metadata } = pageOf(here, args);
      return {
        members: page.map((user) => wire(user, workspace)),
        cache_ts: Math.floor(workspace.world.now() / 1000),
        response_metadata,
      };
    },
  },
  'users.lookupByEmail': {
    scopes: ['users:read.email'],
    run(workspace, args) {
      const email = args.need('email').toLowerCase();
      const user = workspace.world.state.users.find(
        (one) => one.email === email && !one.deleted && !one.isStranger,
      );
      if (user === undefined) throw new SlackError('users_not_found');
      return { user: wire(user, workspace) };
    },
  },
  'usergroups.list': {
    scopes: ['usergroups:read'],
    run({ world, teamId }, args) {
      const users = args.flag('include_users');
      const groups = world.state.userGroups.map((group) => ({
        ...wireGroup(group, teamId),
        ...(users ? { users: group.users } : {}),
      }));
      return { usergroups: groups };
    },
  },
  'usergroups.users.list': {
    scopes: ['usergroups:read'],
    run({ world }, args) {
      const group = world.state.userGroups.find((one) => one.id === args.need('usergroup'));
      if (group === undefined) throw new SlackError('no_such_subteam');
      return { users: group.users };
    },
  },
};

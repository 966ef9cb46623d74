import { SAMPLE_COMPANY } from '../../company.ts';
import { APP, TEAM_DOMAIN } from '../seed.ts';
import { SlackError } from './args.ts';
import { CHAT_METHODS } from './chat.ts';
import { CONVERSATION_METHODS } from './conversations.ts';
import type { Methods } from './method.ts';
import { USER_METHODS } from './users.ts';
import { VIEW_METHODS } from './views.ts';

/** Every Web API method that the simulator answers; any other is `unknown_method`. */
export const METHODS: Methods = {
  'api.test': {
    scopes: [],
    run: (_, args) => ({
      args: Object.fromEntries(Object.entries(args.raw).filter(([name]) => name !== 'token')),
    }),
  },
  'auth.test': {
    scopes: [],
    run: ({ teamId, url }) => ({
      url: `${url()}/`,
      team: SAMPLE_COMPANY.name,
      user: APP.name,
      team_id: teamId,
      user_id: APP.botUserId,
      bot_id: APP.botId,
      is_enterprise_install: false,
    }),
  },
  'bots.info': {
    scopes: ['users:read'],
    run: ({ appId }, args) => {
      if (args.raw['bot'] !== undefined && args.raw['bot'] !== APP.botId)
        throw new SlackError('bot_not_found');
      return {
        bot: {
          id: APP.botId,
          deleted: false,
          name: APP.name,
          updated: 1_700_000_000,
          app_id: appId,
          user_id: APP.botUserId,
          icons: {},
        },
      };
    },
  },
  'team.info': {
    scopes: ['team:read'],
    run: ({ teamId }) => ({
      team: {
        id: teamId,
        name: SAMPLE_COMPANY.name,
        domain: TEAM_DOMAIN,
        email_domain: SAMPLE_COMPANY.domain,
        icon: {},
      },
    }),
  },
  ...CHAT_METHODS,
  ...CONVERSATION_METHODS,
  ...USER_METHODS,
  ...VIEW_METHODS,
};

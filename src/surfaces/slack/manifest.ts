import type { Registry, Route } from './commands/registry.ts';

/** What the app may do in a workspace: what is used now, and nothing else. */
export const SCOPES = ['commands', 'chat:write', 'im:history', 'im:write', 'users:read', 'users:read.email'];

/** What the app is told of: what people type to it in their direct messages. */
const EVENTS = ['message.im'];

/**
 * Asked for where approvals go to a channel: whether it is shared with another company must be known first.
 */
export const OPTIONAL_SCOPES = ['channels:read', 'groups:read'];

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  '/account': 'Link Slack accounts again',
  '/apikey': 'What API keys may do',
  '/breakglass': 'Who may act at once in an emergency',
  '/breaker': 'Decide revocations that the breaker holds back',
  '/freeze': 'Stop agents, people, mandates, everything',
  '/okta': 'Okta user actions, with approvals',
  '/mandate': 'What agents may do for you',
  '/agent': 'Agents and their owners',
  '/approval': 'What waits for a decision',
  '/group': 'What groups give their members',
  '/policy': 'The rules, and trying new ones',
  '/scope': 'The catalogue of scopes',
  '/spiffe': 'Trust domains whose workloads act as agents',
  '/client': 'Programs that may act for people',
  '/resource': 'Your systems that take delegation tokens',
  '/provider': 'Where identities come from',
};

/**
 * The app's manifest (Slack's manifest schema, version 2), from the same registry as the parser and `help`: a
 * new tool's command is in it without another change. `baseUrl` without a trailing slash.
 */
export function manifest(registry: Registry, baseUrl: string) {
  const url = `${baseUrl}/slack/events`;
  return {
    _metadata: { major_version: 2, minor_version: 1 },
    display_information: {
      name: 'Prokura',
      description: 'Okta actions and mandates with approvals, for people and agents.',
      background_color: '#1f2430',
    },
    features: {
      app_home: {
        home_tab_enabled: false,
        messages_tab_enabled: true,
        messages_tab_read_only_enabled: false,
      },
      bot_user: { display_name: 'prokura', always_online: true },
      slash_commands: registry.roots.map((root) => ({
        command: root,
        url,
        description: DESCRIPTIONS[root] ?? 'Prokura',
        usage_hint: usageHint(registry.under(root)),
        should_escape: true,
      })),
    },
    oauth_config: { scopes: { bot: SCOPES, bot_optional: OPTIONAL_SCOPES } },
    settings: {
      event_subscriptions: { request_url: url, bot_events: EVENTS },
      interactivity: { is_enabled: true, request_url: url, message_menu_options_url: url },
      org_deploy_enabled: false,
      socket_mode_enabled: false,
      token_rotation_enabled: false,
    },
  };
}

const usageHint = (routes: readonly Route[]): string =>
  [...routes.map((route) => route.usage.slice(route.root.length + 1)), 'help'].join(' | ').slice(0, 1000);

import { answersTo, silenceOf, type Check } from '#lib/check.ts';
import { oneLine } from '#lib/sanitise.ts';
import { guardedFetch } from './transport/egress.ts';
import { OPTIONAL_SCOPES, SCOPES } from './manifest.ts';

/** Which app in which workspace this should be, and its token. */
export interface SlackToCheck {
  readonly teamId: string;
  readonly appId: string;
  readonly botToken: string;
  /** Web API root of a simulator; Slack's own where it is left out. */
  readonly apiUrl?: string | undefined;
}

interface Said {
  readonly ok: boolean;
  readonly error: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** What the token may do (`x-oauth-scopes`); null where Slack does not say. */
  readonly scopes: readonly string[] | null;
}

/** What the refusals of `auth.test` mean (docs.slack.dev/reference/methods/auth.test). */
const REFUSALS: Readonly<Record<string, string>> = {
  account_inactive: 'Reinstall the app: Slack has deactivated it or its bot.',
  invalid_auth: 'Copy SLACK_BOT_TOKEN again: OAuth & Permissions, Bot User OAuth Token (xoxb-…).',
  not_authed: 'Set SLACK_BOT_TOKEN: OAuth & Permissions, Bot User OAuth Token (xoxb-…).',
  token_expired: 'Reinstall the app without token rotation, and copy SLACK_BOT_TOKEN again.',
  token_revoked: 'Install the app again, and copy SLACK_BOT_TOKEN again.',
};

const REACH = 'Check that this machine can reach slack.com: DNS, firewall, proxy.';

/**
 * Asks Slack whether the token is good, belongs to this workspace and this app, and has the scopes of the
 * manifest. Sends no message. Whether Slack reaches this server cannot be asked: that shows when somebody
 * types a command.
 */
export async function checkSlack(settings: SlackToCheck): Promise<Check[]> {
  const token = answersTo('slack.token', 'Slack: the bot token');
  const own = await ask(settings, 'auth.test');
  if ('check' in own) return [own.check];
  if (own.error === 'ratelimited')
    // It took the token, or it would have said so.
    return [token.warning('Slack limits our requests right now (429).', 'Check again in a minute.')];
  if (!own.ok)
    return [
      token.failed(
        `Slack refuses it: ${own.error}.`,
        REFUSALS[own.error] ?? 'Check SLACK_BOT_TOKEN.',
        own.error,
      ),
    ];
  return [
    token.ok('Slack accepts it.'),
    teamCheck(settings, own),
    ...(own.scopes === null ? [] : [scopeCheck(own.scopes)]),
    await appCheck(settings, own),
  ];
}

function teamCheck({ teamId }: SlackToCheck, { body }: Said): Check {
  const answers = answersTo('slack.team', 'Slack: the workspace');
  const found = idIn(body['team_id'], 'no workspace');
  return found === teamId
    ? answers.ok(`It is ${teamId}.`)
    : answers.failed(
        `The token is for ${found}, not for ${teamId}.`,
        'Set SLACK_TEAM_ID to the workspace in which the app is installed, or install it in the other one.',
        'other_team',
      );
}

function scopeCheck(granted: readonly string[]): Check {
  const answers = answersTo('slack.scopes', 'Slack: the scopes of the bot');
  const missing = SCOPES.filter((one) => !granted.includes(one));
  if (missing.length > 0)
    return answers.failed(
      `Not granted: ${missing.join(', ')}.`,
      'Paste the current manifest.yml at App Manifest, save, and reinstall the app; the token may change.',
      'missing_scope',
    );
  const optional = OPTIONAL_SCOPES.filter((one) => !granted.includes(one));
  return answers.ok(
    `Granted: ${SCOPES.join(', ')}.${optional.length === 0 ? '' : ` Without the optional ${optional.join(', ')}, approvals cannot go to a channel.`}`,
  );
}

async function appCheck(settings: SlackToCheck, { body }: Said): Promise<Check> {
  const answers = answersTo('slack.app', 'Slack: the app');
  const remedy = 'Set SLACK_APP_ID to Basic Information, App ID, of the app whose token this is.';
  const bot = body['bot_id'];
  if (typeof bot !== 'string')
    return answers.failed(
      'The token is not the token of a bot.',
      `Use the xoxb-… token. ${remedy}`,
      'no_bot',
    );
  const info = await ask(settings, 'bots.info', { bot });
  if ('check' in info) return { ...info.check, id: 'slack.app', asked: 'Slack: the app' };
  if (info.error === 'ratelimited')
    return answers.warning('Slack limits our requests right now (429).', 'Check again in a minute.');
  if (!info.ok)
    return answers.failed(`Slack does not say which app it is: ${info.error}.`, remedy, info.error);
  const found = idIn((info.body['bot'] as { app_id?: unknown } | undefined)?.app_id, 'no app');
  // Slack names the app of a request in its body, and requests of any other app are refused.
  return found === settings.appId
    ? answers.ok(`It is ${found}.`)
    : answers.failed(`The token is of the app ${found}, not of ${settings.appId}.`, remedy, 'other_app');
}

/** An id in an answer of Slack's, or these words where there is none. */
const idIn = (value: unknown, otherwise: string): string =>
  typeof value === 'string' ? oneLine(value) : otherwise;

async function ask(
  { botToken, apiUrl }: SlackToCheck,
  method: string,
  args: Readonly<Record<string, string>> = {},
): Promise<Said | { readonly check: Check }> {
  const answers = answersTo('slack.token', 'Slack: the bot token');
  try {
    const answer = await guardedFetch(apiUrl)(`${apiUrl ?? 'https://slack.com/api/'}${method}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${botToken}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams(args).toString(),
    });
    if (answer.status === 429) return { ok: false, error: 'ratelimited', body: {}, scopes: null };
    const body = JSON.parse(await answer.text()) as Record<string, unknown>;
    const scopes = answer.headers.get('x-oauth-scopes');
    return {
      ok: body['ok'] === true,
      // It goes into answers that anybody may read.
      error: /^[a-z_]{1,60}$/.test(String(body['error'])) ? String(body['error']) : 'unknown_error',
      body,
      scopes: scopes === null ? null : scopes.split(',').map((one) => one.trim()),
    };
  } catch (error) {
    if (error instanceof SyntaxError)
      return {
        check: answers.failed(
          'The answer is not from Slack.',
          'Check proxies between this machine and slack.com.',
          'not_slack',
        ),
      };
    const { code, words } = silenceOf(error);
    return { check: answers.failed(`Slack ${words}.`, REACH, code) };
  }
}

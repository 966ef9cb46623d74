import { connectionTarget } from '#db/connection-url.ts';
import { validateOrgUrl } from '#idp/okta/index.ts';
import { Fault } from '#lib/fault.ts';
import { nearestName } from '#lib/problems.ts';
import { MIN_SIGNING_SECRET } from '#surfaces/slack/transport/request.ts';
import { Environment } from './environment.ts';
import { isPem, oktaPrivateKey } from './okta-key.ts';

const OKTA = ['OKTA_ORG_URL', 'OKTA_ISSUER', 'OKTA_AUDIENCE'] as const;
const OKTA_LOGIN = ['OKTA_LOGIN_CLIENT_ID', 'OKTA_LOGIN_CLIENT_SECRET'] as const;
const OKTA_KEYS = ['OKTA_CLIENT_ID', 'OKTA_PRIVATE_KEY'] as const;
const SLACK = ['SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET', 'SLACK_TEAM_ID', 'SLACK_APP_ID'] as const;

/** Settings of the real Okta and Slack. A sandbox has none of them. */
const REAL = [...OKTA, ...OKTA_KEYS, 'OKTA_KEY_ID', 'OKTA_API_TOKEN', ...OKTA_LOGIN, ...SLACK];

/** Variables that look like settings but are not: a typing error must not silently leave a setting unset. */
export function unknownNames(names: readonly string[]): string[] {
  const known = Object.keys(Environment.shape);
  return names
    .filter((name) => /^(?:OKTA|SLACK|PROKURA|SANDBOX)_/.test(name) && !known.includes(name))
    .map((name) => {
      const near = nearestName(name, known);
      return near === null
        ? `${name} is not a setting of Prokura. Remove it from the environment.`
        : `${name} is not a setting of Prokura. Did you mean ${near}?`;
    });
}

/**
 * What prevents the settings from being those of a live installation. Returns all problems, each with what to
 * set.
 */
export function liveProblems(settings: Environment, given: Record<string, unknown>): string[] {
  const problems: string[] = [];
  const missing = (names: readonly string[]) => names.filter((name) => !(name in given));
  for (const name of [...missing(OKTA), ...missing(SLACK)])
    problems.push(`${name} is missing. PROKURA_MODE=live needs all settings of Okta and Slack.`);
  const keys = missing(OKTA_KEYS);
  if (settings.OKTA_API_TOKEN === undefined)
    for (const name of keys)
      problems.push(`${name} is missing (or set OKTA_API_TOKEN instead of client id and key).`);
  else if (keys.length < OKTA_KEYS.length)
    problems.push(
      'OKTA_API_TOKEN is set together with OKTA_CLIENT_ID or OKTA_PRIVATE_KEY. Choose one kind of credential.',
    );
  problems.push(...keyProblems(settings));
  if (settings.OKTA_LOGIN_CLIENT_SECRET !== undefined && settings.OKTA_LOGIN_CLIENT_ID === undefined)
    problems.push('OKTA_LOGIN_CLIENT_SECRET is set without OKTA_LOGIN_CLIENT_ID.');
  if (missing(['PUBLIC_URL']).length > 0)
    problems.push(
      'PUBLIC_URL is missing: the https address under which Okta, Slack and agents reach this server.',
    );
  else if (
    settings.PUBLIC_URL !== undefined &&
    !/^https:|^http:\/\/(?:localhost|127\.0\.0\.1)(?::|\/|$)/.test(settings.PUBLIC_URL)
  )
    problems.push('PUBLIC_URL must be https.');
  if (settings.OKTA_ORG_URL !== undefined) problems.push(...orgUrlProblems(settings.OKTA_ORG_URL));
  if (settings.PROKURA_MASTER_KEY === undefined)
    problems.push(
      'PROKURA_MASTER_KEY is missing: make one with "openssl rand -base64 32" and keep it as you keep a password.',
    );
  if (settings.OKTA_ISSUER !== undefined && !/\/oauth2\/[^/]+$/.test(settings.OKTA_ISSUER)) {
    problems.push(
      'OKTA_ISSUER must be a custom authorization server (…/oauth2/<server>): tokens of the org server are not meant for others to verify.',
    );
  }
  for (const name of ['SANDBOX_OKTA_URL', 'SANDBOX_SLACK_URL'] as const)
    if (name in given)
      problems.push(`${name} is set, but PROKURA_MODE=live never uses a simulator. Remove it.`);
  return problems;
}

/** The signing secrets in the setting: two, separated by a comma, while it is rotated. */
export const signingSecretsIn = (setting: string): string[] => setting.split(',').map((one) => one.trim());

const isTooShort = (secret: string): boolean => secret.length < MIN_SIGNING_SECRET;

/** A token or id of another kind, by how it begins, with what it is. */
const SLACK_TOKENS = {
  'xapp-': 'an app-level token',
  'xoxp-': "a user's token",
  'xoxa-': 'a token of an old workspace app',
  xoxe: 'a token of token rotation, which is not supported',
} as const;

/**
 * What is plainly not what a live setting should be: a token, an id or a name of another kind. Quotes no
 * token.
 */
export function formProblems(settings: Environment): string[] {
  const problems: string[] = [];
  const {
    SLACK_BOT_TOKEN: token,
    SLACK_SIGNING_SECRET: secret,
    SLACK_TEAM_ID: team,
    SLACK_APP_ID: app,
  } = settings;
  if (token !== undefined && !token.startsWith('xoxb-')) {
    const kind = Object.entries(SLACK_TOKENS).find(([prefix]) => token.startsWith(prefix));
    problems.push(
      `SLACK_BOT_TOKEN ${kind === undefined ? 'is not a bot token' : `is ${kind[1]} (${kind[0]}…)`}. It is the Bot User OAuth Token, xoxb-…: api.slack.com/apps, the app, OAuth & Permissions.`,
    );
  }
  if (secret !== undefined && /^x(?:ox[a-z]|app)-/.test(secret))
    problems.push(
      'SLACK_SIGNING_SECRET is a token. It is the Signing Secret: api.slack.com/apps, the app, Basic Information.',
    );
  else if (secret !== undefined && signingSecretsIn(secret).some(isTooShort))
    problems.push(
      `SLACK_SIGNING_SECRET is too short: ${secret.includes(',') ? 'each of the two' : 'it'} has at least ${MIN_SIGNING_SECRET} characters. Copy the Signing Secret: api.slack.com/apps, the app, Basic Information.`,
    );
  if (team !== undefined && !/^T[A-Z0-9]+$/.test(team))
    problems.push(
      /^E[A-Z0-9]+$/.test(team)
        ? `SLACK_TEAM_ID ${team} is an Enterprise organization. It is one workspace, T…: the address of Slack in a browser has it.`
        : `SLACK_TEAM_ID ${shown(team)} is not the id of a workspace. It begins with T, and the address of Slack in a browser has it: app.slack.com/client/T…`,
    );
  if (app !== undefined && !/^A[A-Z0-9]+$/.test(app))
    problems.push(
      `SLACK_APP_ID ${shown(app)} is ${/^B[A-Z0-9]+$/.test(app) ? 'the id of a bot' : 'not the id of an app'}. It begins with A: api.slack.com/apps, the app, Basic Information, App ID.`,
    );
  for (const name of ['OKTA_CLIENT_ID', 'OKTA_LOGIN_CLIENT_ID'] as const) {
    const id = settings[name];
    if (id !== undefined && !isClientId(id))
      problems.push(
        `${name} ${shown(id)} is not a client id of Okta. It usually begins with 0oa: Applications, the app, General, Client ID.`,
      );
  }
  return problems;
}

/**
 * Okta makes ids that begin with `0oa`; an administrator may choose others, of 6 to 100 characters
 * (management API, `oauthClient.client_id`).
 */
const isClientId = (id: string): boolean => /^0oa\w*$|^[\w$.+!*'(),-]{6,100}$/.test(id);

/** Ids are quoted; what is as long as a secret is not. */
const shown = (text: string): string => (text.length <= 24 ? text : '(not shown)');

/** What a master key must be, live and in a sandbox. Never quotes it. */
export const masterKeyProblems = ({ PROKURA_MASTER_KEY: key }: Environment): string[] =>
  key === undefined || Buffer.from(key, 'base64').length === 32
    ? []
    : ['PROKURA_MASTER_KEY must be 32 bytes in base64: openssl rand -base64 32'];

/** Which part of a database URL Prokura cannot honour. Empty if there is no URL. */
export function databaseProblems(url: string | undefined): string[] {
  try {
    if (url !== undefined) connectionTarget(url);
    return [];
  } catch (error) {
    return [error instanceof Fault ? error.message : 'DATABASE_URL is not a URL.'];
  }
}

function keyProblems({ OKTA_PRIVATE_KEY: key, OKTA_KEY_ID: keyId }: Environment): string[] {
  if (key === undefined) return keyId === undefined ? [] : ['OKTA_KEY_ID is set without OKTA_PRIVATE_KEY.'];
  if (oktaPrivateKey(key, keyId) === null)
    return [
      'OKTA_PRIVATE_KEY is not a private key. Paste it as Okta showed it: the JSON Web Key (JWK) on one line, or the PEM with its line breaks, or with \\n in their place.',
    ];
  if (isPem(key) && keyId === undefined)
    return ['OKTA_KEY_ID is missing: a PEM does not contain its key id. Okta shows it beside the key (KID).'];
  return [];
}

function orgUrlProblems(url: string): string[] {
  try {
    validateOrgUrl(url, { allowLoopback: false });
    return [];
  } catch (error) {
    return [`OKTA_ORG_URL: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** What prevents the settings from being those of a sandbox. Returns all problems, each with what to set. */
export function sandboxProblems(settings: Environment, given: Record<string, unknown>): string[] {
  const problems: string[] = [];
  const real = REAL.filter((name) => name in given);
  if (real.length > 0)
    problems.push(
      `${real.join(', ')}: a sandbox simulates Okta and Slack. Set PROKURA_MODE=live to connect to your own, or remove ${real.length === 1 ? 'it' : 'them'}.`,
    );
  for (const name of ['SANDBOX_OKTA_URL', 'SANDBOX_SLACK_URL'] as const) {
    const url = settings[name];
    if (url !== undefined && !/^http:\/\/(?:127\.0\.0\.1|localhost):\d+$/.test(url))
      problems.push(`${name} must be a simulator on this machine: http://127.0.0.1:<port>`);
  }
  if (
    settings.SANDBOX_SLACK_URL !== undefined &&
    (settings.SANDBOX_SLACK_BOT_TOKEN === undefined || settings.SANDBOX_SLACK_SIGNING_SECRET === undefined)
  ) {
    problems.push('SANDBOX_SLACK_URL needs SANDBOX_SLACK_BOT_TOKEN and SANDBOX_SLACK_SIGNING_SECRET.');
  }
  if (
    settings.SANDBOX_SLACK_SIGNING_SECRET !== undefined &&
    isTooShort(settings.SANDBOX_SLACK_SIGNING_SECRET)
  )
    problems.push(
      `SANDBOX_SLACK_SIGNING_SECRET is too short: it has at least ${MIN_SIGNING_SECRET} characters. Copy it from the simulator.`,
    );
  if (settings.HOST !== undefined && settings.HOST !== '127.0.0.1' && settings.HOST !== 'localhost') {
    problems.push(
      `HOST=${settings.HOST}: a sandbox listens on 127.0.0.1 only. To reach it from another machine, forward its ports: ssh -L 3000:127.0.0.1:3000 -L 3001:127.0.0.1:3001 -L 3002:127.0.0.1:3002 <this machine>`,
    );
  }
  return problems;
}

import { connectionTarget } from '#db/connection-url.ts';
import { validateOrgUrl } from '#idp/okta/index.ts';
import { Fault } from '#lib/fault.ts';
import type { Environment } from './environment.ts';

const OKTA = ['OKTA_ORG_URL', 'OKTA_ISSUER', 'OKTA_AUDIENCE'] as const;
const OKTA_LOGIN = ['OKTA_LOGIN_CLIENT_ID', 'OKTA_LOGIN_CLIENT_SECRET'] as const;
const OKTA_KEYS = ['OKTA_CLIENT_ID', 'OKTA_PRIVATE_KEY'] as const;
const SLACK = ['SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET', 'SLACK_TEAM_ID', 'SLACK_APP_ID'] as const;

/** Whether any of the real ones is set: then all of them must be, since a simulator never runs beside a real one (law 13). */
export function isLive(given: Readonly<Record<string, unknown>>): boolean {
  return [...OKTA, ...OKTA_KEYS, 'OKTA_API_TOKEN', ...OKTA_LOGIN, ...SLACK].some((name) => name in given);
}

/** What keeps the settings from being a live installation's; every problem at once, in words that say what to set. */
export function liveProblems(settings: Environment, given: Record<string, unknown>): string[] {
  const problems: string[] = [];
  const missing = (names: readonly string[]) => names.filter((name) => !(name in given));
  for (const name of [...missing(OKTA), ...missing(SLACK)])
    problems.push(`${name} is missing: real Okta and real Slack are set together, or neither is.`);
  const keys = missing(OKTA_KEYS);
  if (settings.OKTA_API_TOKEN === undefined)
    for (const name of keys)
      problems.push(`${name} is missing (or set OKTA_API_TOKEN instead of client id and key).`);
  else if (keys.length < OKTA_KEYS.length)
    problems.push(
      'OKTA_API_TOKEN stands beside OKTA_CLIENT_ID or OKTA_PRIVATE_KEY: choose one kind of credential.',
    );
  if (settings.OKTA_PRIVATE_KEY !== undefined && jwk(settings.OKTA_PRIVATE_KEY) === null)
    problems.push('OKTA_PRIVATE_KEY is no private JSON Web Key; paste it as Okta showed it, on one line.');
  if (settings.OKTA_LOGIN_CLIENT_SECRET !== undefined && settings.OKTA_LOGIN_CLIENT_ID === undefined)
    problems.push('OKTA_LOGIN_CLIENT_SECRET stands without OKTA_LOGIN_CLIENT_ID.');
  if (settings.PUBLIC_URL === undefined)
    problems.push(
      'PUBLIC_URL is missing: the https address under which Okta, Slack and agents reach this server.',
    );
  else if (!/^https:|^http:\/\/(?:localhost|127\.0\.0\.1)(?::|\/|$)/.test(settings.PUBLIC_URL))
    problems.push('PUBLIC_URL must be https.');
  if (settings.OKTA_ORG_URL !== undefined) problems.push(...orgUrlProblems(settings.OKTA_ORG_URL));
  if (settings.PROKURA_MASTER_KEY === undefined)
    problems.push(
      'PROKURA_MASTER_KEY is missing: make one with "openssl rand -base64 32" and keep it as you keep a password.',
    );
  else if (Buffer.from(settings.PROKURA_MASTER_KEY, 'base64').length !== 32)
    problems.push('PROKURA_MASTER_KEY must be 32 bytes in base64: openssl rand -base64 32');
  if (settings.OKTA_ISSUER !== undefined && !/\/oauth2\/[^/]+$/.test(settings.OKTA_ISSUER)) {
    problems.push(
      'OKTA_ISSUER must be a custom authorization server (…/oauth2/<server>): tokens of the org server are not meant for others to verify.',
    );
  }
  for (const name of ['SANDBOX_OKTA_URL', 'SANDBOX_SLACK_URL'] as const)
    if (name in given)
      problems.push(`${name} stands beside real settings: a simulator never runs beside a real one.`);
  return problems;
}

/** What of a database URL cannot be kept with both drivers; none where there is no URL. */
export function databaseProblems(url: string | undefined): string[] {
  try {
    if (url !== undefined) connectionTarget(url);
    return [];
  } catch (error) {
    return [error instanceof Fault ? error.message : 'DATABASE_URL is no URL.'];
  }
}

function orgUrlProblems(url: string): string[] {
  try {
    validateOrgUrl(url, { allowLoopback: false });
    return [];
  } catch (error) {
    return [`OKTA_ORG_URL: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** What keeps them from being a sandbox's. */
export function sandboxProblems(settings: Environment): string[] {
  const problems: string[] = [];
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
  if (settings.HOST !== undefined && settings.HOST !== '127.0.0.1' && settings.HOST !== 'localhost') {
    problems.push(
      `HOST=${settings.HOST}: a sandbox listens on 127.0.0.1 only. Set OKTA_* and SLACK_* for a live installation.`,
    );
  }
  return problems;
}

/** The text as a private JSON Web Key, or null where it is none. */
export function jwk(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    return value !== null && typeof value === 'object' && 'd' in value ? value : null;
  } catch {
    return null;
  }
}

import { read } from '#lib/problems.ts';
import {
  databaseProblems,
  formProblems,
  liveProblems,
  masterKeyProblems,
  sandboxProblems,
  signingSecretsIn,
  unknownNames,
} from './config-problems.ts';
import { Environment } from './environment.ts';
import { oktaPrivateKey } from './okta-key.ts';

/** The Okta organisation, its credential, and the authorization server whose tokens are accepted. */
export interface OktaConfig {
  readonly orgUrl: string;
  readonly credential:
    | {
        readonly kind: 'private_key';
        readonly clientId: string;
        readonly privateKey: Record<string, unknown>;
      }
    | { readonly kind: 'api_token'; readonly token: string };
  readonly issuer: string;
  readonly audience: string;
  /** The web app that people sign in with. Null or absent: nobody can sign in here. */
  readonly login?: { readonly clientId: string; readonly clientSecret: string | null } | null;
}

/** The Slack app and its secrets. */
export interface SlackConfig {
  readonly teamId: string;
  readonly appId: string;
  readonly botToken: string;
  readonly signingSecrets: readonly string[];
}

/** The settings that the server starts with. Frozen. */
export interface Config {
  readonly mode: 'sandbox' | 'live';
  readonly port: number;
  readonly host: string;
  /** Null in a sandbox, where it follows from the port. */
  readonly publicUrl: string | null;
  readonly logLevel: string;
  readonly dataFolder: string;
  readonly databaseUrl: string | null;
  /** Null in a sandbox, where a key is created and stored in the data folder. */
  readonly masterKey: string | null;
  readonly mcpHoldMs: number;
  readonly exchangesPerMinute: number;
  /** How long an idle connection stays open, in milliseconds. */
  readonly keepAliveMs: number;
  /** Whether MCP clients may register themselves. */
  readonly dynamicRegistration: boolean;
  readonly okta: OktaConfig | null;
  readonly slack: SlackConfig | null;
  readonly sandbox: {
    readonly oktaUrl: string | null;
    readonly slack: { url: string; botToken: string; signingSecret: string } | null;
  };
}

/** Invalid settings: all problems at once, each with what to set. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `Invalid configuration:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\nSee .env.example for every setting.`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Reads the settings from the environment. Only PROKURA_MODE decides between live and sandbox, so that a
 * misspelt setting cannot start a sandbox instead of a live server. Throws ConfigError with everything that
 * is missing, unknown, or does not belong to the mode: a simulator never runs beside the real system (law
 * 13). Does not contact anything.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const { settings, problems: unreadable } = readSettings(given);
  const real = settings.PROKURA_MODE === 'live';
  const problems = [
    ...unreadable,
    ...(real
      ? [...liveProblems(settings, given), ...formProblems(settings)]
      : sandboxProblems(settings, given)),
    ...masterKeyProblems(settings),
    ...databaseProblems(settings.DATABASE_URL),
    ...unknownNames(Object.keys(given)),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze({
    mode: real ? 'live' : 'sandbox',
    port: settings.PORT,
    host: real ? (settings.HOST ?? '127.0.0.1') : '127.0.0.1',
    publicUrl: settings.PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    logLevel: settings.LOG_LEVEL,
    dataFolder: settings.PROKURA_DATA,
    databaseUrl: settings.DATABASE_URL ?? null,
    masterKey: settings.PROKURA_MASTER_KEY ?? null,
    mcpHoldMs: settings.MCP_HOLD_SECONDS * 1000,
    exchangesPerMinute: settings.EXCHANGES_PER_MINUTE,
    keepAliveMs: settings.KEEP_ALIVE_SECONDS * 1000,
    dynamicRegistration: settings.OAUTH_DCR === '1',
    okta: real ? oktaConfig(settings) : null,
    slack: real ? slackConfig(settings) : null,
    sandbox: readSandbox(settings),
  });
}

/**
 * The settings among the variables of an environment, where programs of other people have theirs too. One
 * that cannot be read is left out of `settings` and named in `problems`, so that everything else that is
 * wrong can be said beside it.
 */
function readSettings(given: Readonly<Record<string, unknown>>): {
  settings: Environment;
  problems: string[];
} {
  const known = Object.entries(given).filter(([name]) => name in Environment.shape);
  const answer = read(Environment, Object.fromEntries(known));
  if (!('problems' in answer)) return { settings: answer.data, problems: [] };
  const bad = new Set(answer.problems.map(({ field }) => field));
  return {
    settings: Environment.parse(Object.fromEntries(known.filter(([name]) => !bad.has(name)))),
    problems: answer.problems.map(({ field, problem }) => `${field}: ${problem}`),
  };
}

function oktaConfig(settings: Environment): OktaConfig {
  const credential =
    settings.OKTA_API_TOKEN === undefined
      ? {
          kind: 'private_key' as const,
          clientId: settings.OKTA_CLIENT_ID ?? '',
          privateKey: oktaPrivateKey(settings.OKTA_PRIVATE_KEY ?? '', settings.OKTA_KEY_ID) ?? {},
        }
      : { kind: 'api_token' as const, token: settings.OKTA_API_TOKEN };
  return {
    orgUrl: settings.OKTA_ORG_URL ?? '',
    credential,
    issuer: settings.OKTA_ISSUER ?? '',
    audience: settings.OKTA_AUDIENCE ?? '',
    login:
      settings.OKTA_LOGIN_CLIENT_ID === undefined
        ? null
        : {
            clientId: settings.OKTA_LOGIN_CLIENT_ID,
            clientSecret: settings.OKTA_LOGIN_CLIENT_SECRET ?? null,
          },
  };
}

const slackConfig = (settings: Environment): SlackConfig => ({
  teamId: settings.SLACK_TEAM_ID ?? '',
  appId: settings.SLACK_APP_ID ?? '',
  botToken: settings.SLACK_BOT_TOKEN ?? '',
  signingSecrets: signingSecretsIn(settings.SLACK_SIGNING_SECRET ?? ''),
});

function readSandbox(settings: Environment): Config['sandbox'] {
  const {
    SANDBOX_SLACK_URL: url,
    SANDBOX_SLACK_BOT_TOKEN: botToken,
    SANDBOX_SLACK_SIGNING_SECRET: signingSecret,
  } = settings;
  const slack =
    url === undefined || botToken === undefined || signingSecret === undefined
      ? null
      : { url, botToken, signingSecret };
  return { oktaUrl: settings.SANDBOX_OKTA_URL ?? null, slack };
}

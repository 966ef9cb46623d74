import { z } from 'zod';
import { validateOrgUrl } from '#idp/okta/index.ts';

/**
 * Every setting, from the environment (`main.ts` alone reads it). `.env.example` lists them all; a test holds it to this schema.
 * Empty values count as absent.
 */
export const Environment = z.object({
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .describe('Port that the server listens on; 0: any free one.'),
  HOST: z
    .string()
    .optional()
    .describe(
      'Address that the server binds; a sandbox always binds 127.0.0.1. Default 127.0.0.1; 0.0.0.0 behind a proxy.',
    ),
  PUBLIC_URL: z
    .url()
    .optional()
    .describe(
      'Root of every URL and issuer that we publish, https, without a trailing slash. Needed when live.',
    ),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'silent'])
    .default('info')
    .describe('Never debug in production: libraries log contents there.'),
  PROKURA_DATA: z
    .string()
    .default('.prokura')
    .describe('Folder of the embedded database and of local files.'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(?:ql)?$/ })
    .optional()
    .describe(
      'A PostgreSQL database of yours, as its owner; the server itself works as the role prokura_server. Default: an embedded server.',
    ),
  PROKURA_MASTER_KEY: z
    .string()
    .optional()
    .describe(
      '32 bytes in base64 (openssl rand -base64 32): encrypts what is secret at rest. Needed when live.',
    ),
  MCP_HOLD_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(25)
    .default(20)
    .describe('How long an MCP call that needs an approval is held before it answers pending_approval.'),
  OKTA_ORG_URL: z.url().optional().describe('https://your-org.okta.com'),
  OKTA_CLIENT_ID: z.string().optional().describe('Client id of the API Services app (private key JWT).'),
  OKTA_PRIVATE_KEY: z.string().optional().describe('Its private key as a JSON Web Key, on one line.'),
  OKTA_API_TOKEN: z.string().optional().describe('Legacy: an API token instead of client id and key.'),
  OKTA_ISSUER: z
    .url()
    .optional()
    .describe(
      'Custom authorization server whose access tokens people present: https://your-org.okta.com/oauth2/default',
    ),
  OKTA_AUDIENCE: z.string().optional().describe('Audience of those access tokens: api://prokura'),
  OKTA_LOGIN_CLIENT_ID: z
    .string()
    .optional()
    .describe(
      'Client id of the web app that people sign in with from Claude, Cursor, VS Code …; its redirect is <PUBLIC_URL>/t/<tenant id>/oauth2/callback.',
    ),
  OKTA_LOGIN_CLIENT_SECRET: z
    .string()
    .optional()
    .describe('Its secret; not needed where the app uses PKCE alone.'),
  OAUTH_DCR: z
    .enum(['0', '1'])
    .default('0')
    .describe(
      '1: MCP clients may register themselves (RFC 7591). For old clients only; new ones have an address.',
    ),
  SLACK_BOT_TOKEN: z.string().optional().describe('xoxb-… of the installed app.'),
  SLACK_SIGNING_SECRET: z
    .string()
    .optional()
    .describe('Signing secret; two, separated by a comma, while it is rotated.'),
  SLACK_TEAM_ID: z.string().optional().describe('T…: the workspace.'),
  SLACK_APP_ID: z.string().optional().describe('A…: the app.'),
  SANDBOX_OKTA_URL: z
    .url()
    .optional()
    .describe('Sandbox only: an Okta simulator that runs elsewhere on this machine.'),
  SANDBOX_SLACK_URL: z
    .url()
    .optional()
    .describe('Sandbox only: a Slack simulator that runs elsewhere on this machine.'),
  SANDBOX_SLACK_BOT_TOKEN: z.string().optional().describe('Sandbox only: its bot token.'),
  SANDBOX_SLACK_SIGNING_SECRET: z.string().optional().describe('Sandbox only: its signing secret.'),
});

export type Environment = z.infer<typeof Environment>;

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
  /** The web app that people sign in with; null or absent: nobody signs in here. */
  readonly login?: { readonly clientId: string; readonly clientSecret: string | null } | null;
}

export interface SlackConfig {
  readonly teamId: string;
  readonly appId: string;
  readonly botToken: string;
  readonly signingSecrets: readonly string[];
}

/** What the server is started with; frozen. */
export interface Config {
  readonly mode: 'sandbox' | 'live';
  readonly port: number;
  readonly host: string;
  /** Null in a sandbox: then it follows from the port. */
  readonly publicUrl: string | null;
  readonly logLevel: string;
  readonly dataFolder: string;
  readonly databaseUrl: string | null;
  /** Null in a sandbox: then a key is made and kept in the data folder. */
  readonly masterKey: string | null;
  readonly mcpHoldMs: number;
  /** Whether MCP clients may register themselves. */
  readonly dynamicRegistration: boolean;
  readonly okta: OktaConfig | null;
  readonly slack: SlackConfig | null;
  readonly sandbox: {
    readonly oktaUrl: string | null;
    readonly slack: { url: string; botToken: string; signingSecret: string } | null;
  };
}

/** Thrown with every problem at once, in words that say what to set. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `The settings do not fit:\n${problems.map((problem) => `  - ${problem}`).join('\n')}\nSee .env.example for every setting.`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const OKTA = ['OKTA_ORG_URL', 'OKTA_ISSUER', 'OKTA_AUDIENCE'] as const;
const OKTA_LOGIN = ['OKTA_LOGIN_CLIENT_ID', 'OKTA_LOGIN_CLIENT_SECRET'] as const;
const OKTA_KEYS = ['OKTA_CLIENT_ID', 'OKTA_PRIVATE_KEY'] as const;
const SLACK = ['SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET', 'SLACK_TEAM_ID', 'SLACK_APP_ID'] as const;

/**
 * Reads the environment. All of OKTA_* and SLACK_* together make it live, none of them a sandbox; anything in between is refused
 * with what is missing, since a simulator never runs beside a real one (law 13). Throws ConfigError.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const parsed = Environment.safeParse(given);
  if (!parsed.success)
    throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`));
  const settings = parsed.data;
  const real = [...OKTA, ...OKTA_KEYS, 'OKTA_API_TOKEN', ...OKTA_LOGIN, ...SLACK].some(
    (name) => name in given,
  );
  const problems = real ? liveProblems(settings, given) : sandboxProblems(settings);
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
    dynamicRegistration: settings.OAUTH_DCR === '1',
    okta: real ? oktaConfig(settings) : null,
    slack: real ? slackConfig(settings) : null,
    sandbox: sandboxConfig(settings),
  });
}

function liveProblems(settings: Environment, given: Record<string, unknown>): string[] {
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

function orgUrlProblems(url: string): string[] {
  try {
    validateOrgUrl(url, { allowLoopback: false });
    return [];
  } catch (error) {
    return [`OKTA_ORG_URL: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function sandboxProblems(settings: Environment): string[] {
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

function oktaConfig(settings: Environment): OktaConfig {
  const credential =
    settings.OKTA_API_TOKEN === undefined
      ? {
          kind: 'private_key' as const,
          clientId: settings.OKTA_CLIENT_ID ?? '',
          privateKey: jwk(settings.OKTA_PRIVATE_KEY ?? '') ?? {},
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
  signingSecrets: (settings.SLACK_SIGNING_SECRET ?? '').split(',').map((one) => one.trim()),
});

function sandboxConfig(settings: Environment): Config['sandbox'] {
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

function jwk(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    return value !== null && typeof value === 'object' && 'd' in value ? value : null;
  } catch {
    return null;
  }
}

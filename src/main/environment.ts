import { z } from 'zod';

/**
 * All settings, read from the environment by `main.ts` only. `.env.example` is generated from this schema. An
 * empty value counts as absent.
 */
export const Environment = z.object({
  PROKURA_MODE: z
    .enum(['sandbox', 'live'])
    .default('sandbox')
    .describe(
      'live connects to your own Okta and Slack, and never falls back to a sandbox. sandbox simulates both on this machine.',
    ),
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(3000)
    .describe('Port that the server listens on. 0: any free port.'),
  HOST: z
    .string()
    .optional()
    .describe(
      'Address that the server binds to. A sandbox always binds to 127.0.0.1. Default 127.0.0.1; use 0.0.0.0 behind a proxy.',
    ),
  PUBLIC_URL: z
    .url()
    .optional()
    .describe(
      'Public URL of this server: https, without a trailing slash. Every URL and issuer that the server publishes starts with it. Required when live.',
    ),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'silent'])
    .default('info')
    .describe('Never use debug in production: libraries log contents at that level.'),
  PROKURA_DATA: z
    .string()
    .default('.prokura')
    .describe('Folder of the embedded database and of local files.'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(?:ql)?$/ })
    .optional()
    .describe(
      'Your own PostgreSQL database, as its owner; the server itself works as the role prokura_server. Default: an embedded server.',
    ),
  PROKURA_MASTER_KEY: z
    .string()
    .optional()
    .describe('32 bytes in base64 (openssl rand -base64 32). Encrypts stored secrets. Required when live.'),
  MCP_HOLD_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(25)
    .default(20)
    .describe('How long an MCP call that needs an approval is held before it returns pending_approval.'),
  EXCHANGES_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(300)
    .describe('Maximum token exchanges per subject and minute, in each process.'),
  KEEP_ALIVE_SECONDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3600)
    .default(75)
    .describe(
      'How long an idle connection stays open. Set it longer than the idle timeout of your load balancer (usually 60 seconds); otherwise the load balancer may use connections that are just closing.',
    ),
  OKTA_ORG_URL: z.url().optional().describe('https://your-org.okta.com'),
  OKTA_CLIENT_ID: z.string().optional().describe('Client ID of the API Services app (private key JWT).'),
  OKTA_PRIVATE_KEY: z
    .string()
    .optional()
    .describe(
      'Its private key, as Okta shows it: the JSON Web Key (JWK) on one line, or the PEM (line breaks may be written as \\n).',
    ),
  OKTA_KEY_ID: z
    .string()
    .optional()
    .describe(
      'ID of that key, which Okta shows beside it (KID). Required with a PEM; a JWK usually contains it.',
    ),
  OKTA_API_TOKEN: z.string().optional().describe('Legacy: an API token instead of client ID and key.'),
  OKTA_ISSUER: z
    .url()
    .optional()
    .describe(
      'Custom authorization server that issues people’s access tokens: https://your-org.okta.com/oauth2/default',
    ),
  OKTA_AUDIENCE: z.string().optional().describe('Audience of those access tokens: api://prokura'),
  OKTA_LOGIN_CLIENT_ID: z
    .string()
    .optional()
    .describe(
      'Client ID of the web app that people sign in with, for step-up decisions and for Claude, Cursor, VS Code and other MCP clients. Its redirect URIs are <PUBLIC_URL>/t/<tenant id>/step-up/callback and …/oauth2/callback. Without it, requests that need step-up are refused.',
    ),
  OKTA_LOGIN_CLIENT_SECRET: z
    .string()
    .optional()
    .describe('Its secret. Not needed if the app uses only PKCE.'),
  OAUTH_DCR: z
    .enum(['0', '1'])
    .default('0')
    .describe(
      '1: MCP clients can register themselves (RFC 7591). Only for older clients; new ones have a client ID URL. A client that no person has approved is deleted after a day.',
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

/** The settings after parsing. */
export type Environment = z.infer<typeof Environment>;

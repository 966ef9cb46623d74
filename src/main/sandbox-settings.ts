import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '#db/embedded.ts';
import { newSecret } from '#lib/id.ts';
import { SAMPLE_COMPANY } from '#sandbox/company.ts';
import {
  SANDBOX_AUDIENCE,
  SANDBOX_SERVICE_CLIENT_ID,
  SANDBOX_WEB_CLIENT_ID,
  SANDBOX_WEB_CLIENT_SECRET,
} from '#sandbox/okta/index.ts';
import type { SlackSettings } from '#surfaces/slack/index.ts';
import type { OktaConfig } from './config.ts';

/**
 * What a sandbox keeps between starts, in a file of mode 0600. Ports are part of issuers, and rows are
 * encrypted with the key.
 */
export interface SandboxState {
  readonly masterKey: string;
  readonly oktaPort: number;
  readonly slackPort: number;
  readonly slackBotToken: string;
  readonly slackSigningSecret: string;
  readonly oktaKey: Record<string, unknown>;
}

/** What the folder's sandbox keeps; made the first time. */
export async function makeSandboxState(folder: string, port: number): Promise<SandboxState> {
  const file = join(folder, 'sandbox.json');
  await mkdir(folder, { recursive: true });
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const fresh: SandboxState = {
      masterKey: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
      oktaPort: await preferPort(port === 0 ? 0 : port + 1),
      slackPort: await preferPort(port === 0 ? 0 : port + 2),
      slackBotToken: `xoxb-sandbox-${newSecret(16)}`,
      slackSigningSecret: newSecret(20),
      oktaKey: { ...privateKey.export({ format: 'jwk' }), kid: newSecret(8), alg: 'RS256', use: 'sig' },
    };
    // Two processes may start at once; the file of the first one is used.
    await writeFile(file, JSON.stringify(fresh), { mode: 0o600, flag: 'wx' }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  }
  return JSON.parse(await readFile(file, 'utf8')) as SandboxState;
}

/** The port next to the server's, which is easy to guess, or any free port if that one is in use. */
async function preferPort(port: number): Promise<number> {
  if (port === 0) return freePort();
  const taken = await fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );
  return taken ? freePort() : port;
}

/** What the sandbox of a folder keeps, or null where none was ever started there. */
export function sandboxStateIn(folder: string): SandboxState | null {
  const file = join(folder, 'sandbox.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SandboxState) : null;
}

/** The settings of the simulated Okta at this address. */
export const oktaOfSandbox = ({ oktaKey }: SandboxState, orgUrl: string): OktaConfig => ({
  orgUrl,
  credential: { kind: 'private_key', clientId: SANDBOX_SERVICE_CLIENT_ID, privateKey: oktaKey },
  issuer: `${orgUrl}/oauth2/default`,
  audience: SANDBOX_AUDIENCE,
  login: { clientId: SANDBOX_WEB_CLIENT_ID, clientSecret: SANDBOX_WEB_CLIENT_SECRET },
});

/** The settings of the simulated Slack at this address. */
export const slackOfSandbox = (
  url: string,
  { botToken, signingSecret }: { readonly botToken: string; readonly signingSecret: string },
): SlackSettings & { readonly apiUrl: string } => ({
  teamId: SAMPLE_COMPANY.slackTeamId,
  appId: SAMPLE_COMPANY.slackAppId,
  botToken,
  signingSecrets: [signingSecret],
  apiUrl: `${url}/api/`,
});

import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { lastSync } from '#domain/tenant/connection.ts';
import { setUpTenant, type SetUpAnswer } from '#engine/set-up.ts';
import { readonly } from '#engine/transact.ts';
import { SAMPLE_COMPANY, samplePerson } from '#sandbox/company.ts';
import { EVERYONE_GROUP_ID, startOktaSimulator } from '#sandbox/okta/index.ts';
import { startSlackSimulator } from '#sandbox/slack/index.ts';
import type { SlackSettings } from '#surfaces/slack/index.ts';
import type { Config, OktaConfig } from './config.ts';
import { providerLinks } from './providers.ts';
import { makeSandboxState, oktaOfSandbox, slackOfSandbox } from './sandbox-settings.ts';
import type { RunningServer } from './server.ts';

/** The simulated Okta and Slack of a sandbox, and the settings that the server needs for them. */
export interface Sandbox {
  readonly masterKey: string;
  readonly okta: OktaConfig;
  readonly slack: SlackSettings;
  readonly oktaUrl: string;
  readonly slackUrl: string;
  /**
   * Tells both simulators the server's address and creates the sample company the first time. Returns the
   * company's keys, or null if their file is missing.
   */
  introduce(server: RunningServer): Promise<SetUpAnswer | null>;
  /** Stops the simulators that this process started. */
  close(): Promise<void>;
}

/**
 * Starts the simulators on loopback, or uses those whose addresses are set. A later start uses the same
 * ports, keys and people.
 */
export async function startSandbox(config: Config): Promise<Sandbox> {
  const state = await makeSandboxState(config.dataFolder, config.port);
  const okta =
    config.sandbox.oktaUrl === null
      ? await startOktaSimulator({
          port: state.oktaPort,
          stateFile: join(config.dataFolder, 'sandbox-okta.json'),
        })
      : null;
  const own = {
    port: state.slackPort,
    botToken: state.slackBotToken,
    signingSecret: state.slackSigningSecret,
  };
  const slack =
    config.sandbox.slack === null
      ? await startSlackSimulator({ ...own, stateFile: join(config.dataFolder, 'sandbox-slack.json') })
      : null;
  const oktaUrl = config.sandbox.oktaUrl ?? okta?.url ?? '';
  const slackUrl = config.sandbox.slack?.url ?? slack?.url ?? '';
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicKey } = state.oktaKey;
  await sendControl(oktaUrl, 'PUT', '/service-app', { jwks: { keys: [publicKey] } });
  return {
    masterKey: config.masterKey ?? state.masterKey,
    okta: oktaOfSandbox(state, oktaUrl),
    slack: slackOfSandbox(slackUrl, {
      botToken: config.sandbox.slack?.botToken ?? slack?.botToken ?? '',
      signingSecret: config.sandbox.slack?.signingSecret ?? slack?.signingSecret ?? '',
    }),
    oktaUrl,
    slackUrl,
    introduce: (server) => introduce(config, server, oktaUrl, slackUrl),
    close: async () => {
      await slack?.close();
      await okta?.close();
    },
  };
}

async function introduce(
  config: Config,
  server: RunningServer,
  oktaUrl: string,
  slackUrl: string,
): Promise<SetUpAnswer | null> {
  await sendControl(slackUrl, 'POST', '/connect', { url: `${server.url}/slack/events` });
  const keysFile = join(config.dataFolder, 'sandbox-keys.json');
  const [row] = await server.app.database.db.execute<{ id: string | null }>(
    sql`select tenant_of('only', '') as id`,
  );
  if (row?.id != null)
    return existsSync(keysFile) ? (JSON.parse(await readFile(keysFile, 'utf8')) as SetUpAnswer) : null;
  const answer = await makeSampleCompany(server, oktaUrl);
  await mkdir(config.dataFolder, { recursive: true });
  await writeFile(keysFile, JSON.stringify(answer, null, 2), { mode: 0o600 });
  return answer;
}

/**
 * Sets up the sample company exactly as `POST /v1/bootstrap` does, and waits for its import. Throws if that
 * takes more than 30 seconds.
 */
export async function makeSampleCompany(server: RunningServer, oktaUrl: string): Promise<SetUpAnswer> {
  const { app } = server;
  const group = (name: string) => SAMPLE_COMPANY.groups.find((one) => one.name === name)?.oktaId ?? '';
  const links = providerLinks(app, server.okta);
  const answer = await setUpTenant(
    app,
    {
      name: SAMPLE_COMPANY.name,
      slackTeamId: SAMPLE_COMPANY.slackTeamId,
      emailDomains: [SAMPLE_COMPANY.domain],
      administrators: [samplePerson('dana').email],
      groups: {
        it_admin: group('IT Admins'),
        manager: group('Managers'),
        executive: group('Executives'),
        member: EVERYONE_GROUP_ID,
      },
      okta: links.setUp,
    },
    () => Promise.resolve(),
  );
  const scim = {
    base_url: answer.scim_base_url,
    authorization: `Bearer ${answer.api_keys.scim}`,
    style: 'oin',
  };
  await sendControl(oktaUrl, 'PUT', '/scim-app', scim);
  for (let waited = 0; waited < 30_000; waited += 50) {
    if ((await readonly(app, answer.tenant_id, lastSync)) !== null) return answer;
    await sleep(50);
  }
  throw new Error('The sample company was not imported within 30 seconds (slow machine?)');
}

async function sendControl(url: string, method: string, path: string, body: unknown): Promise<void> {
  const response = await fetch(`${url}/_sandbox${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok)
    throw new Error(`The simulator at ${url} rejected ${path}: ${response.status} ${await response.text()}`);
}

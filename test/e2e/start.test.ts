import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import postgres from 'postgres';
import { freePort } from '#db/embedded.ts';
import { createLogger } from '#lib/log.ts';
import { SAMPLE_COMPANY } from '#sandbox/company.ts';
import { SANDBOX_API_TOKEN, startOktaSimulator, type OktaSimulator } from '#sandbox/okta/index.ts';
import { startSlackSimulator, type SlackSimulator } from '#sandbox/slack/index.ts';
import { makeSandboxState } from '../../src/main/sandbox-settings.ts';
import { startServer, type RunningServer } from '../../src/main/server.ts';
import { startProcess } from '../support/process.ts';
import { previewOf } from '../support/slack-card.ts';
import { copyDatabase } from '../support/copy-database.ts';
import { eventually } from '../support/world.ts';

const LIVE = {
  PROKURA_MODE: 'live',
  OKTA_ORG_URL: 'https://acme.okta.com',
  OKTA_API_TOKEN: '00token',
  OKTA_ISSUER: 'https://acme.okta.com/oauth2/default',
  OKTA_AUDIENCE: 'api://prokura',
  SLACK_BOT_TOKEN: 'xoxb-1',
  SLACK_SIGNING_SECRET: 'e'.repeat(32),
  SLACK_TEAM_ID: 'T1',
  SLACK_APP_ID: 'A1',
  PUBLIC_URL: 'https://prokura.acme.com',
  PROKURA_MASTER_KEY: Buffer.alloc(32, 1).toString('base64'),
};
const PATH = process.env['PATH'] ?? '';

/** Expects that the server does not start. Returns its output. */
async function refused(env: Record<string, string>): Promise<string> {
  try {
    const server = await startProcess({ PATH, ...env });
    await server.kill('SIGKILL');
  } catch (error) {
    return String(error);
  }
  throw new Error('it started');
}

describe('npm start on a fresh machine', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prokura-start-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('it is a sandbox with its own database and simulators, which a second start resumes', async () => {
    const env = { PATH, PROKURA_DATA: folder, PORT: String(await freePort()) };
    const first = await startProcess(env);
    expect(first.output()).toContain('This is a SANDBOX');
    expect(first.output()).toContain('/okta reset password @ann');
    const keys = await readFile(join(folder, 'sandbox-keys.json'), 'utf8');
    const company = JSON.parse(keys) as { tenant_id: string; api_keys: { scim: string } };
    expect(first.output()).toContain(company.tenant_id);
    expect(first.output()).not.toContain(company.api_keys.scim.split(':')[1]);
    for (const file of ['sandbox-keys.json', 'sandbox.json', 'postgres-password'])
      expect((await stat(join(folder, file))).mode & 0o077).toBe(0);
    const users = async () => {
      const response = await fetch(`${first.url}/v1/scim/v2/Users?count=1`, {
        headers: { authorization: `Bearer ${company.api_keys.scim}` },
      });
      return response.status;
    };
    expect(await users()).toBe(200);
    expect(await first.kill('SIGTERM')).toBe(0);
    await expect(fetch(`${first.url}/healthz`)).rejects.toThrow('fetch failed');

    const second = await startProcess(env);
    expect(await readFile(join(folder, 'sandbox-keys.json'), 'utf8')).toBe(keys);
    expect(await users()).toBe(200);
    // After a hard kill the database keeps running, and the next start takes it over.
    await second.kill('SIGKILL');
    const third = await startProcess(env);
    expect(await users()).toBe(200);
    expect(await refused({ ...env, PORT: String(await freePort()) })).toContain(
      `Another Prokura is using the data folder ${folder}. Stop it, or set`,
    );
    expect(await users()).toBe(200);
    expect(await third.kill('SIGTERM')).toBe(0);
  });

  test('the first line comes before anything that takes time to load', () => {
    // Lists every module that is loaded, and stops where the rest of the server would be.
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ resolve: (name, context, next) => {
        process.stderr.write(name + '\\n');
        if (name.endsWith('/run.ts')) throw new Error('the rest would load now');
        return next(name, context);
      } });`;
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, 'src/main/main.ts'],
      { env: { PATH, PROKURA_DATA: folder }, encoding: 'utf8' },
    );
    expect(stdout).toBe('Starting Prokura …\n');
    expect(stderr).toContain('the rest would load now');
    const loaded = stderr.slice(0, stderr.indexOf('./run.ts')).trim().split('\n');
    expect(loaded.filter((name) => !name.startsWith('node:')).map((name) => basename(name))).toEqual([
      'main.ts',
      'quick-imports.ts',
    ]);
  });

  test('the port in use, settings that do not fit, a database that is not there: it says what to do, and ends', async () => {
    const port = String(await freePort());
    const holder = createServer().listen(Number(port), '127.0.0.1');
    expect(await refused({ PROKURA_DATA: folder, PORT: port })).toContain(
      `Port ${port} is in use by another program. Stop that program, or set PORT`,
    );
    // The folder of a sandbox that was started before: it contains the simulators' ports.
    const used = await mkdtemp(join(tmpdir(), 'prokura-used-'));
    const { oktaPort } = await makeSandboxState(used, Number(port));
    const other = createServer().listen(oktaPort, '127.0.0.1');
    expect(await refused({ PROKURA_DATA: used, PORT: String(await freePort()) })).toContain(
      `Port ${oktaPort}, which this sandbox used for a simulator, is in use`,
    );
    other.close();
    const unused = join(folder, 'unused');
    await refused({ PROKURA_DATA: unused, PORT: port });
    // Nothing has been made for a server that cannot listen.
    expect(existsSync(unused)).toBe(false);
    holder.close();
    await writeFile(unused, '');
    expect(await refused({ PROKURA_DATA: unused, PORT: '0' })).toContain(
      `${unused} cannot be a folder: a file of that name is in the way`,
    );
    await rm(used, { recursive: true });
    expect(await refused({ PORT: '65536' })).toContain('PORT: must be at most 65535');
    expect(await refused({ PORT: '80.5' })).toMatch(/PORT: must be a whole number \(/);
    expect(await refused({ SLACK_BOT_TOKEN: 'xoxb-1' })).toContain('Set PROKURA_MODE=live');
    expect(await refused({ PROKURA_MODE: 'live' })).toContain('OKTA_ORG_URL is missing');
    expect(await refused({ ...LIVE, SANDBOX_OKTA_URL: 'http://127.0.0.1:1' })).toContain(
      'never uses a simulator',
    );
    expect(await refused({ HOST: '0.0.0.0' })).toContain('127.0.0.1 only');
    const short = await refused({ ...LIVE, SLACK_SIGNING_SECRET: 'a-secret' });
    expect(short).toContain('SLACK_SIGNING_SECRET is too short');
    expect(short).not.toMatch(/a-secret|\n\s+at /);
    expect(
      await refused({ ...LIVE, DATABASE_URL: `postgres://x:y@127.0.0.1:${port}/z`, PROKURA_DATA: folder }),
    ).toContain('Check DATABASE_URL');
    expect(existsSync(join(folder, 'bootstrap-token'))).toBe(false);
  });

  test('a live start says where it listens, and logs what does not work with what to do', async () => {
    const url = await copyDatabase();
    const sql = postgres(url, { max: 1 });
    await sql`update installation set mode = 'live'`;
    await sql.end();
    const [port, secret] = [String(await freePort()), 'xoxb-never-shown-0123456789'];
    const server = await startProcess({
      ...LIVE,
      PATH,
      DATABASE_URL: url,
      PROKURA_DATA: folder,
      PORT: port,
      OKTA_ORG_URL: 'https://nowhere.invalid',
      OKTA_ISSUER: 'https://nowhere.invalid/oauth2/default',
      SLACK_BOT_TOKEN: secret,
      SLACK_SIGNING_SECRET: 'f'.repeat(32),
    });
    expect(server.output()).toContain(`Prokura listens at http://127.0.0.1:${port}`);
    expect(server.output()).toContain('reached as https://prokura.acme.com');
    const lines = await eventually(() => {
      const found = server
        .output()
        .split('\n')
        .filter((line) => line.includes('"check":'));
      return Promise.resolve(
        ['okta.org', 'issuer.metadata'].every((id) => found.some((line) => line.includes(id))) && found,
      );
    }, 'the checks are logged');
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries.find(({ check }) => check === 'okta.org')).toMatchObject({
      level: 50,
      code: 'dns',
      remedy: expect.stringContaining('OKTA_ORG_URL'),
    });
    expect(server.output()).not.toContain(secret);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(await server.kill('SIGTERM')).toBe(0);
    await rm(join(folder, 'bootstrap-token'));
  });

  test('a database that was made for a sandbox is never opened live, nor the other way round', async () => {
    const url = await copyDatabase();
    expect(await refused({ ...LIVE, DATABASE_URL: url, PROKURA_DATA: folder, PORT: '0' })).toContain(
      'belongs to a sandbox installation',
    );
    const sql = postgres(url, { max: 1 });
    await sql`update installation set mode = 'live'`;
    await sql.end();
    expect(await refused({ DATABASE_URL: url, PROKURA_DATA: folder, PORT: '0' })).toContain(
      'belongs to a live installation',
    );
  });
});

describe('the first administrators', () => {
  let okta: OktaSimulator;
  let slack: SlackSimulator;
  let server: RunningServer;

  beforeAll(async () => {
    okta = await startOktaSimulator();
    slack = await startSlackSimulator({});
    const ownerUrl = await copyDatabase();
    const sql = postgres(ownerUrl, { max: 1 });
    await sql`update installation set mode = 'live'`;
    await sql.end();
    // As `main.ts` starts it in live mode. The other parties' servers are simulated.
    server = await startServer({
      mode: 'live',
      port: 0,
      host: '127.0.0.1',
      publicUrl: null,
      ownerUrl,
      masterKey: LIVE.PROKURA_MASTER_KEY,
      log: createLogger('silent'),
      okta: {
        orgUrl: okta.url,
        credential: { kind: 'api_token', token: SANDBOX_API_TOKEN },
        issuer: `${okta.url}/oauth2/default`,
        audience: 'api://prokura',
      },
      slack: {
        teamId: slack.teamId,
        appId: slack.appId,
        botToken: slack.botToken,
        signingSecrets: [slack.signingSecret],
        apiUrl: slack.apiUrl,
      },
    });
  });
  afterAll(async () => {
    await server.close();
    await slack.close();
    await okta.close();
  });

  const bootstrap = async (token: string, body: unknown) => {
    const response = await fetch(`${server.url}/v1/bootstrap`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const group = SAMPLE_COMPANY.groups.find((one) => one.name === 'Managers')?.oktaId;
  const good = { tenant: 'Acme', administrators: ['dana@acme.example'], groups: { manager: group } };

  test('a wrong body and somebody whom Okta does not know leave the one-time token unspent', async () => {
    const token = server.bootstrapToken ?? '';
    expect(await bootstrap('x'.repeat(52), good)).toMatchObject({
      status: 401,
      body: {
        title: 'The organisation was not set up',
        detail: expect.stringContaining('wrong or already used'),
      },
    });
    expect(await bootstrap(token, { tenant: 'Acme' })).toMatchObject({
      status: 400,
      body: {
        code: 'invalid_input',
        detail: expect.stringContaining('administrators: '),
        problems: [{ field: 'administrators', problem: expect.stringContaining('is required') }],
      },
    });
    expect(await bootstrap(token, { ...good, administrators: ['nobody@acme.example'] })).toMatchObject({
      status: 400,
    });
    expect(await bootstrap(token, { ...good, administrators: ['otto@acme.example'] })).toMatchObject({
      status: 400,
    });
  });

  test('the issuer of the settings is asked first: one that does not answer leaves the one-time token unspent', async () => {
    okta.fault({ method: 'GET', path: '/.well-known/openid-configuration', status: 500, times: 1 });
    expect(await bootstrap(server.bootstrapToken ?? '', good)).toMatchObject({
      status: 400,
      body: {
        detail: expect.stringMatching(
          /^Issuer: its metadata\. http.* answered 500, and no metadata\. Check OKTA_ISSUER.*has not been spent/,
        ),
        problems: [{ field: 'issuer.metadata' }],
      },
    });
  });

  test('of two at once exactly one makes the tenant; live keys are given once; the administrator may act', async () => {
    const token = server.bootstrapToken ?? '';
    const answers = await Promise.all([bootstrap(token, good), bootstrap(token, good)]);
    expect(answers.filter((one) => one.status === 201)).toHaveLength(1);
    expect(answers.filter((one) => one.status === 401)).toHaveLength(1);
    const made = answers.find((one) => one.status === 201)?.body as {
      tenant_id: string;
      api_keys: { scim: string; admin: string };
      checks: { id: string; status: string; remedy: string | null }[];
    };
    // What is not as it should be, and stops nobody, is said where the administrator is looking.
    expect(made.checks).toContainEqual(
      expect.objectContaining({ id: 'okta.token', status: 'warning', remedy: expect.any(String) as string }),
    );
    expect(made.checks.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(made.api_keys.scim).toMatch(/^tnt_[0-9a-z]{26}:mk_live_[0-9a-z]{52}$/);
    const list = await fetch(`${server.url}/v1/scim/v2/Users?count=1`, {
      headers: { authorization: `Bearer ${made.api_keys.scim}` },
    });
    expect(list.status).toBe(200);
    expect(await bootstrap(token, good)).toMatchObject({ status: 401 });
    slack.connect(`${server.url}/slack/events`);
    await eventually(async () => {
      const entries = await fetch(`${server.url}/v1/ledger?event=sync_completed`, {
        headers: { authorization: `Bearer ${made.api_keys.admin}` },
      });
      return ((await entries.json()) as { entries: unknown[] }).entries.length > 0;
    }, 'the directory is imported');
    const card = await previewOf(slack.as('dana'), '/okta suspend @nina');
    await slack.as('dana').clicks(card, 'Send request');
    await eventually(
      () => Promise.resolve(okta.org.users.get('00unina00000000000h7')?.status === 'SUSPENDED'),
      'Nina is suspended by the first administrator',
    );
  });
});

import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { checkDatabase } from '#db/check.ts';
import { freePort } from '#db/embedded.ts';
import { migrateDatabase } from '#db/migrate.ts';
import type { Check } from '#lib/check.ts';
import { newId } from '#lib/id.ts';
import { startOktaSimulator, type OktaSimulator } from '#sandbox/okta/index.ts';
import { startSlackSimulator, type SlackSimulator } from '#sandbox/slack/index.ts';
import { runChecks, type Installation } from '../../src/main/check.ts';
import { main } from '../../src/main/cli.ts';
import {
  makeSandboxState,
  oktaOfSandbox,
  slackOfSandbox,
  type SandboxState,
} from '../../src/main/sandbox-settings.ts';
import { copyDatabase } from '../support/copy-database.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const EXACT = [
  'okta.users.read',
  'okta.groups.read',
  'okta.users.credentials.resetPassword',
  'okta.users.credentials.resetFactors',
  'okta.users.lifecycle.suspend',
  'okta.iam.read',
];

let okta: OktaSimulator;
let slack: SlackSimulator;
let folder: string;
let state: SandboxState;
let databaseUrl: string;
let sql: Sql;
let env: Record<string, string>;

beforeAll(async () => {
  slack = await startSlackSimulator({});
  folder = await mkdtemp(join(tmpdir(), 'prokura-check-'));
  state = await makeSandboxState(folder, 0);
  databaseUrl = await copyDatabase();
  sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  await sql`insert into installation (mode) values ('sandbox') on conflict do nothing`;
});
beforeEach(async () => {
  okta = await startOktaSimulator();
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicKey } = state.oktaKey;
  await app({ jwks: { keys: [publicKey] }, admin_roles: ['CUSTOM'], custom_permissions: EXACT });
  env = {
    PROKURA_DATA: folder,
    DATABASE_URL: databaseUrl,
    SANDBOX_OKTA_URL: okta.url,
    SANDBOX_SLACK_URL: slack.url,
    SANDBOX_SLACK_BOT_TOKEN: slack.botToken,
    SANDBOX_SLACK_SIGNING_SECRET: slack.signingSecret,
  };
});
afterEach(async () => {
  slack.faults.clear();
  await okta.close();
});
afterAll(async () => {
  await sql.end();
  await slack.close();
  await rm(folder, { recursive: true, force: true });
});

/** Changes the service app at Okta, as an administrator there would. */
const app = (change: Record<string, unknown>) =>
  fetch(`${okta.url}/_sandbox/service-app`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(change),
  });

const installation = (more: Partial<Installation> = {}): Installation => ({
  mode: 'sandbox',
  publicUrl: 'http://127.0.0.1:3000',
  okta: oktaOfSandbox(state, okta.url),
  slack: slackOfSandbox(slack.url, { botToken: slack.botToken, signingSecret: slack.signingSecret }),
  ownerUrl: databaseUrl,
  ...more,
});

/** The checks that are not OK, by id, with status and code. */
const bad = (checks: readonly Check[]): Record<string, string> =>
  Object.fromEntries(
    checks
      .filter(({ status }) => status !== 'ok')
      .map(({ id, status, code }) => [id, code === undefined ? status : `${status} ${code}`]),
  );

const checked = async (more: Partial<Installation> = {}) => bad(await runChecks(installation(more)));

/** Runs the command in this process. */
async function command(
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await main(['check', ...args], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    env: { ...env, ...more },
  });
  return { code, out, err };
}

/** Runs it as a process of its own, with this environment and no other. */
async function program(
  args: readonly string[],
  more: Record<string, string>,
  cwd = ROOT,
): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [join(ROOT, 'src/main/cli.ts'), ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => (said += piece.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, said };
}

describe('prokura check', () => {
  test('says for each thing that it asked that it is OK, and exits with 0', async () => {
    const { code, out } = await command([]);
    expect(out.split('\n').filter((line) => !line.startsWith('OK'))).toEqual(['Nothing failed.', '']);
    expect(code).toBe(0);
    for (const asked of [
      'Settings',
      'Okta: the organisation',
      'Okta: the credential',
      'Okta: the scopes of the service app',
      'Okta: the administrator role of the credential',
      'Issuer: its metadata',
      'Issuer: its signing keys',
      'Login app: its id and secret',
      'Slack: the bot token',
      'Slack: the scopes of the bot',
      'Slack: the app',
      'Database: the migrations',
      'Database: row-level security',
      'Database: the clock',
    ])
      expect(out).toContain(`OK       ${asked}. `);
  });

  test('as a program answers JSON and an exit code, and shows no secret', async () => {
    const wrong = 'xoxb-wrong-0123456789';
    const { code, said } = await program(['check', '--json'], { ...env, SANDBOX_SLACK_BOT_TOKEN: wrong });
    const answer = JSON.parse(said) as { ok: boolean; checks: Check[] };
    expect(bad(answer.checks)).toEqual({ 'slack.token': 'failed invalid_auth' });
    expect([code, answer.ok]).toEqual([1, false]);
    for (const secret of [
      wrong,
      slack.signingSecret,
      String(state.oktaKey['d']),
      new URL(databaseUrl).password,
    ])
      expect(said).not.toContain(secret);
  });

  test('a failed line says what to do, and the exit code is 1', async () => {
    const { code, out } = await command([], { SANDBOX_SLACK_BOT_TOKEN: 'xoxb-wrong' });
    expect(code).toBe(1);
    expect(out).toContain(
      'FAILED   Slack: the bot token. Slack refuses it: invalid_auth.\n         → Copy SLACK_BOT_TOKEN again',
    );
    expect(out).toContain('1 failed.');
  });

  test('wrong settings are all told at once, before anybody is asked', async () => {
    const asked = okta.requests.length;
    const { code, out } = await command([], {
      PROKURA_MODE: 'live',
      PORT: 'abc',
      OKTA_CLIENT_ID: 'foo',
      OKTA_ORG_URL: 'https://acme-admin.okta.com',
      SLACK_BOT_TOKEN: 'xapp-1-A1-secret',
      SLACK_TEAM_ID: 'acme',
      SLACK_APP_ID: 'B123',
      SLACK_SIGING_SECRET: 'x',
    });
    expect(code).toBe(1);
    for (const words of [
      'PORT: ',
      'OKTA_CLIENT_ID foo is not a client id of Okta',
      'remove "-admin"',
      'SLACK_BOT_TOKEN is an app-level token (xapp-…)',
      'SLACK_TEAM_ID acme is not the id of a workspace',
      'SLACK_APP_ID B123 is the id of a bot',
      'PUBLIC_URL is missing',
      'Did you mean SLACK_SIGNING_SECRET?',
    ])
      expect(out).toContain(words);
    expect(out).not.toContain('xapp-1-A1-secret');
    expect(okta.requests).toHaveLength(asked);
  });

  test('a folder in which no sandbox was started, other arguments, and --help', async () => {
    const empty = await command([], { PROKURA_DATA: join(folder, 'nothing') });
    expect(empty).toMatchObject({ code: 1, out: expect.stringContaining('none was ever started there') });
    expect((await command(['now'])).code).toBe(2);
    const help = await command(['--help']);
    expect(help).toMatchObject({ code: 0, out: expect.stringContaining('Usage: prokura check [--json]') });
  });
});

describe('Okta', () => {
  test('names each scope that is not granted', async () => {
    await app({ scopes: ['okta.users.read', 'okta.users.manage'] });
    const checks = await runChecks(installation());
    expect(bad(checks)).toEqual({ 'okta.scopes': 'failed missing_scope' });
    expect(checks.find(({ id }) => id === 'okta.scopes')?.found).toContain(
      'Not granted: okta.groups.read, okta.roles.read.',
    );
  });

  test('a key or a client that it does not know is named as such', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const oktaKey = { ...privateKey.export({ format: 'jwk' }), kid: 'other', alg: 'RS256' };
    const unknownKey = oktaOfSandbox({ ...state, oktaKey }, okta.url);
    expect(await checked({ okta: unknownKey })).toEqual({ 'okta.token': 'failed invalid_client' });
    const known = oktaOfSandbox(state, okta.url);
    const unknownClient = { ...known, credential: { ...known.credential, clientId: '0oaunknown' } };
    expect(await checked({ okta: unknownClient })).toEqual({
      'okta.token': 'failed invalid_client',
    });
  });

  test.each([
    ['no role at all', { admin_roles: [] }, { 'okta.people': 'failed admin_role', 'okta.role': 'warning' }],
    ['a super administrator', { admin_roles: ['SUPER_ADMIN'] }, { 'okta.role': 'warning' }],
    ['a role that only looks', { admin_roles: ['READ_ONLY_ADMIN'] }, { 'okta.role': 'warning' }],
    ['a standard role that acts', { admin_roles: ['HELP_DESK_ADMIN'] }, {}],
    [
      'a custom role that does not suspend',
      { custom_permissions: EXACT.filter((one) => !one.includes('suspend')) },
      { 'okta.role': 'warning' },
    ],
    [
      'a custom role that does not show roles',
      { custom_permissions: EXACT.filter((one) => one !== 'okta.iam.read') },
      { 'okta.role': 'warning', 'okta.people_roles': 'warning' },
    ],
    [
      'a custom role that allows more',
      { custom_permissions: [...EXACT, 'okta.apps.manage'] },
      { 'okta.role': 'warning' },
    ],
  ])('of %s it finds exactly what is wrong', async (_, change, found) => {
    await app(change);
    expect(await checked()).toEqual(found);
  });

  test('the role is named with what it lacks, and with what it allows beyond', async () => {
    await app({
      custom_permissions: [...EXACT.filter((one) => !one.includes('suspend')), 'okta.apps.manage'],
    });
    const lacks = (await runChecks(installation())).find(({ id }) => id === 'okta.role');
    expect(lacks?.found).toContain('lacks okta.users.lifecycle.suspend (okta_suspend_user fails at Okta)');
    await app({ custom_permissions: [...EXACT, 'okta.apps.manage'] });
    const more = (await runChecks(installation())).find(({ id }) => id === 'okta.role');
    expect(more?.found).toContain('allows more than is used here: okta.apps.manage');
  });

  test('an address where nobody listens, that no DNS knows, that never answers, that is no Okta', async () => {
    const at = (orgUrl: string) => ({ okta: { ...oktaOfSandbox(state, okta.url), orgUrl } });
    expect(await checked(at(`http://127.0.0.1:${await freePort()}`))).toEqual({
      'okta.org': 'failed refused',
    });
    expect(await checked(at('https://nowhere.invalid'))).toEqual({ 'okta.org': 'failed dns' });
    expect(await checked(at(slack.url))).toEqual({ 'okta.org': 'failed not_okta' });
    okta.fault({ path: '/.well-known/okta-organization', hang: true });
    expect(await checked({ timeoutMs: 500 })).toEqual({ 'okta.org': 'failed timeout' });
  });

  test('clocks that differ are a warning, and a failure where signatures would be refused', async () => {
    const ahead = (seconds: number) => ({ clock: () => Date.now() + seconds * 1000 });
    expect(await checked(ahead(20))).toEqual({ 'okta.clock': 'warning', 'database.clock': 'warning' });
    expect(await checked(ahead(-200))).toMatchObject({
      'okta.clock': 'failed clock',
      'database.clock': 'failed clock',
    });
  });
});

describe('the issuer and the login app', () => {
  test('an issuer that does not answer, has another name, or is an address of the organisation', async () => {
    okta.fault({ path: '/.well-known/openid-configuration', status: 500 });
    expect(await checked()).toEqual({ 'issuer.metadata': 'failed no_metadata' });
    const issuer = `${okta.url}/oauth2/default`;
    const renamed = { ...oktaOfSandbox(state, okta.url), issuer: issuer.replace('127.0.0.1', 'localhost') };
    expect(await checked({ okta: renamed })).toEqual({ 'issuer.metadata': 'failed other_issuer' });
    const audience = { ...oktaOfSandbox(state, okta.url), audience: okta.url };
    expect(await checked({ okta: audience })).toEqual({ 'issuer.audience': 'warning' });
  });

  test('a login app with a wrong secret, without one, and with redirect addresses that Okta does not know', async () => {
    const known = oktaOfSandbox(state, okta.url);
    const secret = {
      ...known,
      login: { clientId: known.login?.clientId ?? '', clientSecret: 'wrong-secret' },
    };
    expect(await checked({ okta: secret })).toEqual({ 'login.client': 'failed invalid_client' });
    expect(await checked({ okta: { ...known, login: null } })).toEqual({ 'login.client': 'warning' });
    const tenant = newId('tnt');
    await sql`insert into tenants (id, name, settings) values (${tenant}, 'Acme', '{}')`;
    const checks = await runChecks(installation({ publicUrl: 'https://prokura.acme.com' }));
    await sql`delete from tenants where id = ${tenant}`;
    expect(bad(checks)).toEqual({ 'login.redirects': 'failed redirect_uri' });
    expect(checks.find(({ id }) => id === 'login.redirects')?.found).toContain(
      `https://prokura.acme.com/t/${tenant}/step-up/callback`,
    );
  });

  test('a key set that does not come in time is named so', async () => {
    okta.fault({ path: '/v1/keys', hang: true });
    expect(await checked({ timeoutMs: 500 })).toEqual({ 'issuer.keys': 'failed timeout' });
  });

  test.each([
    ['on another port', 'http://127.0.0.1:PORT/introspect'],
    ['on another host', 'https://elsewhere.invalid/introspect'],
    ['without TLS', 'http://acme.okta.invalid/introspect'],
    ['that is none', 'introspect'],
  ])('an introspection endpoint %s is never sent the secret', async (_, endpoint) => {
    const known = oktaOfSandbox(state, okta.url);
    const sent: (string | undefined)[] = [];
    const listening = async (answer: () => unknown): Promise<[Server, number]> => {
      const server = createServer((request, response) => {
        if (request.method === 'POST') sent.push(request.headers.authorization);
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(answer()));
      }).listen(0, '127.0.0.1');
      await new Promise((ready) => server.once('listening', ready));
      return [server, (server.address() as AddressInfo).port];
    };
    const [other, otherPort] = await listening(() => ({ active: false }));
    let issuer = '';
    const [server, port] = await listening(() => ({
      issuer,
      jwks_uri: `${okta.url}/oauth2/default/v1/keys`,
      introspection_endpoint: endpoint.replace('PORT', String(otherPort)),
      authorization_endpoint: `${okta.url}/oauth2/default/v1/authorize`,
    }));
    issuer = `http://127.0.0.1:${port}/oauth2/default`;
    const checks = await runChecks(installation({ okta: { ...known, issuer } }));
    for (const one of [other, server]) one.close();
    expect(bad(checks)).toEqual({ 'login.client': 'failed other_origin' });
    expect(checks.find(({ id }) => id === 'login.client')?.found).toContain('were not sent');
    expect(sent).toEqual([]);
  });

  test('an answer that quotes a secret is shown without it', async () => {
    const known = oktaOfSandbox(state, okta.url);
    const secret = 'S3cret+That/The Server=Quotes';
    const clientId = known.login?.clientId ?? '';
    const encoded = encodeURIComponent(secret);
    const forms = [
      secret,
      encoded,
      String(new URLSearchParams({ '': secret })).slice(1),
      Buffer.from(`${clientId}:${secret}`).toString('base64'),
      Buffer.from(`${clientId}:${encoded}`).toString('base64'),
    ];
    let quoted = '';
    const server: Server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ issuer: `https://elsewhere.example/${quoted}` }));
    }).listen(0, '127.0.0.1');
    await new Promise((ready) => server.once('listening', ready));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth2/default`;
    const login = { clientId, clientSecret: secret };
    for (quoted of forms) {
      const checks = await runChecks(installation({ okta: { ...known, issuer, login } }));
      expect(bad(checks)).toEqual({ 'issuer.metadata': 'failed other_issuer' });
      expect(JSON.stringify(checks)).toContain('https://elsewhere.example/[secret]');
      expect(JSON.stringify(checks)).not.toContain(quoted);
    }
    server.close();
  });
});

describe('Slack', () => {
  test('tells apart another workspace, another app, a revoked token, too many requests, and nobody there', async () => {
    const { slack: good } = installation();
    expect(await checked({ slack: { ...good, teamId: 'T0OTHER' } })).toEqual({
      'slack.team': 'failed other_team',
    });
    expect(await checked({ slack: { ...good, appId: 'A0OTHER' } })).toEqual({
      'slack.app': 'failed other_app',
    });
    slack.faults.add({ method: 'auth.test', kind: 'error', error: 'token_revoked' });
    expect(await checked()).toEqual({ 'slack.token': 'failed token_revoked' });
    slack.faults.add({ method: 'auth.test', kind: 'rate_limited' });
    expect(await checked()).toEqual({ 'slack.token': 'warning' });
    const apiUrl = `http://127.0.0.1:${await freePort()}/api/`;
    expect(await checked({ slack: { ...good, apiUrl } })).toEqual({ 'slack.token': 'failed refused' });
  });

  test('names the scopes of the manifest that the token lacks', async () => {
    const lacking = await startSlackSimulator({ scopes: ['commands', 'chat:write', 'users:read'] });
    const { slack: good } = installation();
    const checks = await runChecks(
      installation({ slack: { ...good, botToken: lacking.botToken, apiUrl: lacking.apiUrl } }),
    );
    await lacking.close();
    expect(bad(checks)).toEqual({ 'slack.scopes': 'failed missing_scope' });
    expect(checks.find(({ id }) => id === 'slack.scopes')?.found).toContain(
      'Not granted: im:history, im:write, users:read.email.',
    );
  });
});

describe('the database', () => {
  const at = (change: (url: URL) => void): { ownerUrl: string } => {
    const url = new URL(databaseUrl);
    change(url);
    return { ownerUrl: url.href };
  };

  test('nobody there, a wrong password, no such database, a parameter that is not understood, none that runs', async () => {
    const port = String(await freePort());
    expect(await checked(at((url) => (url.port = port)))).toEqual({ 'database.reached': 'failed refused' });
    expect(await checked(at((url) => (url.pathname = '/nothing')))).toEqual({
      'database.reached': 'failed 3D000',
    });
    expect(await checked(at((url) => (url.search = '?sslmode=prefer')))).toEqual({
      'database.reached': 'failed invalid_url',
    });
    expect(await checked({ ownerUrl: null })).toEqual({ 'database.reached': 'warning' });
  });

  test('a connection in which nothing arrives any more is hung up, and named so', async () => {
    const target = new URL(databaseUrl);
    let open = 0;
    // Lets the start through, and not one answer to a question.
    const hole = createTcpServer((near) => {
      open += 1;
      const far = connect(Number(target.port), target.hostname);
      for (const one of [near, far]) one.on('error', () => {});
      near.on('close', () => {
        open -= 1;
        far.destroy();
      });
      near.on('data', (piece: Buffer) => {
        if (!piece.includes('pg_is_in_recovery')) far.write(piece);
      });
      far.pipe(near);
    }).listen(0, '127.0.0.1');
    await new Promise((ready) => hole.once('listening', ready));
    const { ownerUrl } = at((url) => (url.port = String((hole.address() as AddressInfo).port)));
    const { checks } = await checkDatabase(ownerUrl, 'sandbox', Date.now, 500);
    expect(bad(checks)).toEqual({ 'database.reached': 'failed timeout' });
    await expect.poll(() => open).toBe(0);
    hole.close();
  });

  test('a password that PostgreSQL refuses is not shown', async () => {
    await sql.unsafe(
      `drop role if exists check_user; create role check_user login password 'right-password'`,
    );
    const checks = await runChecks(
      installation(
        at((url) => {
          url.username = 'check_user';
          url.password = 'wrong-password';
        }),
      ),
    );
    await sql.unsafe('drop role check_user');
    const [check] = checks.filter(({ id }) => id === 'database.reached');
    // Where PostgreSQL trusts every local connection, it lets them in, and they own nothing.
    expect(check?.status === 'failed' ? check.code : bad(checks)['database.role']).toMatch(/^28P01$|rights/);
    expect(JSON.stringify(checks)).not.toContain('wrong-password');
  });

  test('migrations that are pending, that this version does not know, and another mode', async () => {
    const [last] = await sql<
      { id: number; hash: string; created_at: string }[]
    >`delete from drizzle.__drizzle_migrations where created_at = (select max(created_at) from drizzle.__drizzle_migrations) returning *`;
    expect(await checked()).toEqual({ 'database.migrations': 'warning' });
    await sql`insert into drizzle.__drizzle_migrations ${sql(last!)}`;
    await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('later', ${Date.now() * 2})`;
    expect(await checked()).toEqual({ 'database.migrations': 'failed newer' });
    await sql`delete from drizzle.__drizzle_migrations where hash = 'later'`;
    // As the many migrations from before the first release left it.
    await sql`update drizzle.__drizzle_migrations set created_at = created_at - 1e12::bigint`;
    expect(await checked()).toEqual({ 'database.migrations': 'failed before_first' });
    await expect(migrateDatabase(databaseUrl, 'sandbox', {})).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/before its first release.*empty database/),
    });
    await sql`update drizzle.__drizzle_migrations set created_at = created_at + 1e12::bigint`;
    expect(await checked({ mode: 'live' })).toEqual({ 'database.mode': 'failed other_mode' });
  });

  test('a table without row-level security, and a role that passes it over, are found', async () => {
    await sql`alter table people disable row level security`;
    const open = await runChecks(installation());
    await sql`alter table people enable row level security`;
    expect(bad(open)).toEqual({ 'database.row_security': 'failed row_security_off' });
    expect(open.find(({ id }) => id === 'database.row_security')?.found).toContain('people');
    const [owner] = await sql<{ name: string }[]>`select current_user as name`;
    await sql`alter table people owner to prokura_server`;
    const passed = await checked();
    await sql.unsafe(`alter table people owner to ${owner!.name}`);
    expect(passed).toEqual({ 'database.row_security': 'failed row_security_passed' });
  });

  test('an empty one is made at the first start', async () => {
    const admin = at((url) => (url.pathname = '/postgres'));
    const name = `empty_${Date.now()}`;
    const server = postgres(admin.ownerUrl, { max: 1, onnotice: () => {} });
    await server.unsafe(`create database ${name}`);
    const checks = await runChecks(installation(at((url) => (url.pathname = `/${name}`))));
    await server.unsafe(`drop database ${name}`);
    await server.end();
    expect(bad(checks)).toEqual({});
    expect(checks.find(({ id }) => id === 'database.migrations')?.found).toContain('empty');
  });
});

test('a file .env in the working directory is read, and the environment goes before it', async () => {
  await writeFile(
    join(folder, '.env'),
    Object.entries({ ...env, SANDBOX_SLACK_BOT_TOKEN: 'xoxb-from-the-file' })
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
  );
  const ran = (more: Record<string, string>) => program(['check'], more, folder);
  const alone = await ran({});
  const over = await ran({ SANDBOX_SLACK_BOT_TOKEN: slack.botToken });
  await rm(join(folder, '.env'));
  expect([alone.code, over.code]).toEqual([1, 0]);
  expect(alone.said).toContain('invalid_auth');
});

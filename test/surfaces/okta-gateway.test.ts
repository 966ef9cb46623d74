import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  jwtVerify,
  type JWK,
} from 'jose';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProviderLink } from '#domain/provider.ts';
import { connectOkta, validateOrgUrl, type OktaSettings } from '#idp/okta/index.ts';
import { Fault } from '#lib/fault.ts';
import { createLogger } from '#lib/log.ts';
import { samplePerson } from '#sandbox/company.ts';
import { startOktaSimulator, type OktaSimulator } from '#sandbox/okta/index.ts';

/**
 * The answer of a test's organisation. `drop` closes the socket after the request has arrived; `hang` never
 * answers.
 */
interface Reply {
  status?: number;
  headers?: Record<string, string | string[]>;
  body?: unknown;
  raw?: string;
  act?: 'drop' | 'hang';
}
interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
}
type Handler = (seen: Seen, count: number) => Reply;

const UID = '00uann000000000000h7';
const ANN = {
  id: UID,
  status: 'ACTIVE',
  passwordChanged: '2026-01-02T03:04:05.000Z',
  profile: {
    login: 'ann@acme.example',
    email: 'Ann@Acme.Example',
    firstName: 'Ann',
    lastName: 'Lee',
    managerId: 'bob@acme.example',
    employeeNumber: 1005,
  },
};
const API_TOKEN = { kind: 'api_token', token: 'ssws-secret-value' } as const;

let server: Server;
let orgUrl: string;
let seen: Seen[];
let handler: Handler;
let links: ProviderLink[];

const served = (path: string): Seen[] => seen.filter((one) => one.path === path);

async function read(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await read(request);
  const url = new URL(request.url ?? '/', 'http://host');
  const one = {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body,
  };
  seen.push(one);
  const reply = handler(one, served(url.pathname).length);
  if (reply.act === 'drop') request.socket.destroy();
  if (reply.act !== undefined) return;
  const json = reply.raw === undefined && reply.body !== undefined;
  response.writeHead(reply.status ?? 200, {
    ...(json ? { 'content-type': 'application/json' } : {}),
    ...reply.headers,
  });
  response.end(reply.raw ?? (json ? JSON.stringify(reply.body) : undefined));
}

beforeEach(async () => {
  seen = [];
  links = [];
  handler = () => ({ body: ANN });
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  orgUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await Promise.all(links.map((one) => one.close()));
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  vi.unstubAllEnvs();
});

function connect(more: Partial<OktaSettings> = {}): ProviderLink {
  const link = connectOkta({ orgUrl, credential: API_TOKEN, ...more });
  links.push(link);
  return link;
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => new Error('it was resolved'),
    (reason: unknown) => reason,
  );
  if (error instanceof Fault) return error;
  throw error;
}

const oktaError = (
  status: number,
  errorCode: string,
  errorSummary = 'summary',
  more: Partial<Reply> = {},
): Reply => ({
  status,
  body: { errorCode, errorSummary, errorLink: errorCode, errorId: 'oae1', errorCauses: [] },
  headers: { 'x-okta-request-id': 'req1', ...more.headers },
});
const limited = (headers: Record<string, string>): Reply =>
  oktaError(429, 'E0000047', 'API call exceeded rate limit', { headers });

async function collect<T>(pages: AsyncIterable<T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

describe('organisation URL', () => {
  it.each([
    ['https://acme.okta.com/', 'https://acme.okta.com'],
    [' https://login.acme.example ', 'https://login.acme.example'],
  ])('%s is normalised', (url, origin) => {
    expect(validateOrgUrl(url, { allowLoopback: false })).toBe(origin);
  });

  it.each([
    'http://acme.okta.com',
    'https://{yourOktaDomain}',
    'https://acme-admin.okta.com',
    'https://acme-admin.oktapreview.com',
    'https://acme.okta.com/api/v1',
    'https://acme.okta.com/?x=1',
    'https://user:secret@acme.okta.com',
    'https://169.254.169.254',
    'http://127.0.0.1:8080',
    'https://localhost',
    'acme.okta.com',
  ])('%s is refused without being repeated', (url) => {
    expect(() => validateOrgUrl(url, { allowLoopback: false })).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.not.stringContaining('secret') }),
    );
  });

  it('a trailing slash never becomes //api', async () => {
    await connect({ orgUrl: `${orgUrl}/` }).directory.person(UID);
    expect(seen[0]?.path).toBe(`/api/v1/users/${UID}`);
  });
});

describe('reads', () => {
  it('a person is read afresh each time, whatever links the answer holds', async () => {
    let status = 'ACTIVE';
    handler = () => ({
      body: { ...ANN, status, _links: { self: { href: `${orgUrl}/api/v1/users/${UID}` } } },
    });
    const { directory } = connect();
    expect(await directory.person(UID)).toMatchObject({
      uid: UID,
      status: 'ACTIVE',
      email: 'ann@acme.example',
      displayName: 'Ann Lee',
      employeeNumber: '1005',
      managerRef: 'bob@acme.example',
    });
    status = 'SUSPENDED';
    expect((await directory.person(UID)).status).toBe('SUSPENDED');
    expect(await directory.passwordChanged(UID)).toBe('2026-01-02T03:04:05.000Z');
  });

  it('a status that Okta adds later is never active', async () => {
    handler = () => ({ body: { ...ANN, status: 'HALF_ACTIVE' } });
    expect((await connect().directory.person(UID)).status).toBe('SUSPENDED');
  });

  it.each(['me', '..', 'ann@acme.example', '00u/../../x', '00gteam0000000000h7'])(
    '%s is not a user id and reaches no path',
    async (uid) => {
      expect(await faultOf(connect().directory.person(uid))).toMatchObject({ code: 'invalid_input' });
      expect(seen).toHaveLength(0);
    },
  );

  it('everybody is listed page by page, past an empty page that has a next link', async () => {
    const next = (after: string): Record<string, string[]> => ({
      link: [
        `<${orgUrl}/api/v1/users?limit=200>; rel="self"`,
        `<${orgUrl}/api/v1/users?after=${after}&limit=200>; rel="next"`,
      ],
    });
    handler = (_, count) =>
      count === 1
        ? { body: [ANN], headers: next('a') }
        : count === 2
          ? { body: [], headers: next('b') }
          : { body: [{ ...ANN, id: '00ubob000000000000h7', status: 'DEPROVISIONED' }] };
    expect((await collect(connect().directory.people())).map((one) => one.status)).toEqual([
      'ACTIVE',
      'DEPROVISIONED',
    ]);
    expect(seen[0]?.query.get('search')).toBe('status pr');
    expect(seen[0]?.headers['content-type']).toContain('okta-response="omitCredentials');
    expect(seen[2]?.query.get('after')).toBe('b');
  });

  it('an empty first page of people means a missing administrator role, not an empty company', async () => {
    handler = () => ({ body: [] });
    const fault = await faultOf(collect(connect().directory.people()));
    expect(fault).toMatchObject({ code: 'forbidden', detail: { missing: ['admin_role'] } });
  });

  it('a next link that names another host is followed at our own, and the other never sees the credential', async () => {
    const stolen: unknown[] = [];
    const thief = createServer((request, response) => {
      stolen.push(request.headers.authorization);
      response.end('[]');
    });
    await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve));
    const foreign = `http://127.0.0.1:${(thief.address() as AddressInfo).port}`;
    handler = ({ query }) => ({
      body: [{ id: `00g${query.get('after') ?? 'first'}000000000h7`, profile: { name: 'X' } }],
      headers: query.has('after') ? {} : { link: `<${foreign}/api/v1/groups?after=second>; rel="next"` },
    });
    const groups = await collect(connect().directory.groups());
    thief.close();
    expect(groups.map((group) => group.uid)).toEqual(['00gfirst000000000h7', '00gsecond000000000h7']);
    expect(stolen).toEqual([]);
  });

  it('a redirect is not followed', async () => {
    handler = ({ path }) =>
      path === '/elsewhere' ? { body: ANN } : { status: 302, headers: { location: '/elsewhere' } };
    expect(await faultOf(connect().directory.person(UID))).toMatchObject({ code: 'unavailable' });
    expect(served('/elsewhere')).toHaveLength(0);
  });

  it('a list whose next page is itself ends', async () => {
    handler = ({ query }) => ({
      body: [],
      headers: { link: `<${orgUrl}/api/v1/groups?after=${query.get('after') ?? 'x'}>; rel="next"` },
    });
    expect(await faultOf(collect(connect().directory.groups()))).toMatchObject({
      detail: { reason: 'endless_list' },
    });
  });

  it('a search escapes quotes, leaves deprovisioned people out and keeps the limit', async () => {
    const people = ['ACTIVE', 'DEPROVISIONED', 'STAGED', 'ACTIVE'].map((status, index) => ({
      ...ANN,
      id: `00uperson${index}00000000`,
      status,
    }));
    handler = () => ({ body: people });
    const found = await connect().directory.findPeople('An" or status eq "ACTIVE', 2);
    expect(found.map((one) => one.status)).toEqual(['ACTIVE', 'STAGED']);
    expect(seen[0]?.query.get('search')).toContain(String.raw`profile.login sw "An\" or status eq \"ACTIVE"`);
  });

  it('factors, roles and members come as Okta names them', async () => {
    handler = ({ path }) => {
      if (path.endsWith('/factors'))
        return {
          body: [
            {
              id: 'f1',
              factorType: 'signed_nonce',
              provider: 'OKTA',
              vendorName: 'OKTA',
              status: 'ACTIVE',
              new: 1,
            },
          ],
        };
      if (path.endsWith('/roles'))
        return {
          body: [
            { type: 'SUPER_ADMIN', label: 'Super Administrator', status: 'ACTIVE' },
            { type: 'CUSTOM', label: 'Gone', status: 'INACTIVE' },
          ],
        };
      return { body: [{ id: UID }] };
    };
    const { directory } = connect();
    expect(await directory.factors(UID)).toEqual([
      { id: 'f1', type: 'signed_nonce', vendor: 'OKTA', status: 'ACTIVE' },
    ]);
    expect(await directory.adminRoles(UID)).toEqual(['Super Administrator']);
    expect(await collect(directory.members('00gteam0000000000h7'))).toEqual([UID]);
  });
});

describe('changes', () => {
  it('the SDK’s operations reach Okta’s paths, and empty answers are successes', async () => {
    handler = () => ({ status: 204 });
    const { actions } = connect();
    await actions.resetPassword(UID);
    await actions.resetFactors(UID);
    await actions.suspend(UID);
    expect(seen.map((one) => `${one.method} ${one.path}`)).toEqual([
      `POST /api/v1/users/${UID}/lifecycle/reset_password`,
      `POST /api/v1/users/${UID}/lifecycle/reset_factors`,
      `POST /api/v1/users/${UID}/lifecycle/suspend`,
    ]);
    expect(seen[0]?.query.get('sendEmail')).toBe('true');
    expect(seen[0]?.headers.authorization).toBe('SSWS ssws-secret-value');
    expect(seen[0]?.headers['user-agent']).toMatch(/^prokura @okta\/okta-sdk-nodejs/);
  });

  it.each<[string, Reply]>([
    ['a dropped connection', { act: 'drop' }],
    ['no answer in time', { act: 'hang' }],
    ['a 500', oktaError(500, 'E0000009')],
    [
      'a 502 of a gateway',
      { status: 502, raw: '<html>bad gateway</html>', headers: { 'content-type': 'text/html' } },
    ],
    [
      'a success that is a sign-in page',
      { raw: '<html>sign in</html>', headers: { 'content-type': 'text/html' } },
    ],
  ])('%s is sent once and may have happened', async (_, reply) => {
    handler = () => reply;
    const fault = await faultOf(connect({ requestTimeoutMs: 150 }).actions.suspend(UID));
    expect(fault).toMatchObject({ code: 'unavailable', detail: { unanswered: true } });
    expect(seen).toHaveLength(1);
  });

  it('a refused connection and read-only mode have certainly not happened', async () => {
    handler = () => oktaError(503, 'E0000010');
    expect(await faultOf(connect().actions.suspend(UID))).toMatchObject({
      code: 'unavailable',
      detail: { unanswered: false },
    });
    await new Promise((resolve) => server.close(resolve));
    const closed = connect({ waitBudgetMs: 0 });
    expect(await faultOf(closed.actions.suspend(UID))).toMatchObject({
      detail: { unanswered: false, reason: 'network' },
    });
  });

  it('the caller’s signal ends a change through the SDK', async () => {
    handler = () => ({ act: 'hang' });
    const started = performance.now();
    const fault = await faultOf(connect().actions.suspend(UID, AbortSignal.timeout(100)));
    expect(fault).toMatchObject({ code: 'unavailable', detail: { reason: 'cancelled', unanswered: true } });
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});

describe('waiting and repeating', () => {
  it('a read survives two failures of Okta', async () => {
    handler = (_, count) =>
      count === 1 ? oktaError(500, 'E0000009') : count === 2 ? { act: 'drop' } : { body: ANN };
    expect((await connect().directory.person(UID)).uid).toBe(UID);
    expect(seen).toHaveLength(3);
  });

  it('each attempt of a read has its own time-out', async () => {
    handler = (_, count) => (count === 1 ? { act: 'hang' } : { body: ANN });
    expect((await connect({ requestTimeoutMs: 150 }).directory.person(UID)).uid).toBe(UID);
  });

  it('a used-up window is waited for by Okta’s clock, not ours, if the budget allows', async () => {
    const date = new Date('2031-01-01T00:00:00Z');
    const headers = {
      date: date.toUTCString(),
      'x-rate-limit-reset': String(date.getTime() / 1_000),
      'x-rate-limit-limit': '600',
      'x-rate-limit-remaining': '0',
    };
    handler = (_, count) => (count === 1 ? limited(headers) : { status: 200 });
    const started = performance.now();
    await connect().actions.suspend(UID);
    expect(performance.now() - started).toBeGreaterThan(900);
    expect(seen).toHaveLength(2);
  });

  it('beyond the budget it says at once when to come back', async () => {
    const date = new Date();
    handler = () =>
      limited({
        date: date.toUTCString(),
        'x-rate-limit-reset': String(Math.floor(date.getTime() / 1_000) + 40),
        'x-rate-limit-limit': '600',
      });
    const fault = await faultOf(connect().actions.suspend(UID));
    expect(fault).toMatchObject({
      code: 'rate_limited',
      detail: { retry_after_seconds: 41, provider: { status: 429, code: 'E0000047', request_id: 'req1' } },
    });
    expect(seen).toHaveLength(1);
  });

  it('a concurrency limit is tried again soon, whatever its reset says', async () => {
    const reset = String(Math.floor(Date.now() / 1_000) + 300);
    handler = (_, count) =>
      count === 1
        ? limited({ 'x-rate-limit-reset': reset, 'x-rate-limit-limit': '0', 'x-rate-limit-remaining': '0' })
        : { body: ANN };
    expect((await connect().directory.person(UID)).uid).toBe(UID);
  });
});

describe('errors', () => {
  it.each<[string, Reply, Partial<Fault>]>([
    ['E0000007', oktaError(404, 'E0000007'), { code: 'not_found' }],
    [
      'a 404 without Okta’s code',
      { status: 404, raw: '<html>', headers: { 'content-type': 'text/html' } },
      { code: 'unavailable' },
    ],
    [
      'E0000006',
      oktaError(403, 'E0000006'),
      { code: 'forbidden', message: expect.stringContaining('role') as string },
    ],
    [
      'a dead API token',
      oktaError(401, 'E0000011'),
      { code: 'forbidden', message: expect.stringContaining('no longer valid') as string },
    ],
    [
      'a block page',
      { status: 403, raw: '<html>blocked</html>', headers: { 'content-type': 'text/html' } },
      { code: 'forbidden', message: expect.stringContaining('network zone') as string },
    ],
    ['a wrong state (400)', oktaError(400, 'E0000001'), { code: 'conflict' }],
    ['a wrong state (E0000016)', oktaError(403, 'E0000016'), { code: 'conflict' }],
    ['a wrong state (E0000038)', oktaError(403, 'E0000038'), { code: 'conflict' }],
  ])('%s has its own meaning', async (_, reply, expected) => {
    handler = () => reply;
    const fault = await faultOf(connect().actions.suspend(UID));
    expect(fault).toMatchObject(expected);
    expect(fault.detail['provider']).toMatchObject({ status: reply.status });
  });

  it('an empty 403 names the scope that is missing', async () => {
    handler = () => ({
      status: 403,
      headers: {
        'www-authenticate': 'Bearer realm="x", scope="okta.users.manage", error="insufficient_scope"',
      },
    });
    expect(await faultOf(connect().actions.suspend(UID))).toMatchObject({
      code: 'forbidden',
      detail: { missing: ['okta.users.manage'] },
    });
  });

  it('the credential is in no fault and no log line', async () => {
    const lines: string[] = [];
    const log = createLogger('trace', { write: (line) => void lines.push(line) });
    handler = () => oktaError(500, 'E0000009');
    const fault = await faultOf(connect({ log }).directory.person(UID));
    const told = JSON.stringify([fault.message, fault.detail, String(fault.cause), lines]);
    expect(lines.length).toBeGreaterThan(0);
    expect(told).not.toContain('ssws-secret-value');
  });
});

describe('surroundings', () => {
  it('OKTA_CLIENT_* and okta.yaml of this machine change nothing', async () => {
    const home = await mkdtemp(join(tmpdir(), 'okta-home-'));
    await mkdir(join(home, '.okta'));
    await writeFile(
      join(home, '.okta/okta.yaml'),
      'okta:\n  client:\n    token: yaml-token\n    orgUrl: https://other.okta.com\n    userAgent: yaml\n    authorizationMode: PrivateKey\n',
    );
    vi.stubEnv('HOME', home);
    vi.stubEnv('OKTA_CLIENT_TOKEN', 'env-token');
    vi.stubEnv('OKTA_CLIENT_ORGURL', 'https://env.okta.com');
    vi.stubEnv('OKTA_CLIENT_AUTHORIZATIONMODE', 'PrivateKey');
    await connect().directory.person(UID);
    expect(seen[0]?.headers.authorization).toBe('SSWS ssws-secret-value');
    expect(seen[0]?.headers['user-agent']).toMatch(/^prokura /);
    await writeFile(join(home, '.okta/okta.yaml'), 'okta: {token: yaml-token');
    expect(() => connect()).toThrow(
      expect.objectContaining({ code: 'internal', message: expect.not.stringContaining('yaml-token') }),
    );
    await rm(home, { recursive: true });
  });

  it('https_proxy does not catch a loopback organisation', async () => {
    vi.stubEnv('https_proxy', 'http://127.0.0.1:9');
    await connect().actions.suspend(UID);
    expect(seen).toHaveLength(1);
  });

  it('closing the link ends what is in flight', async () => {
    handler = () => ({ act: 'hang' });
    const link = connect();
    const waiting = faultOf(link.directory.person(UID));
    await vi.waitFor(() => expect(seen).toHaveLength(1));
    await link.close();
    expect(await waiting).toMatchObject({ code: 'unavailable', detail: { reason: 'cancelled' } });
  });
});

describe('OAuth', () => {
  let rsa: JWK;
  let rsaPublic: JWK;
  let ec: JWK;
  let ecPublic: JWK;

  beforeAll(async () => {
    const one = await generateKeyPair('RS256', { extractable: true });
    rsa = { ...(await exportJWK(one.privateKey)), kid: 'k1' };
    rsaPublic = { ...(await exportJWK(one.publicKey)), kid: 'k1' };
    const two = await generateKeyPair('ES384', { extractable: true });
    ec = { ...(await exportJWK(two.privateKey)), kid: 'k2' };
    ecPublic = { ...(await exportJWK(two.publicKey)), kid: 'k2' };
  });

  const app = (privateKey: JWK, scopes?: string[]): OktaSettings['credential'] => ({
    kind: 'private_key',
    clientId: '0oaapp',
    privateKey,
    ...(scopes === undefined ? {} : { scopes }),
  });
  const TOKEN = '/oauth2/v1/token';
  const issue = (count: number, expiresIn = 3_600): Reply => ({
    body: { access_token: `at${count}`, token_type: 'Bearer', expires_in: expiresIn },
  });

  it('ten cold calls ask for one token, with an assertion that Okta can verify', async () => {
    handler = ({ path }, count) => (path === TOKEN ? issue(count) : { body: ANN });
    const { directory } = connect({ credential: app(rsa) });
    await Promise.all(Array.from({ length: 10 }, () => directory.person(UID)));
    expect(served(TOKEN)).toHaveLength(1);
    const form = new URLSearchParams(served(TOKEN)[0]?.body);
    expect(form.get('scope')).toContain('okta.users.manage');
    const { payload, protectedHeader } = await jwtVerify(
      form.get('client_assertion') ?? '',
      createLocalJWKSet({ keys: [rsaPublic] }),
      {
        issuer: '0oaapp',
        subject: '0oaapp',
        audience: `${orgUrl}${TOKEN}`,
      },
    );
    expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: 'k1' });
    expect(payload.jti).toBeTypeOf('string');
    expect(served(`/api/v1/users/${UID}`)[9]?.headers.authorization).toBe('Bearer at1');
  });

  it('EC keys and PS256 work', async () => {
    handler = ({ path }, count) => (path === TOKEN ? issue(count) : { body: ANN });
    await connect({ credential: app(ec) }).directory.person(UID);
    await connect({ credential: app({ ...rsa, alg: 'PS256' }) }).directory.person(UID);
    const assertions = served(TOKEN).map(
      (one) => new URLSearchParams(one.body).get('client_assertion') ?? '',
    );
    const keys = createLocalJWKSet({ keys: [rsaPublic, ecPublic] });
    const verified = await Promise.all(assertions.map((one) => jwtVerify(one, keys)));
    expect(verified.map((one) => one.protectedHeader.alg)).toEqual(['ES384', 'PS256']);
  });

  it('a token is renewed a minute before its end', async () => {
    let now = 1_000_000_000_000;
    handler = ({ path }, count) => (path === TOKEN ? issue(count) : { body: ANN });
    const { directory } = connect({ credential: app(rsa), now: () => now });
    await directory.person(UID);
    now += 3_539_000;
    await directory.person(UID);
    expect(served(TOKEN)).toHaveLength(1);
    now += 2_000;
    await directory.person(UID);
    expect(served(TOKEN)).toHaveLength(2);
  });

  it('a 401 costs one new token and one more try, for changes too, and then ends', async () => {
    handler = ({ path, headers }, count) =>
      path === TOKEN
        ? issue(count)
        : headers.authorization === 'Bearer at1'
          ? oktaError(401, 'E0000011')
          : { status: 200 };
    const link = connect({ credential: app(rsa) });
    await link.actions.suspend(UID);
    expect(served(TOKEN)).toHaveLength(2);
    handler = ({ path }, count) => (path === TOKEN ? issue(count) : oktaError(401, 'E0000011'));
    expect(await faultOf(link.actions.suspend(UID))).toMatchObject({ code: 'forbidden' });
    expect(served(TOKEN)).toHaveLength(3);
    expect(seen.some((one) => one.headers.authorization?.includes('undefined'))).toBe(false);
  });

  it('a refused client hears why, and nothing is sent without a token', async () => {
    handler = () => ({
      status: 401,
      body: { error: 'invalid_client', error_description: 'The client secret supplied is invalid.' },
    });
    const fault = await faultOf(connect({ credential: app(rsa) }).directory.person(UID));
    expect(fault).toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('client ID'),
      detail: { provider: { status: 401, code: 'invalid_client' } },
    });
    expect(seen.map((one) => one.path)).toEqual([TOKEN]);
  });

  it('an ungranted scope is found out and named', async () => {
    handler = ({ body }, count) =>
      new URLSearchParams(body).get('scope')?.includes('okta.roles.read') === true
        ? {
            status: 400,
            body: { error: 'invalid_scope', error_description: 'One or more scopes are not configured.' },
          }
        : issue(count);
    const fault = await faultOf(connect({ credential: app(rsa) }).directory.person(UID));
    expect(fault).toMatchObject({ code: 'forbidden', detail: { missing: ['okta.roles.read'] } });
  });

  it('an unknown client id hears the same, though Okta words it otherwise', async () => {
    handler = () => oktaError(401, 'invalid_client', "Invalid value for 'client_id' parameter.");
    const fault = await faultOf(connect({ credential: app(rsa) }).directory.person(UID));
    expect(fault).toMatchObject({ code: 'forbidden', message: expect.stringContaining('client ID') });
  });

  it('a failed token request is not remembered', async () => {
    handler = ({ path }, count) =>
      path === TOKEN
        ? count === 1
          ? { status: 401, body: { error: 'invalid_client' } }
          : issue(count)
        : { body: ANN };
    const { directory } = connect({ credential: app(rsa) });
    await faultOf(directory.person(UID));
    expect((await directory.person(UID)).uid).toBe(UID);
  });

  it('an app that demands DPoP gets proofs, each used once and bound to method, address, nonce and token', async () => {
    handler = ({ path, headers }, count) => {
      if (path !== TOKEN)
        return count === 1
          ? limited({ 'x-rate-limit-limit': '0', 'x-rate-limit-remaining': '0' })
          : { body: ANN };
      const proof = headers['dpop'];
      if (typeof proof !== 'string')
        return {
          status: 400,
          body: { error: 'invalid_dpop_proof', error_description: 'The DPoP proof JWT header is missing.' },
        };
      if (decodeJwt(proof)['nonce'] !== 'n1')
        return { status: 400, body: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': 'n1' } };
      return { body: { access_token: 'bound', token_type: 'DPoP', expires_in: 3_600 } };
    };
    await connect({ credential: app(rsa) }).directory.person(UID);
    const calls = served(`/api/v1/users/${UID}`);
    expect(calls.map((one) => one.headers.authorization)).toEqual(['DPoP bound', 'DPoP bound']);
    const proofs = calls.map((one) => String(one.headers['dpop']));
    expect(decodeProtectedHeader(proofs[0] ?? '')).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256' });
    expect(decodeJwt(proofs[0] ?? '')).toMatchObject({
      htm: 'GET',
      htu: `${orgUrl}/api/v1/users/${UID}`,
      ath: expect.any(String),
    });
    expect(new Set(proofs.map((one) => decodeJwt(one).jti)).size).toBe(2);
  });

  it('a key that cannot sign is refused without being quoted', async () => {
    expect(() => connect({ credential: app({ kty: 'oct', k: 'topsecret' }) })).toThrow(
      expect.objectContaining({ code: 'invalid_input', message: expect.not.stringContaining('topsecret') }),
    );
    expect(await faultOf(connect({ credential: app(rsaPublic) }).directory.person(UID))).toMatchObject({
      code: 'invalid_input',
    });
  });
});

describe('against the simulated organisation', () => {
  let simulator: OktaSimulator;
  const ann = samplePerson('ann').oktaId;
  const dana = samplePerson('dana').oktaId;
  const sent = (part: string): number =>
    simulator.requests.filter((one) => one.method === 'POST' && one.path.includes(part)).length;

  beforeEach(async () => {
    simulator = await startOktaSimulator();
  });
  afterEach(() => simulator.close());

  function connectToSimulator(more: Partial<OktaSettings> = {}): ProviderLink {
    const { clientId, privateKeyJwk } = simulator.serviceApp;
    return connect({
      orgUrl: simulator.url,
      credential: { kind: 'private_key', clientId, privateKey: privateKeyJwk },
      ...more,
    });
  }

  it('reads the whole company: people, groups, members, factors, roles', async () => {
    const { directory } = connectToSimulator();
    const people = await collect(directory.people());
    expect(people.map((one) => one.uid)).toEqual(
      expect.arrayContaining([ann, samplePerson('otto').oktaId, samplePerson('quin').oktaId]),
    );
    expect(people.find((one) => one.uid === samplePerson('quin').oktaId)?.status).toBe('DEPROVISIONED');
    const groups = await collect(directory.groups());
    const engineering = groups.find((one) => one.name === 'Engineering');
    expect(await collect(directory.members(engineering?.uid ?? ''))).toContain(ann);
    expect((await directory.factors(ann)).map((one) => one.type).toSorted()).toEqual([
      'push',
      'token:software:totp',
      'webauthn',
    ]);
    expect(await directory.adminRoles(dana)).toEqual(['Super Administrator']);
    expect(await directory.adminRoles(ann)).toEqual([]);
  });

  it.each(['ann', 'LEE', 'Ann Lee', 'lee ann', 'ann@acme'])('finds Ann by %s', async (query) => {
    const found = await connectToSimulator().directory.findPeople(query, 5);
    expect(found.map((one) => one.uid)).toContain(ann);
  });

  it('finds nobody who is deprovisioned', async () => {
    expect(await connectToSimulator().directory.findPeople('quin', 5)).toEqual([]);
  });

  it('the three actions change the organisation, and a second suspend is a conflict', async () => {
    const { actions, directory } = connectToSimulator();
    await actions.resetFactors(ann);
    expect(await directory.factors(ann)).toEqual([]);
    await actions.suspend(ann);
    expect((await directory.person(ann)).status).toBe('SUSPENDED');
    expect(await faultOf(actions.suspend(ann))).toMatchObject({ code: 'conflict' });
    const carl = samplePerson('carl').oktaId;
    await actions.resetPassword(carl);
    expect((await directory.person(carl)).status).toBe('RECOVERY');
  });

  it('a change whose answer was lost is sent once, reported as unanswered, and seen by the next read', async () => {
    simulator.fault({ method: 'POST', path: '/lifecycle/suspend', drop_after_apply: true });
    const { actions, directory } = connectToSimulator();
    expect(await faultOf(actions.suspend(ann))).toMatchObject({ detail: { unanswered: true } });
    expect(sent('/lifecycle/suspend')).toBe(1);
    expect((await directory.person(ann)).status).toBe('SUSPENDED');
  });

  it('an app without an administrator role is told so', async () => {
    simulator.org.serviceApp.adminRoles.length = 0;
    expect(await faultOf(collect(connectToSimulator().directory.people()))).toMatchObject({
      code: 'forbidden',
      detail: { missing: ['admin_role'] },
    });
  });

  it('a scope that was not asked for, or not granted, is named', async () => {
    const { clientId, privateKeyJwk } = simulator.serviceApp;
    const credential = { kind: 'private_key', clientId, privateKey: privateKeyJwk } as const;
    const reader = connectToSimulator({ credential: { ...credential, scopes: ['okta.users.read'] } });
    expect(await faultOf(reader.actions.suspend(ann))).toMatchObject({
      code: 'forbidden',
      detail: { missing: ['okta.users.manage'] },
    });
    const greedy = connectToSimulator({
      credential: { ...credential, scopes: ['okta.users.read', 'okta.devices.manage'] },
    });
    expect(await faultOf(greedy.directory.person(ann))).toMatchObject({
      code: 'forbidden',
      detail: { missing: ['okta.devices.manage'] },
    });
  });

  it('somebody who does not exist is not found, and HTML in between is not Okta', async () => {
    const { directory } = connectToSimulator();
    expect(await faultOf(directory.person('00unobody00000000h7'))).toMatchObject({ code: 'not_found' });
    simulator.fault({ path: '/api/v1/users/', status: 403, html_body: true });
    expect(await faultOf(directory.person(ann))).toMatchObject({
      code: 'forbidden',
      detail: { reason: 'not_json' },
    });
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import okta from '@okta/okta-sdk-nodejs';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import {
  EVERYONE_GROUP_ID,
  SANDBOX_API_TOKEN,
  startOktaSimulator,
  type OktaSimulator,
} from '#sandbox/okta/index.ts';

let sim: OktaSimulator;
let client: okta.Client;
const ann = samplePerson('ann').oktaId;
const executor = (): okta.RequestExecutor =>
  new okta.DefaultRequestExecutor({ maxRetries: 0, requestTimeout: 0 });
// The SDK's default cache serves stale users for ever.
const connect = (): okta.Client =>
  new okta.Client({
    orgUrl: sim.url,
    token: SANDBOX_API_TOKEN,
    cacheMiddleware: null,
    requestExecutor: executor(),
  });
const api = async (path: string, init: RequestInit = {}): Promise<Response> =>
  await fetch(`${sim.url}/api/v1${path}`, {
    ...init,
    headers: { authorization: `SSWS ${SANDBOX_API_TOKEN}`, ...(init.headers as Record<string, string>) },
  });
const eventTypes = (): unknown[] => sim.org.log.map((each) => each.event['eventType']);
const collected = async <T>(collection: AsyncIterable<T | null>): Promise<T[]> => {
  const items: T[] = [];
  for await (const item of collection) if (item !== null) items.push(item);
  return items;
};

beforeEach(async () => {
  // The SDK sends loopback requests through https_proxy too.
  for (const name of ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']) delete process.env[name];
  sim = await startOktaSimulator();
  client = connect();
});
afterEach(async () => {
  await sim.close();
});

describe('the directory', () => {
  test('lists live people page by page, and deprovisioned ones only to a filter or a search', async () => {
    const people = await collected(await client.userApi.listUsers({ limit: 3 }));
    expect(people).toHaveLength(11);
    expect(new Set(people.map((each) => each.id)).size).toBe(11);
    expect(sim.requests.filter((each) => each.path === '/api/v1/users')).toHaveLength(4);
    const everybody = await collected(await client.userApi.listUsers({ search: 'status pr', limit: 5 }));
    expect(everybody).toHaveLength(12);
    const gone = await collected(await client.userApi.listUsers({ filter: 'status eq "DEPROVISIONED"' }));
    expect(gone.map((each) => each.profile?.login)).toEqual(['quin@acme.example']);
  });

  test('holds manager, groups, factors, admin roles and apps of the sample company', async () => {
    const person = await client.userApi.getUser({ userId: 'ann@acme.example' });
    expect(person.profile).toMatchObject({ manager: 'Bob Meyer', managerId: samplePerson('bob').oktaId });
    const groups = await collected(await client.userApi.listUserGroups({ userId: ann }));
    expect(new Set(groups.map((each) => each.profile?.name))).toEqual(new Set(['Engineering', 'Everyone']));
    expect(await collected(await client.userFactorApi.listFactors({ userId: ann }))).toHaveLength(3);
    const roles = (await (await api(`/users/${samplePerson('dana').oktaId}/roles`)).json()) as {
      label: string;
    }[];
    expect(roles.map((each) => each.label)).toEqual(['Super Administrator']);
    const members = await collected(
      await client.groupApi.listGroupUsers({ groupId: EVERYONE_GROUP_ID, limit: 4 }),
    );
    expect(members).toHaveLength(11);
    const apps = await collected(await client.applicationApi.listApplications());
    expect(apps.map((each) => each.signOnMode).sort()).toEqual(['OPENID_CONNECT', 'SAML_2_0']);
  });

  test('refuses a filter that Okta does not support with E0000031, and an unknown person with E0000007', async () => {
    const refused = await api('/users?filter=' + encodeURIComponent('profile.city eq "Rome"'));
    expect([refused.status, await refused.json()]).toMatchObject([400, { errorCode: 'E0000031' }]);
    await expect(client.userApi.getUser({ userId: '00unobody' })).rejects.toMatchObject({
      status: 404,
      errorCode: 'E0000007',
    });
  });

  test('adds and removes members once each, however often it is asked, and moves app assignments along', async () => {
    const finance = '00gfinance00000000h7';
    for (let time = 0; time < 2; time += 1)
      await client.groupApi.assignUserToGroup({ groupId: finance, userId: ann });
    const links = await collected(await client.userApi.listAppLinks({ userId: ann }));
    expect(new Set(links.map((each) => each.label))).toEqual(new Set(['GitHub', 'Salesforce']));
    for (let time = 0; time < 2; time += 1)
      await client.groupApi.unassignUserFromGroup({ groupId: finance, userId: ann });
    expect(eventTypes()).toEqual([
      'group.user_membership.add',
      'application.user_membership.add',
      'group.user_membership.remove',
      'application.user_membership.remove',
    ]);
  });
});

describe('the lifecycle', () => {
  test('suspends once; a second time is E0000001, and the first is in the log under its own name', async () => {
    await client.userApi.suspendUser({ userId: ann });
    await expect(client.userApi.suspendUser({ userId: ann })).rejects.toMatchObject({
      status: 400,
      errorCode: 'E0000001',
    });
    expect((await client.userApi.getUser({ userId: ann })).status).toBe('SUSPENDED');
    expect(eventTypes()).toEqual(['user.lifecycle.suspend']);
  });

  test('resets factors: the list is empty, and the log says so', async () => {
    await client.userApi.resetFactors({ userId: ann });
    expect(await collected(await client.userFactorApi.listFactors({ userId: ann }))).toEqual([]);
    const [event] = sim.org.log;
    expect(event?.event).toMatchObject({
      eventType: 'user.mfa.factor.reset_all',
      target: [{ id: ann, type: 'User' }],
      actor: { alternateId: 'dana@acme.example' },
    });
  });

  test('resets a password by mail with an empty answer, by link with a URL, and puts the person into RECOVERY', async () => {
    expect(
      await (await api(`/users/${ann}/lifecycle/reset_password?sendEmail=true`, { method: 'POST' })).json(),
    ).toEqual({});
    expect((await client.userApi.getUser({ userId: ann })).status).toBe('RECOVERY');
    const link = await client.userApi.generateResetPasswordToken({ userId: ann, sendEmail: false });
    expect(link.resetPasswordUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/reset_password\//);
    const missing = await api(`/users/${ann}/lifecycle/reset_password`, { method: 'POST' });
    expect(await missing.json()).toMatchObject({ errorCode: 'E0000028' });
  });

  test('deletes in two steps: the first call deprovisions, the second removes', async () => {
    await client.userApi.deleteUser({ userId: ann });
    expect((await client.userApi.getUser({ userId: ann })).status).toBe('DEPROVISIONED');
    await client.userApi.deleteUser({ userId: ann });
    await expect(client.userApi.getUser({ userId: ann })).rejects.toMatchObject({ status: 404 });
  });

  test('creates staged or provisioned people, and refuses a login that is taken', async () => {
    const profile = {
      login: 'zoe@acme.example',
      email: 'zoe@acme.example',
      firstName: 'Zoe',
      lastName: 'Quist',
    };
    const zoe = await client.userApi.createUser({ body: { profile }, activate: false });
    expect(zoe.status).toBe('STAGED');
    await client.userApi.activateUser({ userId: zoe.id!, sendEmail: false });
    await expect(client.userApi.activateUser({ userId: zoe.id! })).rejects.toMatchObject({
      status: 403,
      errorCode: 'E0000016',
    });
    await expect(client.userApi.createUser({ body: { profile } })).rejects.toMatchObject({
      status: 400,
      errorCode: 'E0000001',
    });
  });
});

describe('the System Log', () => {
  test('polling always has a next link, and the link brings only what came later', async () => {
    await client.userApi.suspendUser({ userId: ann });
    const first = await api('/logs?sortOrder=ASCENDING&since=2020-01-01T00:00:00.000Z');
    expect(first.status).toBe(400);
    const since = new Date(Date.now() - 60_000).toISOString();
    let page = await api(
      `/logs?since=${since}&filter=${encodeURIComponent('eventType eq "user.lifecycle.suspend" or eventType eq "user.lifecycle.unsuspend"')}`,
    );
    const next = (answer: Response): string =>
      /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1] ?? '';
    expect((await page.json()) as unknown[]).toHaveLength(1);
    page = await api(next(page).split('/api/v1')[1]!);
    expect(await page.json()).toEqual([]);
    await client.userApi.unsuspendUser({ userId: ann });
    page = await api(next(page).split('/api/v1')[1]!);
    expect((await page.json()) as unknown[]).toMatchObject([{ eventType: 'user.lifecycle.unsuspend' }]);
    const bounded = await api(`/logs?since=${since}&until=${new Date(Date.now() + 1000).toISOString()}`);
    expect(next(bounded)).toBe('');
  });
});

describe('the sandbox', () => {
  test('drop_after_apply performs the change and breaks the connection', async () => {
    sim.fault({ path: '/lifecycle/suspend', drop_after_apply: true });
    await expect(client.userApi.suspendUser({ userId: ann })).rejects.toMatchObject({ name: 'FetchError' });
    expect((await client.userApi.getUser({ userId: ann })).status).toBe('SUSPENDED');
    expect(sim.requests[0]).toMatchObject({ path: `/api/v1/users/${ann}/lifecycle/suspend`, status: null });
  });

  test('injected errors hit as often as they were asked to, and a hanging request ends with the simulator', async () => {
    await fetch(`${sim.url}/_sandbox/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ path: '^/api/v1/users', status: 503, html_body: true, times: 2 }),
    });
    const statuses = [];
    for (let time = 0; time < 3; time += 1) statuses.push((await api('/users?limit=1')).status);
    expect(statuses).toEqual([503, 503, 200]);
    sim.fault({ path: '/groups', hang: true });
    const hanging = api('/groups').catch((reason: unknown) => reason);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await sim.close();
    expect(await hanging).toMatchObject({ message: 'fetch failed' });
    sim = await startOktaSimulator();
  });

  test('no page of another site, and nothing that one can send without asking, acts in the simulated Okta', async () => {
    const deactivate = `${sim.url}/_sandbox/users/erin@acme.example/deactivate`;
    const foreign = await fetch(deactivate, {
      method: 'POST',
      headers: { origin: 'https://evil.example', 'content-type': 'application/json' },
      body: '{}',
    });
    const simple = await fetch(`${sim.url}/_sandbox/faults`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: JSON.stringify({ path: '/users', status: 500 }),
    });
    expect([foreign.status, simple.status]).toEqual([403, 403]);
    const status = (await api('/users/erin@acme.example')).status;
    expect(status).toBe(200);
    expect(sim.org.users.get(samplePerson('erin').oktaId)?.status).toBe('ACTIVE');
  });

  test('the control API refuses a host name that is not loopback', async () => {
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      request(`${sim.url}/_sandbox/requests`, { headers: { host: 'rebound.example' } }, (answer) =>
        resolve(answer.statusCode),
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test('state and signing keys survive a restart with a state file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'okta-sandbox-'));
    const stateFile = join(folder, 'org.json');
    const first = await startOktaSimulator({ stateFile });
    const token = await first.tokenFor('ann@acme.example');
    await fetch(`${first.url}/api/v1/users/${ann}/lifecycle/suspend`, {
      method: 'POST',
      headers: { authorization: `SSWS ${SANDBOX_API_TOKEN}` },
    });
    await first.close();
    const second = await startOktaSimulator({ stateFile });
    expect(second.org.users.get(ann)?.status).toBe('SUSPENDED');
    expect(second.org.log).toHaveLength(1);
    expect(second.serviceApp.privateKeyJwk).toEqual(first.serviceApp.privateKeyJwk);
    await expect(
      jwtVerify(token, createRemoteJWKSet(new URL(`${second.url}/oauth2/default/v1/keys`))),
    ).resolves.toBeDefined();
    await second.close();
    await rm(folder, { recursive: true });
  });
});

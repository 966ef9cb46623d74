import okta from '@okta/okta-sdk-nodejs';
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
  type JWK,
} from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import {
  SANDBOX_API_TOKEN,
  SANDBOX_AUDIENCE,
  startOktaSimulator,
  type OktaSimulator,
} from '#sandbox/okta/index.ts';

let sim: OktaSimulator;
const ann = samplePerson('ann').oktaId;
const executor = (): okta.RequestExecutor =>
  new okta.DefaultRequestExecutor({ maxRetries: 0, requestTimeout: 0 });
// The SDK's default cache serves stale users for ever.
const connectAsService = (scopes: readonly string[]): okta.Client =>
  new okta.Client({
    orgUrl: sim.url,
    authorizationMode: 'PrivateKey',
    clientId: sim.serviceApp.clientId,
    scopes: [...scopes],
    privateKey: { ...sim.serviceApp.privateKeyJwk } as unknown as string,
    cacheMiddleware: null,
    requestExecutor: executor(),
  });
const api = async (path: string, init: RequestInit = {}): Promise<Response> =>
  await fetch(`${sim.url}/api/v1${path}`, {
    ...init,
    headers: { authorization: `SSWS ${SANDBOX_API_TOKEN}`, ...(init.headers as Record<string, string>) },
  });
const collected = async <T>(collection: AsyncIterable<T | null>): Promise<T[]> => {
  const items: T[] = [];
  for await (const item of collection) if (item !== null) items.push(item);
  return items;
};

beforeEach(async () => {
  // The SDK sends loopback requests through https_proxy too.
  for (const name of ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']) delete process.env[name];
  sim = await startOktaSimulator();
});
afterEach(async () => {
  await sim.close();
});

describe('credentials', () => {
  test('a service app connects with its private key, and its token has only the scopes it asked for', async () => {
    const service = connectAsService(['okta.users.read']);
    expect((await service.userApi.getUser({ userId: ann })).id).toBe(ann);
    const error: unknown = await service.userApi
      .suspendUser({ userId: ann })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ status: 403, name: 'HttpError' });
    expect(sim.requests.every((each) => !JSON.stringify(each).includes('eyJ'))).toBe(true);
  });

  test('a missing scope is an empty 403 that names itself in www-authenticate', async () => {
    const token = await sim.tokenFor('ann@acme.example', {
      server: 'org',
      scopes: ['okta.users.read'],
      claims: { cid: sim.serviceApp.clientId },
    });
    const refused = await fetch(`${sim.url}/api/v1/groups`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([refused.status, await refused.text()]).toEqual([403, '']);
    expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
  });

  test('an assertion counts once, for the token URL, before it runs out, and under the registered key', async () => {
    const { clientId, privateKeyJwk } = sim.serviceApp;
    const tokenUrl = `${sim.url}/oauth2/v1/token`;
    const assertion = async (more: { aud?: string; exp?: string; key?: JWK }): Promise<string> =>
      await new SignJWT({ iss: clientId, sub: clientId, aud: more.aud ?? tokenUrl })
        .setProtectedHeader({ alg: 'RS256', kid: privateKeyJwk.kid! })
        .setJti(crypto.randomUUID())
        .setExpirationTime(more.exp ?? '5m')
        .sign(await importJWK(more.key ?? privateKeyJwk, 'RS256'));
    const ask = async (client_assertion: string): Promise<[number, string]> => {
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        scope: 'okta.users.read',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion,
      });
      const answer = await fetch(tokenUrl, { method: 'POST', body });
      const { error, token_type } = (await answer.json()) as { error?: string; token_type?: string };
      return [answer.status, error ?? token_type ?? ''];
    };
    const good = await assertion({});
    expect(await ask(good)).toEqual([200, 'Bearer']);
    expect(await ask(good)).toEqual([401, 'invalid_client']);
    expect(await ask(await assertion({ aud: sim.url }))).toEqual([401, 'invalid_client']);
    expect(await ask(await assertion({ exp: '-1m' }))).toEqual([401, 'invalid_client']);
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    expect(await ask(await assertion({ key: await exportJWK(privateKey) }))).toEqual([401, 'invalid_client']);
  });

  test('scopes that are not granted fail the whole request', async () => {
    const service = connectAsService(['okta.users.read', 'okta.policies.read']);
    await expect(service.userApi.getUser({ userId: ann })).rejects.toMatchObject({ status: 401 });
    expect(sim.requests[0]).toMatchObject({
      path: '/oauth2/v1/token',
      status: 400,
      body: { client_assertion: '[secret]' },
    });
  });

  test('a service app without an admin role sees an empty directory', async () => {
    await fetch(`${sim.url}/_sandbox/service-app`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ admin_roles: [] }),
    });
    expect(await collected(await connectAsService(['okta.users.read']).userApi.listUsers())).toEqual([]);
  });

  test('no credential, a wrong one, and a token of the custom server are all E0000011', async () => {
    const headers = [
      {},
      { authorization: 'SSWS wrong' },
      { authorization: `Bearer ${await sim.tokenFor('ann@acme.example')}` },
    ];
    for (const each of headers) {
      const answer = await fetch(`${sim.url}/api/v1/users`, { headers: each });
      expect([answer.status, await answer.json()]).toMatchObject([
        401,
        { errorCode: 'E0000011', errorLink: 'E0000011', errorCauses: [] },
      ]);
    }
  });

  test('every answer carries the rate limit, and an exhausted one is 429 E0000047', async () => {
    await fetch(`${sim.url}/_sandbox/rate-limits`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ users: 1 }),
    });
    const answers = [await api('/users'), await api('/users')];
    expect(
      answers.map((each) => [
        each.status,
        each.headers.get('x-rate-limit-limit'),
        each.headers.get('x-rate-limit-remaining'),
      ]),
    ).toEqual([
      [200, '1', '0'],
      [429, '1', '0'],
    ]);
    expect(Number(answers[1]!.headers.get('x-rate-limit-reset')) * 1000).toBeGreaterThan(Date.now());
    expect(await answers[1]!.json()).toMatchObject({ errorCode: 'E0000047' });
  });
});

describe('tokens', () => {
  test('an access token of the custom server verifies by discovery and is shaped as Okta shapes it', async () => {
    const metadata = (await (
      await fetch(`${sim.url}/oauth2/default/.well-known/openid-configuration`)
    ).json()) as { jwks_uri: string; issuer: string };
    const token = await sim.tokenFor('ann@acme.example', { scopes: ['openid', 'delegate'] });
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(metadata.jwks_uri)), {
      issuer: metadata.issuer,
      audience: SANDBOX_AUDIENCE,
    });
    expect(payload).toMatchObject({
      ver: 1,
      uid: ann,
      sub: 'ann@acme.example',
      scp: ['openid', 'delegate'],
      groups: ['Engineering', 'Everyone'],
    });
    expect(Object.keys(decodeProtectedHeader(token)).sort()).toEqual(['alg', 'kid']);
    const foreign = await sim.tokenFor('ann@acme.example', { server: 'org' });
    await expect(
      jwtVerify(foreign, createRemoteJWKSet(new URL(`${sim.url}/oauth2/v1/keys`))),
    ).rejects.toThrow(/no applicable key/);
  });

  test('after a rotation, old and new tokens verify', async () => {
    const before = await sim.tokenFor('ann@acme.example');
    await sim.rotateKeys();
    const keys = createRemoteJWKSet(new URL(`${sim.url}/oauth2/default/v1/keys`));
    for (const token of [before, await sim.tokenFor('ann@acme.example')])
      await expect(jwtVerify(token, keys)).resolves.toBeDefined();
  });
});

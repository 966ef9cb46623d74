import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '#client/index.ts';
import { PUBLISHED_AFTER_SECONDS, PUBLISHED_AHEAD_SECONDS } from '#domain/token/keys/rotate-signing-key.ts';
import { samplePerson } from '#sandbox/company.ts';
import { browserSide } from '#surfaces/oauth/browser/index.ts';
import { sweep } from '../../src/jobs/sweep.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let agent: TestAgent;
let mandate: string;
let issuer: string;
let shiftMs = 0;
const now = () => new Date(Date.now() + shiftMs);

beforeAll(async () => {
  world = await openWorld({ now });
  agent = await world.agent('rotation-bot', 'carl');
  mandate = await world.mandate('bob', agent, { scopes: ['okta.users.read'] });
  issuer = `${world.app.baseUrl}/t/${world.tenantId}`;
});
afterAll(() => world.close());

const rotate = async (tenant = world.tenantId, key = world.company.api_keys.admin) => {
  const response = await fetch(`${world.url}/v1/tenants/${tenant}/signing-keys/rotate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const published = async (url = world.url) => {
  const response = await fetch(`${url}/t/${world.tenantId}/oauth2/jwks`);
  expect(response.headers.get('cache-control')).toBe('public, max-age=60');
  const { keys } = (await response.json()) as { keys: { kid: string; d?: string }[] };
  for (const key of keys) expect(key.d).toBeUndefined();
  return keys.map(({ kid }) => kid);
};
/** Of a client with the server's clock. */
const token = async () => {
  const subject_token = await world.okta.tokenFor(samplePerson('bob').email, {
    scopes: ['delegation:exchange'],
  });
  const client = createClient({ issuer, clientId: agent.id, privateKey: agent.privateJwk, now });
  return (await client.exchangeToken({ subject_token, mandate_id: mandate })).access_token;
};
const kidOf = (jwt: string) => String(decodeProtectedHeader(jwt).kid);
const verify = (jwt: string) => world.server.kernel.verify(jwt, `${world.app.baseUrl}/mcp`);

test('T7: a new key is published before it signs, and the old one until the last token by it has ended', async () => {
  const [old = ''] = await published();
  const other = await world.second();
  expect(await published(other.url)).toEqual([old]);
  const begun = await rotate();
  expect(begun).toMatchObject({ status: 201, body: { retiring: [old] } });
  const kid = String(begun.body['kid']);
  expect(Date.parse(String(begun.body['active_from'])) - now().getTime()).toBeGreaterThan(60_000 + 30_000);

  // At first only the publication changes. At the first use nobody's copy of the JWKS is older than its
  // max-age.
  expect(kidOf(await token())).toBe(old);
  shiftMs += 31_000;
  expect(await published()).toEqual([kid, old]);
  expect(await published(other.url)).toEqual([kid, old]);
  expect(kidOf(await token())).toBe(old);
  const last = await token();

  shiftMs += (PUBLISHED_AHEAD_SECONDS - 31) * 1000 + 500;
  const fresh = await token();
  expect(kidOf(fresh)).toBe(kid);
  expect(await verify(fresh)).toMatchObject({ mandateId: mandate });
  expect(await verify(last)).toMatchObject({ mandateId: mandate });
  await jwtVerify(fresh, createRemoteJWKSet(new URL(`${issuer}/oauth2/jwks`)), { currentDate: now() });
  const list = await (await fetch(`${issuer}/oauth2/status/0`)).text();
  expect(kidOf(list)).toBe(kid);

  // One second too early for the old key. Then its time is over.
  shiftMs += (PUBLISHED_AFTER_SECONDS - 2) * 1000;
  await sweep(world.app, world.tenantId);
  expect(await published()).toEqual([kid, old]);
  shiftMs += 33_000;
  await sweep(world.app, world.tenantId);
  shiftMs += 31_000;
  expect(await published()).toEqual([kid]);
  expect(await published(other.url)).toEqual([kid]);
  await expect(verify(last)).rejects.toMatchObject({ code: 'unauthenticated' });
  expect((await world.ledger('SIGNING_KEY_RETIRED')).map(({ data }) => data)).toEqual([{ kid: old }]);
  expect((await world.ledger('SIGNING_KEY_ROTATED')).at(-1)).toMatchObject({
    actor: expect.stringContaining('First administrator'),
    data: { kid, retiring: [old] },
  });
  await sweep(world.app, world.tenantId);
  expect(await world.ledger('SIGNING_KEY_RETIRED')).toHaveLength(1);
  // Administrators can still verify what the retired key signed for good (ledger checkpoints).
  const all = await fetch(`${world.url}/v1/tenants/${world.tenantId}/signing-keys`, {
    headers: { authorization: `Bearer ${world.company.api_keys.admin}` },
  });
  expect(await all.json()).toMatchObject({
    keys: [
      { kid, retired_at: null },
      { kid: old, retired_at: expect.any(String) },
    ],
  });
});

test('of rotations at the same moment one begins, and none while a key waits; only an admin key of this tenant may', async () => {
  expect((await rotate(world.tenantId, world.company.api_keys.scim)).status).toBe(403);
  expect((await rotate(`tnt_${'0'.repeat(26)}`)).status).toBe(404);
  const before = (await published()).length;
  const answers = await Promise.all(Array.from({ length: 5 }, () => rotate()));
  expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['201', '409', '409', '409', '409']);
  shiftMs += 31_000;
  expect(await published()).toHaveLength(before + 1);
});

test('the browser side makes a new server when the key that signs is another', async () => {
  const made: string[] = [];
  const { kernel, app, okta } = world.server;
  const login = okta.login ?? null;
  const side = browserSide({
    app,
    kernel: {
      person: (...asked) => kernel.person(...asked),
      tenantOf: (...asked) => kernel.tenantOf(...asked),
      refused: (...counted) => kernel.refused(...counted),
      signer: async (tenant) => {
        const signer = await kernel.signer(tenant);
        made.push(signer.kid);
        return signer;
      },
    },
    login: login === null ? null : { issuer: okta.issuer, ...login },
  });
  const keys = async () => {
    const answer = await side.fetch(world.tenantId, new Request(`${issuer}/oauth2/jwks`));
    return ((await answer.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  };
  const [first] = await keys();
  shiftMs += (PUBLISHED_AHEAD_SECONDS + 1) * 1000;
  const [second] = await keys();
  expect(second).not.toBe(first);
  expect(made).toEqual([first, second]);
});

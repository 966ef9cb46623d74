import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify, type JWK } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  createClient,
  mcpTransportFetch,
  ProkuraError,
  verifyDelegation,
  type ProkuraClient,
} from '#client/index.ts';
import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  AGENT,
  AUDIENCE,
  ISSUER,
  json,
  MANDATE,
  testIssuer,
  type TestIssuer,
} from '../../support/memory-issuer.ts';

const TOKEN = '/t/tnt_1/oauth2/token';
const request = { subject_token: 'okta-token', mandate_id: MANDATE };
const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  format: 'jwk',
}) as JWK;
const API = `${AUDIENCE}/things?page=2`;

let issuer: TestIssuer;
let client: ProkuraClient;
let verify: ReturnType<typeof verifyDelegation>;
/** The claims that the resource server saw and answered with. */
let claimsSeen: unknown[];
beforeEach(async () => {
  issuer = await testIssuer();
  claimsSeen = [];
  const options = { issuer: ISSUER, clientId: AGENT, privateKey, fetch: issuer.fetch, now: issuer.now };
  client = createClient({ ...options, dpop: true });
  verify = verifyDelegation({ issuer: ISSUER, audience: AUDIENCE, fetch: issuer.fetch, now: issuer.now });
  // RFC 9449 at the token endpoint: the token is bound to the proof's key.
  issuer.answers[TOKEN] = async (asked) => {
    const { protectedHeader } = await jwtVerify(asked.headers.get('dpop') ?? '', EmbeddedJWK, {
      typ: 'dpop+jwt',
      currentDate: issuer.now(),
    });
    const jkt = await calculateJwkThumbprint(protectedHeader.jwk as JWK);
    return json({ access_token: await issuer.token({ cnf: { jkt } }), token_type: 'DPoP', expires_in: 300 });
  };
  issuer.answers['/things'] = async (asked) => {
    const [scheme, token = ''] = (asked.headers.get('authorization') ?? '').split(' ');
    const proof = { proof: asked.headers.get('dpop') ?? '', method: asked.method, url: asked.url };
    try {
      claimsSeen.push(await verify(token, scheme === 'DPoP' ? { dpop: proof } : {}));
      return json({ ok: await asked.text() });
    } catch (error) {
      const { code, reason } = error as ProkuraError;
      return json({ code, reason }, 401, { 'www-authenticate': `DPoP error="${code}"` });
    }
  };
});
const lastCall = () => issuer.requests.findLast(({ url }) => url.startsWith(AUDIENCE))!.headers;
const lastProof = () => lastCall().get('dpop')!;

describe('a client with DPoP', () => {
  test('gets a bound token and proves itself to the resource server, with a new proof each time', async () => {
    for (let round = 0; round < 3; round += 1) {
      const response = await client.fetch(API, { method: 'post', body: 'x' }, request);
      expect(await response.json()).toEqual({ ok: 'x' });
    }
    const token = lastCall().get('authorization')!.slice(5);
    const { payload, protectedHeader } = await jwtVerify(lastProof(), EmbeddedJWK, {
      currentDate: issuer.now(),
    });
    expect(payload).toMatchObject({
      htm: 'POST',
      htu: `${AUDIENCE}/things`,
      ath: createHash('sha256').update(token).digest('base64url'),
    });
    expect(Object.keys(protectedHeader.jwk as JWK).sort()).toEqual(['crv', 'kty', 'x', 'y']);
    expect(claimsSeen).toHaveLength(3);
    expect(issuer.hits[TOKEN]).toBe(1);
  });

  test('answers a demand for a nonce, at the token endpoint with a new assertion, and keeps the nonce', async () => {
    const answer = issuer.answers[TOKEN]!;
    const assertions: (string | null)[] = [];
    issuer.answers[TOKEN] = async (asked, form) => {
      assertions.push(form.get('client_assertion'));
      const { payload } = await jwtVerify(asked.headers.get('dpop')!, EmbeddedJWK, {
        currentDate: issuer.now(),
      });
      if (payload['nonce'] === 'n1') return answer(asked, form);
      return json({ error: 'use_dpop_nonce' }, 400, { 'dpop-nonce': 'n1' });
    };
    await client.exchangeToken(request);
    expect(new Set(assertions).size).toBe(2);
    await client.exchangeToken({ ...request, scope: 'x' });
    expect(assertions).toHaveLength(3);
    const things = issuer.answers['/things']!;
    issuer.answers['/things'] = async (asked, form) => {
      const { payload } = await jwtVerify(asked.headers.get('dpop')!, EmbeddedJWK, {
        currentDate: issuer.now(),
      });
      if (payload['nonce'] === 'r1') return things(asked, form);
      return json({}, 401, { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'r1' });
    };
    expect((await client.fetch(API, undefined, request)).status).toBe(200);
  });

  test('a server that goes on asking for nonces is left alone', async () => {
    let count = 0;
    issuer.answers[TOKEN] = () =>
      json({ error: 'use_dpop_nonce' }, 400, { 'dpop-nonce': `n${(count += 1)}` });
    await expect(client.exchangeToken(request)).rejects.toMatchObject({ code: 'use_dpop_nonce' });
    expect(count).toBe(2);
  });

  test('throws a token away that is not bound', async () => {
    issuer.answers[TOKEN] = async () =>
      json({ access_token: await issuer.token(), token_type: 'Bearer', expires_in: 300 });
    await expect(client.exchangeToken(request)).rejects.toMatchObject({
      code: 'invalid_response',
      reason: 'token_type',
    });
  });
});

describe('T25: the resource server', () => {
  const presented = async (change: Partial<{ method: string; url: string; nonce: string }> = {}) => {
    await client.fetch(API, undefined, request);
    const token = lastCall().get('authorization')!.slice(5);
    const fresh = verifyDelegation({
      issuer: ISSUER,
      audience: AUDIENCE,
      fetch: issuer.fetch,
      now: issuer.now,
    });
    const dpop = { proof: lastProof(), method: 'GET', url: API, ...change };
    return { token, dpop, check: () => fresh(token, { dpop }), fresh };
  };

  test.each([
    ['htm', { method: 'POST' }],
    ['htu', { url: `${AUDIENCE}/others` }],
  ])('refuses a proof with another %s', async (reason, change) => {
    const { check } = await presented(change);
    await expect(check()).rejects.toMatchObject({ code: 'invalid_dpop_proof', reason, status: 401 });
  });

  test('takes a proof once, and only while it is young', async () => {
    const { check } = await presented();
    await check();
    await expect(check()).rejects.toMatchObject({ reason: 'replayed' });
    const old = await presented();
    issuer.advance(66);
    await expect(old.check()).rejects.toMatchObject({ reason: 'iat' });
  });

  test('refuses a proof by another key, for another token, with a private key, or without the nonce', async () => {
    const { token, dpop, fresh } = await presented();
    const stranger = createClient({
      issuer: ISSUER,
      clientId: AGENT,
      privateKey,
      fetch: issuer.fetch,
      now: issuer.now,
      dpop: true,
    });
    await stranger.fetch(API, undefined, request);
    await expect(fresh(token, { dpop: { ...dpop, proof: lastProof() } })).rejects.toMatchObject({
      reason: 'ath',
    });
    const bound = await issuer.token({ cnf: { jkt: 'A'.repeat(43) } });
    await expect(fresh(bound, { dpop })).rejects.toMatchObject({ reason: 'ath' });
    const [, body = '', tail = ''] = dpop.proof.split('.');
    const header = (extra: object, alg = 'ES256') =>
      Buffer.from(
        JSON.stringify({ typ: 'dpop+jwt', alg, jwk: { kty: 'EC', crv: 'P-256', ...extra } }),
      ).toString('base64url');
    await expect(
      fresh(token, { dpop: { ...dpop, proof: `${header({ d: 'x' })}.${body}.${tail}` } }),
    ).rejects.toMatchObject({ reason: 'jwk' });
    await expect(
      fresh(token, { dpop: { ...dpop, proof: `${header({}, 'HS256')}.${body}.${tail}` } }),
    ).rejects.toMatchObject({ reason: 'algorithm' });
    await expect(fresh(token, { dpop: { ...dpop, nonce: 'n' } })).rejects.toMatchObject({
      code: 'use_dpop_nonce',
    });
    await fresh(token, { dpop });
  });

  test('refuses a bound token without a proof, and an unbound one as DPoP', async () => {
    const { token, dpop, fresh } = await presented();
    await expect(fresh(token)).rejects.toMatchObject({ code: 'invalid_token', reason: 'dpop_required' });
    await expect(fresh(await issuer.token(), { dpop })).rejects.toMatchObject({ reason: 'not_bound' });
  });
});

describe('fetch with a token', () => {
  const bearer = () => {
    issuer.answers[TOKEN] = async () =>
      json({ access_token: await issuer.token(), token_type: 'Bearer', expires_in: 300 });
    return createClient({
      issuer: ISSUER,
      clientId: AGENT,
      privateKey,
      fetch: issuer.fetch,
      now: issuer.now,
      audience: AUDIENCE,
    });
  };

  test('tries once more with a new token where the old one is called invalid', async () => {
    const one = bearer();
    const tokens: (string | null)[] = [];
    issuer.answers['/things'] = (asked) => {
      tokens.push(asked.headers.get('authorization'));
      const again = tokens.length < 2;
      return json({}, again ? 401 : 200, again ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {});
    };
    expect((await mcpTransportFetch(one, request)(API)).status).toBe(200);
    expect(new Set(tokens).size).toBe(2);
    issuer.answers['/things'] = () => json({}, 401, { 'www-authenticate': 'Bearer error="invalid_token"' });
    expect((await one.fetch(API, undefined, request)).status).toBe(401);
    const body = new Blob(['x']).stream();
    const hits = issuer.hits['/things'] ?? 0;
    expect((await one.fetch(API, { method: 'POST', body, duplex: 'half' }, request)).status).toBe(401);
    expect(issuer.hits['/things']).toBe(hits + 1);
  });

  test('sends the token to the origin of its audience alone, and never over plain http', async () => {
    const one = bearer();
    await expect(one.fetch('https://evil.test/', undefined, request)).rejects.toMatchObject({
      reason: 'other_origin',
    });
    await expect(one.fetch('http://api.test/', undefined, request)).rejects.toBeInstanceOf(ProkuraError);
    expect(issuer.hits[TOKEN]).toBeUndefined();
    // If no audience was named, the token itself says which.
    const { now, fetch } = issuer;
    const more = { issuer: ISSUER, clientId: AGENT, privateKey, fetch, now };
    await expect(createClient(more).fetch('https://evil.test/', undefined, request)).rejects.toMatchObject({
      reason: 'other_origin',
    });
    issuer.answers['/proxied'] = () => json({});
    const proxied = createClient({ ...more, origins: ['https://proxy.test'] });
    expect((await proxied.fetch('https://proxy.test/proxied', undefined, request)).status).toBe(200);
  });
});

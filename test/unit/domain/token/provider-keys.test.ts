import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { createRemoteKeys, readKeys } from '#lib/jwks.ts';
import { createLogger } from '#lib/log.ts';

const ISSUER = 'https://acme.okta.test/oauth2/aus1';
const SOURCE = { issuer: ISSUER, fallbackJwksUri: `${ISSUER}/v1/keys` };
const jwk = (kid: string) => ({
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }),
  kid,
  use: 'sig',
});
const FIRST = jwk('one');
const SECOND = jwk('two');

/** A provider in memory. Tests may change `documents` and `clock`. */
function provider() {
  const documents: Record<string, unknown> = {
    [`${ISSUER}/.well-known/openid-configuration`]: { issuer: ISSUER, jwks_uri: `${ISSUER}/keys` },
    [`${ISSUER}/keys`]: { keys: [FIRST] },
    [`${ISSUER}/v1/keys`]: { keys: [SECOND] },
  };
  const state = { asked: [] as string[], down: false, seconds: 1_000_000 };
  const answer = async (url: string) => {
    state.asked.push(url);
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (state.down) throw new TypeError('fetch failed');
    const body = documents[url];
    return body === undefined
      ? new Response('not here', { status: 404 })
      : new Response(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const keys = createRemoteKeys({
    now: () => new Date(state.seconds * 1000),
    log: createLogger('silent'),
    fetch: answer,
  });
  return {
    state,
    documents,
    keys,
    has: async (kid: string) => (await keys.key(SOURCE, kid, 'RS256')) !== null,
  };
}

test('T4: many callers share one request', async () => {
  const { state, has } = provider();
  expect(await Promise.all(Array.from({ length: 50 }, () => has('one')))).toEqual(Array(50).fill(true));
  expect(state.asked).toEqual([`${ISSUER}/.well-known/openid-configuration`, `${ISSUER}/keys`]);
});

test('T4: unknown kids ask again once in 30 seconds, however many there are', async () => {
  const { state, documents, has } = provider();
  await has('one');
  const before = state.asked.length;
  state.seconds += 31;
  documents[`${ISSUER}/keys`] = { keys: [FIRST, SECOND] };
  expect(
    await Promise.all([has('two'), ...Array.from({ length: 200 }, (_, n) => has(`../../x${n}`))]),
  ).toEqual([true, ...Array(200).fill(false)]);
  expect(state.asked.length - before).toBe(1);
  state.seconds += 29;
  expect(await has('three')).toBe(false);
  expect(state.asked.length - before).toBe(1);
});

test('T4, T5: keys outlive a provider that is down for a day, and no longer; a removed key for five minutes', async () => {
  const { state, documents, has } = provider();
  await has('one');
  state.down = true;
  state.seconds += 23 * 3600;
  expect(await has('one')).toBe(true);
  state.seconds += 3601;
  await expect(has('one')).rejects.toMatchObject({ code: 'unavailable' });
  state.down = false;
  state.seconds += 31;
  expect(await has('one')).toBe(true);
  documents[`${ISSUER}/keys`] = { keys: [SECOND] };
  state.seconds += 301;
  expect(await has('one')).toBe(false);
});

test('a provider that was never reached is unavailable, never a yes', async () => {
  const { state, has } = provider();
  state.down = true;
  await expect(has('one')).rejects.toMatchObject({
    code: 'unavailable',
    detail: { reason: 'provider_unavailable' },
  });
});

test('without a discovery document the fallback is asked; a document of another issuer is not believed', async () => {
  const missing = provider();
  delete missing.documents[`${ISSUER}/.well-known/openid-configuration`];
  expect(await missing.has('two')).toBe(true);
  for (const document of [
    { issuer: `${ISSUER}/`, jwks_uri: `${ISSUER}/keys` },
    { issuer: ISSUER, jwks_uri: 'http://plain.test/keys' },
    { issuer: ISSUER },
  ]) {
    const wrong = provider();
    wrong.documents[`${ISSUER}/.well-known/openid-configuration`] = document;
    await expect(wrong.has('one')).rejects.toMatchObject({ code: 'unavailable' });
  }
});

test('T4: an answer that is too long, or no JWK Set, is no answer', async () => {
  for (const document of [`{"keys":[],"x":"${'x'.repeat(300_000)}"}`, '{}', '[]', 'no json', '{"keys":5}']) {
    const { documents, has } = provider();
    documents[`${ISSUER}/keys`] = document;
    await expect(has('one')).rejects.toMatchObject({ code: 'unavailable' });
  }
});

test('T3, T5: keys without kid, with the same kid, and for other uses are left out', () => {
  const ec = {
    ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
    kid: 'ec',
  };
  const { kid: _, ...nameless } = FIRST;
  const keys = readKeys({
    keys: [
      FIRST,
      ec,
      nameless,
      { ...SECOND, kid: 'same' },
      { ...SECOND, kid: 'same' },
      { ...SECOND, use: 'enc' },
      { kty: 'oct', kid: 'mac', k: 'YQ' },
      7,
      null,
    ],
  });
  expect([...keys].map(([kid, key]) => [kid, key.alg])).toEqual([
    ['one', 'RS256'],
    ['ec', 'ES256'],
  ]);
});

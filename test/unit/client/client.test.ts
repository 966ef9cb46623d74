import { generateKeyPairSync } from 'node:crypto';
import {
  calculateJwkThumbprint,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  type JWK,
} from 'jose';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createClient, ProkuraError, type ClientOptions, type ExchangeRequest } from '#client/index.ts';
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
const METADATA = '/.well-known/oauth-authorization-server/t/tnt_1';
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const privateJwk = pair.privateKey.export({ format: 'jwk' }) as JWK & { kty: string };
const request: ExchangeRequest = { subject_token: 'okta-token', mandate_id: MANDATE };

let issuer: TestIssuer;
beforeEach(async () => {
  issuer = await testIssuer();
});
const client = (more: Partial<ClientOptions> = {}) =>
  createClient({
    issuer: ISSUER,
    clientId: AGENT,
    ...(more.clientSecret === undefined ? { privateKey: privateJwk } : {}),
    fetch: issuer.fetch,
    now: issuer.now,
    ...more,
  });
const failure = async (work: Promise<unknown>): Promise<ProkuraError> => {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProkuraError);
  return error as ProkuraError;
};

describe('the exchange', () => {
  test('sends an RFC 8693 request, authenticated by an assertion for the issuer alone', async () => {
    const token = await client().exchangeToken({ ...request, scope: ['b', 'a', 'b'], audience: AUDIENCE });
    expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'okta.users.read' });
    expect(token.expiresAt).toEqual(new Date(issuer.now().getTime() + 300_000));
    expect(token.claims?.act.sub).toBe(AGENT);
    const form = Object.fromEntries(issuer.forms[0]!);
    expect(form).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'okta-token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      mandate_id: MANDATE,
      scope: 'a b',
      audience: AUDIENCE,
      client_id: AGENT,
    });
    const { payload, protectedHeader } = await jwtVerify(
      form['client_assertion']!,
      await importJWK(pair.publicKey.export({ format: 'jwk' }), 'ES256'),
      { currentDate: issuer.now() },
    );
    expect(payload).toMatchObject({ iss: AGENT, sub: AGENT, aud: ISSUER });
    expect(payload.exp! - payload.iat!).toBe(60);
    expect(protectedHeader.kid).toBe(await calculateJwkThumbprint(pair.publicKey.export({ format: 'jwk' })));
  });

  test('an offline mandate stands for itself; details and an actor go along', async () => {
    const details = [{ type: 'urn:prokura:mandate', tools: ['okta_find_user'] }];
    await client().exchangeToken({
      mandate_id: MANDATE,
      authorization_details: details,
      actor_token: 'actor',
    });
    expect(Object.fromEntries(issuer.forms[0]!)).toMatchObject({
      subject_token: MANDATE,
      subject_token_type: 'urn:prokura:params:oauth:token-type:mandate',
      authorization_details: JSON.stringify(details),
      actor_token: 'actor',
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    });
  });

  test('takes an RSA key, and a CryptoKey that cannot be exported with its keyId', async () => {
    const rsa = await generateKeyPair('RS256', { extractable: true });
    await client({ privateKey: await exportJWK(rsa.privateKey) }).exchangeToken(request);
    expect(decodeProtectedHeader(issuer.forms[0]!.get('client_assertion')!).alg).toBe('RS256');
    const sealed = await generateKeyPair('ES256');
    await client({ privateKey: sealed.privateKey, keyId: 'mine' }).exchangeToken(request);
    expect(decodeProtectedHeader(issuer.forms[1]!.get('client_assertion')!).kid).toBe('mine');
    expect(await failure(client({ privateKey: sealed.privateKey }).exchangeToken(request))).toMatchObject({
      code: 'configuration',
    });
  });

  test('sends a secret in the header, and in the form where the server takes it only there', async () => {
    await client({ clientSecret: 'a b:c' }).exchangeToken(request);
    const header = issuer.requests.at(-1)!.headers.get('authorization')!;
    expect(Buffer.from(header.slice(6), 'base64').toString()).toBe(`${AGENT}:a+b%3Ac`);
    const document = (await (await issuer.fetch(`https://prokura.test${METADATA}`)).json()) as object;
    issuer.answers[METADATA] = () =>
      json({ ...document, token_endpoint_auth_methods_supported: ['client_secret_post'] });
    await client({ clientSecret: 's' }).exchangeToken(request);
    expect(issuer.forms.at(-1)!.get('client_secret')).toBe('s');
  });

  test('a key and a secret together, neither, an http issuer and an empty scope are refused at once', async () => {
    for (const options of [
      { privateKey: privateJwk, clientSecret: 's' },
      {},
      { privateKey: privateJwk, issuer: 'http://prokura.test/t/tnt_1' },
    ])
      expect(() => createClient({ issuer: ISSUER, clientId: AGENT, ...options })).toThrow(ProkuraError);
    expect(await failure(client().exchangeToken({ ...request, scope: ' ' }))).toMatchObject({
      code: 'configuration',
    });
    expect(issuer.forms).toHaveLength(0);
  });
});

describe('metadata', () => {
  test('is read once, with the well-known part between host and path', async () => {
    const one = client();
    await Promise.all([
      one.exchangeToken(request),
      one.exchangeToken({ ...request, scope: 'a' }),
      one.metadata(),
    ]);
    expect(issuer.hits[METADATA]).toBe(1);
  });

  test('of another issuer, or with an endpoint that is not safe, is refused', async () => {
    issuer.answers[METADATA] = () => json({ issuer: `${ISSUER}/`, token_endpoint: `${ISSUER}/oauth2/token` });
    expect(await failure(client().exchangeToken(request))).toMatchObject({
      code: 'invalid_response',
      reason: 'issuer',
    });
    issuer.answers[METADATA] = () => json({ issuer: ISSUER, token_endpoint: 'http://prokura.test/token' });
    expect(await failure(client().exchangeToken(request))).toMatchObject({ code: 'configuration' });
    expect(issuer.forms).toHaveLength(0);
  });
});

describe('the cache', () => {
  test('one request for many callers at once, one token per subject, mandate, scope and audience', async () => {
    const one = client();
    const tokens = await Promise.all(Array.from({ length: 10 }, () => one.exchangeToken(request)));
    expect(new Set(tokens.map(({ access_token }) => access_token)).size).toBe(1);
    expect(issuer.hits[TOKEN]).toBe(1);
    for (const other of [
      { subject_token: 'other' },
      { mandate_id: 'mdt_2' },
      { scope: 'a' },
      { audience: 'x' },
    ])
      await one.exchangeToken({ ...request, ...other });
    expect(issuer.hits[TOKEN]).toBe(5);
    await one.exchangeToken({ ...request, scope: ['a'] });
    expect(issuer.hits[TOKEN]).toBe(5);
  });

  test('a forged subject token that names the same person does not get their token', async () => {
    const one = client();
    const body = Buffer.from(JSON.stringify({ iss: 'okta', sub: 'bob' })).toString('base64url');
    await one.exchangeToken({ ...request, subject_token: `e30.${body}.AAAA` });
    await one.exchangeToken({ ...request, subject_token: `e30.${body}.BBBB` });
    expect(issuer.hits[TOKEN]).toBe(2);
  });

  test('renews before the end, by the leeway or the last fifth of a short life', async () => {
    const one = client();
    const first = await one.exchangeToken(request);
    issuer.advance(269);
    expect((await one.exchangeToken(request)).expires_in).toBe(31);
    issuer.advance(1);
    expect((await one.exchangeToken(request)).access_token).not.toBe(first.access_token);
    const answer = issuer.answers[TOKEN]!;
    issuer.answers[TOKEN] = async (...given) =>
      json({ ...((await (await answer(...given)).json()) as object), expires_in: 20 });
    await one.exchangeToken({ ...request, scope: 'short' });
    issuer.advance(15);
    await one.exchangeToken({ ...request, scope: 'short' });
    expect(issuer.hits[TOKEN]).toBe(3);
  });

  test('gives out a token that still lives while the server is away, and never an expired one', async () => {
    const one = client();
    const first = await one.exchangeToken(request);
    delete issuer.answers[TOKEN];
    issuer.advance(290);
    expect((await one.exchangeToken(request)).access_token).toBe(first.access_token);
    issuer.advance(10);
    expect(await failure(one.exchangeToken(request))).toMatchObject({
      code: 'unavailable',
      retryable: true,
      terminal: false,
    });
  });

  test('a refusal is no reason to go on with the old token', async () => {
    const one = client();
    await one.exchangeToken(request);
    issuer.answers[TOKEN] = () =>
      json({ error: 'invalid_grant', mandate_status: 'revoked', reason: 'mandate_revoked' }, 400);
    issuer.advance(280);
    expect(await failure(one.exchangeToken(request))).toMatchObject({
      terminal: true,
      reason: 'mandate_revoked',
    });
    expect(await failure(one.exchangeToken(request))).toMatchObject({ terminal: true });
  });

  test('forget drops one mandate or all, and what is on its way is not kept', async () => {
    const one = client();
    await one.exchangeToken(request);
    one.forget({ mandate_id: 'mdt_2' });
    await one.exchangeToken(request);
    expect(issuer.hits[TOKEN]).toBe(1);
    one.forget({ mandate_id: MANDATE });
    const answer = issuer.answers[TOKEN]!;
    let release = () => {};
    issuer.answers[TOKEN] = async (...given) => {
      await new Promise<void>((resolve) => (release = resolve));
      return answer(...given);
    };
    const running = one.exchangeToken(request);
    await vi.waitFor(() => expect(issuer.hits[TOKEN]).toBe(2));
    one.forget();
    issuer.answers[TOKEN] = answer;
    release();
    await running;
    await one.exchangeToken(request);
    expect(issuer.hits[TOKEN]).toBe(3);
  });

  test('asks for the subject token only when it needs one, if the caller names the subject', async () => {
    let asked = 0;
    const named = { ...request, subject: 'bob', subject_token: () => `t${(asked += 1)}` };
    const one = client();
    await one.exchangeToken(named);
    await one.exchangeToken(named);
    expect(asked).toBe(1);
    issuer.advance(280);
    await one.exchangeToken(named);
    expect(issuer.forms.map((form) => form.get('subject_token'))).toEqual(['t1', 't2']);
  });
});

describe('errors', () => {
  test.each([
    ['revoked', true],
    ['expired', true],
    ['uses_exhausted', true],
    ['frozen', false],
    ['not_started', false],
  ])('a mandate that is %s: terminal %s', async (status, terminal) => {
    issuer.answers[TOKEN] = () =>
      json(
        {
          error: 'invalid_grant',
          error_description: 'No.',
          mandate_status: status,
          reason: `mandate_${status}`,
        },
        400,
      );
    expect(await failure(client().exchangeToken(request))).toMatchObject({
      code: 'invalid_grant',
      description: 'No.',
      status: 400,
      mandateStatus: status,
      reason: `mandate_${status}`,
      terminal,
      retryable: false,
    });
  });

  test('a busy server says when to come back, in seconds or as a date', async () => {
    const busy = { error: 'temporarily_unavailable', error_description: 'Busy.' };
    issuer.answers[TOKEN] = () => json(busy, 503, { 'retry-after': '7' });
    expect(await failure(client().exchangeToken(request))).toMatchObject({
      retryAfterSeconds: 7,
      retryable: true,
    });
    const date = new Date(issuer.now().getTime() + 9000).toUTCString();
    issuer.answers[TOKEN] = () => new Response('<html>', { status: 429, headers: { 'retry-after': date } });
    expect(await failure(client().exchangeToken(request))).toMatchObject({
      code: 'unavailable',
      retryAfterSeconds: 9,
      retryable: true,
    });
  });

  test('a redirect is not followed, an endless answer is cut, a silent server is left', async () => {
    issuer.answers[TOKEN] = () => Response.redirect('https://evil.test/', 307);
    expect(await failure(client().exchangeToken(request))).toMatchObject({ code: 'invalid_response' });
    issuer.answers[TOKEN] = () => new Response('x'.repeat(300_000));
    expect(await failure(client().exchangeToken(request))).toMatchObject({ code: 'unavailable' });
    issuer.answers[TOKEN] = (asked) =>
      new Promise((_, reject) => asked.signal.addEventListener('abort', () => reject(new Error('aborted'))));
    expect(await failure(client({ timeoutMs: 30 }).exchangeToken(request))).toMatchObject({
      code: 'unavailable',
    });
    expect(issuer.requests.every(({ url }) => !url.includes('evil'))).toBe(true);
  });

  test('no error says a token', async () => {
    issuer.answers[TOKEN] = () => new Response('', { status: 500 });
    const error = await failure(client().exchangeToken({ ...request, subject_token: 'SECRET' }));
    expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('SECRET');
  });
});

test('introspect and revoke authenticate each with an assertion of its own', async () => {
  const one = client();
  issuer.answers['/t/tnt_1/oauth2/introspect'] = () => json({ active: false });
  issuer.answers['/t/tnt_1/oauth2/revoke'] = () => new Response(null);
  const { access_token: token } = await one.exchangeToken(request);
  expect(await one.introspect(token)).toEqual({ active: false });
  await one.revoke(token);
  const jtis = issuer.forms.map((form) => decodeJwt(form.get('client_assertion')!).jti);
  expect(new Set(jtis).size).toBe(3);
  expect((await one.exchangeToken(request)).access_token).not.toBe(token);
});

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { importJWK, SignJWT, type JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { saveSignInRow } from '#domain/sign-in/store.ts';
import { transact } from '#engine/transact.ts';
import { samplePerson } from '#sandbox/company.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const CREDENTIAL_CHANGE = 'https://schemas.openid.net/secevent/caep/event-type/credential-change';

let world: World;
let agent: TestAgent;
let mandate: string;
let issuer: string;
let token: string;
const bob = samplePerson('bob');
const seconds = () => Math.floor(Date.now() / 1000);

beforeAll(async () => {
  world = await openWorld();
  agent = await world.agent('logout-bot', 'carl');
  mandate = await world.mandate('bob', agent, { scopes: ['okta.users.read'] });
  issuer = `${world.app.baseUrl}/t/${world.tenantId}`;
});
afterAll(() => world.close());
beforeEach(async () => {
  token = await world.token(agent, 'bob', mandate);
});

interface Signing {
  header?: Record<string, unknown>;
  jwk?: JWK;
}
async function sign(typ: string, claims: Record<string, unknown>, { header, jwk }: Signing = {}) {
  const { kid, privateJwk } = world.okta.org.keys.orgIdToken;
  const given = jwk ?? privateJwk;
  const alg = given.kty === 'EC' ? 'ES256' : 'RS256';
  return new SignJWT({ iss: world.okta.url, jti: randomUUID(), iat: seconds(), ...claims })
    .setProtectedHeader({ typ, alg, kid, ...header })
    .sign(await importJWK(given, alg));
}
const alive = async (one = token) =>
  world.server.kernel.verify(one, `${world.app.baseUrl}/mcp`).then(
    () => true,
    () => false,
  );
const signIns = async () => {
  const rows = await world.sql`
    select kind from oidc_models where payload->>'accountId' = ${`oidc:okta:${bob.oktaId}`} order by kind`;
  return rows.map(({ kind }) => kind as string);
};
const signIn = () =>
  transact(world.app, world.tenantId, async (ctx) => {
    for (const kind of ['Grant', 'RefreshToken', 'Session']) {
      const payload = { accountId: `oidc:okta:${bob.oktaId}` };
      await saveSignInRow(ctx, { kind, id: randomUUID(), payload, expiresAt: null });
    }
  });
const mandateRow = async () => {
  const [row] = await world.sql`select state, epoch from mandates where id = ${mandate}`;
  return row;
};
const issSub = () => ({ format: 'iss_sub', iss: world.okta.url, sub: bob.oktaId });

describe('Okta Universal Logout', () => {
  const endpoint = () => `${issuer}/oauth2/global-token-revocation`;
  const jwt = (
    claims: Record<string, unknown> = {},
    signing: Signing = {},
    typ = 'global-token-revocation+jwt',
  ) =>
    sign(
      typ,
      { sub: '0oaprokura', aud: endpoint(), exp: seconds() + 300, nbf: seconds(), ...claims },
      signing,
    );
  const send = async (bearer: string | null, body: unknown) => {
    const response = await fetch(endpoint(), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      },
      body: JSON.stringify(body),
    });
    return response.status;
  };

  test('ends the person’s tokens, sessions and refresh tokens at once, and leaves the mandate as it is', async () => {
    await signIn();
    const before = await mandateRow();
    expect(await send(await jwt(), { sub_id: issSub() })).toBe(204);
    expect(await alive()).toBe(false);
    expect(await signIns()).toEqual([]);
    expect(await mandateRow()).toEqual(before);
    expect((await world.ledger('SESSIONS_REVOKED')).at(-1)).toMatchObject({
      actor: 'okta:universal-logout',
      data: { subject: `oidc:okta:${bob.oktaId}`, issuer: world.okta.url },
    });
    expect(await alive(await world.token(agent, 'bob', mandate))).toBe(true);
  });

  test('takes the older name of the member and an email; somebody whom we do not know is 404', async () => {
    expect(await send(await jwt(), { subject: { format: 'email', email: bob.email } })).toBe(204);
    expect(await alive()).toBe(false);
    expect(await send(await jwt(), { sub_id: { ...issSub(), sub: '00unobody' } })).toBe(404);
    expect(await send(await jwt(), { sub_id: { ...issSub(), iss: 'https://elsewhere.test' } })).toBe(404);
    expect(await send(await jwt(), { sub_id: { format: 'phone_number', phone_number: '+1' } })).toBe(400);
  });

  test('refuses every JWT that is not this Okta’s for this address, and each one the second time', async () => {
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
    const refused = [
      null,
      'x',
      await jwt({ aud: `${issuer}/ssf/events` }),
      await jwt({ iss: 'https://elsewhere.test' }),
      await jwt({ iss: issuer }),
      await jwt({ exp: seconds() - 60 }),
      await jwt({ exp: undefined }),
      await jwt({ iat: seconds() + 600 }),
      await jwt({ jti: undefined }),
      await jwt({}, { jwk: stranger }),
      await jwt({}, { header: { kid: 'another' } }),
      await jwt({}, {}, 'JWT'),
    ];
    for (const bearer of refused) expect(await send(bearer, { sub_id: issSub() })).toBe(401);
    expect(await alive()).toBe(true);
    const once = await jwt();
    expect(await send(once, { sub_id: issSub() })).toBe(204);
    token = await world.token(agent, 'bob', mandate);
    expect(await send(once, { sub_id: issSub() })).toBe(401);
    expect(await alive()).toBe(true);
  });
});

describe('CAEP events that are pushed (RFC 8935)', () => {
  const endpoint = () => `${issuer}/ssf/events`;
  const event = (type: string, members: Record<string, unknown> = {}) => ({
    events: { [type]: { event_timestamp: Date.now(), ...members } },
  });
  const set = (claims: Record<string, unknown>, signing: Signing = {}, typ = 'secevent+jwt') =>
    sign(typ, { aud: endpoint(), ...claims }, signing);
  const push = async (body: string, type = 'application/secevent+jwt') => {
    const response = await fetch(endpoint(), { method: 'POST', headers: { 'content-type': type }, body });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
  };
  const accepted = { status: 202, body: null };

  test('session-revoked ends everything, with the subject in the event (Okta) or at the top (SSF 1.0)', async () => {
    await signIn();
    const before = await mandateRow();
    expect(await push(await set(event(SESSION_REVOKED, { subject: issSub() })))).toEqual(accepted);
    expect([await alive(), await signIns()]).toEqual([false, []]);
    token = await world.token(agent, 'bob', mandate);
    const top = { ...event(SESSION_REVOKED), sub_id: { format: 'complex', user: issSub() }, aud: [issuer] };
    expect(await push(await set(top))).toEqual(accepted);
    expect(await alive()).toBe(false);
    expect(await mandateRow()).toEqual(before);
    expect((await world.ledger('SESSIONS_REVOKED')).at(-1)).toMatchObject({ actor: 'okta:ssf' });
  });

  test('credential-change, unknown events and unknown people are taken and change nothing', async () => {
    const lines = (await world.ledger('SESSIONS_REVOKED')).length;
    for (const claims of [
      event(CREDENTIAL_CHANGE, { subject: issSub() }),
      event('https://schemas.openid.net/secevent/ssf/event-type/verification'),
      event(SESSION_REVOKED, { subject: { ...issSub(), sub: '00unobody' } }),
      event(SESSION_REVOKED),
    ])
      expect(await push(await set(claims))).toEqual(accepted);
    expect(await alive()).toBe(true);
    expect(await world.ledger('SESSIONS_REVOKED')).toHaveLength(lines);
  });

  test('T29: the same event again is taken, and does nothing more', async () => {
    const one = await set(event(SESSION_REVOKED, { subject: issSub() }));
    const answers = await Promise.all([push(one), push(one), push(one)]);
    for (const answer of answers) expect(answer).toEqual(accepted);
    token = await world.token(agent, 'bob', mandate);
    const lines = (await world.ledger('SESSIONS_REVOKED')).length;
    expect(await push(one)).toEqual(accepted);
    expect(await alive()).toBe(true);
    expect(await world.ledger('SESSIONS_REVOKED')).toHaveLength(lines);
  });

  test('what does not hold is 400 with the code of RFC 8935, and ends nothing', async () => {
    const good = event(SESSION_REVOKED, { subject: issSub() });
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
    const wrong: [string, string][] = [
      ['x', 'invalid_request'],
      [await set(good, {}, 'JWT'), 'invalid_request'],
      [await set({}), 'invalid_request'],
      [await set({ ...good, iat: seconds() - 8 * 86_400 }), 'invalid_request'],
      [await set({ ...good, iat: seconds() + 600 }), 'invalid_request'],
      [await set({ ...good, aud: 'https://elsewhere.test' }), 'invalid_audience'],
      [await set({ ...good, iss: 'https://elsewhere.test' }), 'invalid_issuer'],
      [await set(good, { header: { kid: 'another' } }), 'invalid_key'],
      [await set(good, { jwk: stranger }), 'authentication_failed'],
    ];
    for (const [body, err] of wrong)
      expect(await push(body)).toEqual({ status: 400, body: { err, description: expect.any(String) } });
    expect(await push(await set(good), 'application/json')).toMatchObject({ status: 400 });
    expect(await alive()).toBe(true);
  });
});

test('another tenant’s address knows nobody, and an issuer that is not there is 404', async () => {
  for (const path of ['oauth2/global-token-revocation', 'ssf/events']) {
    const response = await fetch(`${world.app.baseUrl}/t/tnt_${'0'.repeat(26)}/${path}`, {
      method: 'POST',
      body: 'x',
    });
    expect(response.status).toBe(404);
  }
});

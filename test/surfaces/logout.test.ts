import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, importJWK, SignJWT, type JWK } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { depart } from '#domain/person/depart.ts';
import { findPerson, tightenPerson } from '#domain/person/store.ts';
import { suspendHere } from '#domain/person/suspend.ts';
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
  await world.signedInAgain();
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
    await world.signedInAgain();
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
    await world.signedInAgain();
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
    await world.signedInAgain();
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
    await world.signedInAgain();
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

describe('a token of the provider from before', () => {
  const provider = () => world.okta.tokenFor(bob.email, { scopes: ['delegation:create', 'delegation:read'] });
  const rest = async (bearer: string) =>
    (await fetch(`${world.url}/v1/calls`, { headers: { authorization: `Bearer ${bearer}` } })).status;
  const endSessions = () =>
    transact(world.app, world.tenantId, async (ctx) =>
      tightenPerson(ctx, (await world.person('bob')).id, {}),
    );
  const refusedEverywhere = async (old: string) => {
    expect(await world.exchange(agent, 'bob', mandate, { subject_token: old })).toMatchObject({
      status: 400,
      body: {
        error: 'invalid_request',
        error_description: expect.stringContaining('Sign the employee in again'),
      },
    });
    expect((await world.ledger('TOKEN_REFUSED')).at(-1)?.data).toMatchObject({
      reason: 'subject_before_logout',
    });
    expect(await rest(old)).toBe(401);
    expect(await world.server.kernel.tryToken(world.tenantId, old)).toMatchObject({ accepted: false });
  };

  test('is refused at the exchange, at REST and by the trial after a logout; a new one is taken', async () => {
    const old = await provider();
    expect(await rest(old)).toBe(200);
    const claims = {
      sub: '0oaprokura',
      aud: `${issuer}/oauth2/global-token-revocation`,
      exp: seconds() + 300,
    };
    const bearer = await sign('global-token-revocation+jwt', claims);
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${bearer}` };
    const answer = await fetch(claims.aud, {
      method: 'POST',
      headers,
      body: JSON.stringify({ sub_id: issSub() }),
    });
    expect(answer.status).toBe(204);
    await refusedEverywhere(old);
    await world.sql`update people set tokens_not_before = to_timestamp(${seconds() - 30}) where uid = ${bob.oktaId}`;
    expect(await rest(await provider())).toBe(200);
    expect(await world.exchange(agent, 'bob', mandate)).toMatchObject({ status: 200 });
  });

  test('is refused up to the skew of clocks after the logout: its iat may be of a clock that is ahead', async () => {
    const token = await provider();
    const { iat = 0 } = decodeJwt(token);
    const at = async (moment: number) => {
      await world.sql`update people set tokens_not_before = to_timestamp(${moment}) where uid = ${bob.oktaId}`;
      return rest(token);
    };
    expect(await at(iat - 5)).toBe(401);
    expect(await at(iat - 4.5)).toBe(401);
    expect(await at(iat - 5.001)).toBe(200);
    expect(await at(iat + 60)).toBe(401);
    await at(0);
  });

  test('stays refused when a suspension, a departure or the kill switch is over', async () => {
    const id = (await world.person('bob')).id;
    const there = async () => {
      await world.sql`update people set status = 'ACTIVE', scim_active = null where id = ${id}`;
      await world.sql`update mandates set state = 'active', reason = null where id = ${mandate}`;
      await world.sql`delete from mandate_freezes where mandate_id = ${mandate}`;
    };
    const ends: (() => Promise<unknown>)[] = [
      () => transact(world.app, world.tenantId, (ctx) => suspendHere(ctx, id, 'okta:scim')),
      () =>
        transact(world.app, world.tenantId, async (ctx) => {
          const person = (await findPerson(ctx, id, 'update'))!;
          await depart(ctx, person, { actor: 'okta:scim', reason: 'left', mandates: 'freeze' });
        }),
      async () => {
        const dana = await world.actor('dana');
        expect(await world.as(dana, 'freeze_apply', { target: bob.email, reason: 'a test' })).toMatchObject({
          status: 'done',
        });
        expect(await world.as(dana, 'freeze_lift', { target: bob.email })).toMatchObject({ status: 'done' });
      },
    ];
    for (const end of ends) {
      await world.signedInAgain();
      const old = await provider();
      expect(await rest(old)).toBe(200);
      await end();
      await there();
      await refusedEverywhere(old);
    }
  });

  test('of two processes the later clock counts: the moment never moves back', async () => {
    const before = new Date(Date.now() + 60_000);
    await world.sql`update people set tokens_not_before = ${before} where uid = ${bob.oktaId}`;
    await endSessions();
    const [row] = await world.sql`select tokens_not_before as at from people where uid = ${bob.oktaId}`;
    expect(row).toEqual({ at: before });
    await world.sql`update people set tokens_not_before = null where uid = ${bob.oktaId}`;
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

import { createHmac, generateKeyPairSync } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identityProviders } from '#domain/tenant/tables.ts';
import { openBareWorld } from '../../support/bare-world.ts';
import { AUDIENCE } from '../../support/idp.ts';
import {
  b64,
  clientAssertion,
  exchange,
  jws,
  nowSeconds,
  refusal,
  subjectToken,
} from '../../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../../support/tokens.ts';

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
});
afterAll(() => world.close());
const refused = (change: Parameters<typeof refusal>[2]) => refusal(world, tenant, change);
const bad = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) => ({
  subject_token: subjectToken(world, tenant, claims, header),
});
const parts = (header: object, claims: object) => `${b64(header)}.${b64(claims)}`;
const whole = () => ({
  iss: world.idp.issuer,
  aud: AUDIENCE,
  iat: nowSeconds(),
  exp: nowSeconds() + 60,
  cid: 'c',
  uid: tenant.uid,
  scp: ['delegation:exchange'],
});

test('T1: none, HS256 with the public key, and ES256 are refused', async () => {
  const mac = parts({ alg: 'HS256', kid: world.idp.kid }, whole());
  const secret = world.idp.publicKey.export({ type: 'spki', format: 'pem' });
  expect(await refused({ subject_token: `${parts({ alg: 'none' }, whole())}.` })).toMatch(
    /^400 invalid_request: /,
  );
  expect(
    await refused({
      subject_token: `${mac}.${createHmac('sha256', secret).update(mac).digest('base64url')}`,
    }),
  ).toMatch(/^400 invalid_request: .*RS256/);
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  expect(
    await refused({ subject_token: jws({ alg: 'ES256', kid: world.idp.kid }, whole(), ec.privateKey) }),
  ).toMatch(/^400 invalid_request: /);
  expect(
    await refused({
      subject_token: subjectToken(world, tenant).replace(/.$/, (end) => (end === 'A' ? 'Q' : 'A')),
    }),
  ).toMatch(/^400 invalid_request: /);
});

test('T2: a key in the header is not looked at, and nothing is fetched because of it', async () => {
  const mine = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const before = { ...world.idp.asked };
  const trap = {
    jwk: mine.publicKey.export({ format: 'jwk' }),
    jku: `${world.idp.origin}/evil`,
    x5u: `${world.idp.origin}/evil`,
  };
  expect(
    await refused({
      subject_token: jws({ alg: 'RS256', kid: world.idp.kid, ...trap }, whole(), mine.privateKey),
    }),
  ).toMatch(/^400 invalid_request: .*signature/);
  expect(await refused(bad({}, { crit: ['exp'] }))).toMatch(/^400 invalid_request: /);
  expect(world.idp.asked).toEqual(before);
});

test('T3: a kid is a name and nothing else', async () => {
  for (const kid of ['../../x', "' or 1=1 --", 'k'.repeat(4096), undefined, 7, '__proto__'])
    expect(await refused(bad({}, { kid }))).toMatch(/^400 invalid_request: /);
});

test('T8: the issuer is compared byte for byte, and is one of this tenant', async () => {
  const { issuer, origin } = world.idp;
  for (const iss of [
    `${issuer}/`,
    issuer.toUpperCase(),
    `${origin}/oauth2/aus2`,
    `${issuer}?x`,
    undefined,
    [issuer],
  ])
    expect(await refused(bad({ iss }))).toMatch(/^400 invalid_request: /);
  for (const iss of [origin, `${origin}/`, 'https://acme.okta.com'])
    expect(await refused(bad({ iss }))).toMatch(
      /^400 invalid_request: .*org authorization server.*custom authorization server/,
    );
  const stranger = await world.tenant();
  await world.write(stranger.id, (ctx) =>
    ctx.db.delete(identityProviders).where(eq(identityProviders.tenantId, stranger.id)),
  );
  expect(await exchange(world, stranger)).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
});

test('T10: the audience is exactly ours', async () => {
  for (const aud of ['https://other.test', [AUDIENCE, 'https://other.test'], `${AUDIENCE}/`, undefined, []])
    expect(await refused(bad({ aud }))).toMatch(/^400 invalid_request: /);
  expect((await exchange(world, tenant, bad({ aud: [AUDIENCE] }))).status).toBe(200);
});

test('T11: only an access token of a person will do', async () => {
  const others: [Record<string, unknown>, Record<string, unknown>?][] = [
    [{ nonce: 'n' }],
    [{ at_hash: 'x' }],
    [{ cid: undefined }],
    [{ scp: undefined }],
    [{ uid: undefined }],
    [{ uid: 7 }],
    [{ events: {} }],
    [{}, { typ: 'oauth-id-jag+jwt' }],
    [{}, { typ: 'secevent+jwt' }],
    [{}, { typ: 'dpop+jwt' }],
    [{}, { typ: 'logout+jwt' }],
  ];
  for (const [claims, header] of others)
    expect(await refused(bad(claims, header))).toMatch(/^400 invalid_request: /);
  const own = (await exchange(world, tenant)).body['access_token'] as string;
  expect(await refused({ subject_token: own })).toMatch(/^400 invalid_request: /);
  expect(await refused({ subject_token: clientAssertion(tenant) })).toMatch(/^400 invalid_request: /);
});

test('T13: times are held to five seconds', async () => {
  const now = nowSeconds();
  for (const claims of [
    { exp: now - 6 },
    { exp: undefined },
    { exp: '9999999999' },
    { exp: 1e308 },
    { exp: null },
    { iat: now + 8 },
    { iat: undefined },
    { nbf: now + 8 },
    { nbf: 'x' },
  ]) {
    expect(await refused(bad(claims))).toMatch(/^400 invalid_request: /);
  }
  expect((await exchange(world, tenant, bad({ iat: now + 4, nbf: now + 4 }))).status).toBe(200);
  expect((await exchange(world, tenant, bad({ exp: now + 30 }))).body['expires_in']).toBeLessThanOrEqual(30);
});

test('D4: with delegation:exchange it is exchanged, and with delegation:create; without either it is not', async () => {
  for (const scp of [['delegation:exchange'], ['delegation:create']])
    expect((await exchange(world, tenant, bad({ scp }))).status).toBe(200);
  for (const scp of [['openid', 'delegation:read', 'delegation:revoke'], []])
    expect(await refused(bad({ scp }))).toMatch(/^400 invalid_request: .*delegation:exchange/);
});

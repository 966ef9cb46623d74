import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { issuerHash } from '#domain/token/subject/providers/oidc.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';
import { send, singleAdmin, startIssuer, type TestIssuer } from '../support/identity-providers.ts';

const AUDIENCE = 'https://api.acme.example';
const TENANT = '0f8fad5b-d9cb-469f-a165-70867728950e';
const OTHER = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const SERVER = 'https://delegation.acme.example';
type Claims = Record<string, unknown>;

/** What each vendor's access token contains, and which of its own claims make it unusable. */
interface VendorCase {
  readonly path: string;
  readonly uid: string;
  section(issuer: string): Claims;
  provider(issuer: string): string;
  claims(scopes: readonly string[]): Claims;
  /** By name: claims that must be refused, and the reason. */
  readonly wrong: Readonly<Record<string, readonly [Claims, string]>>;
}

const CASES = {
  OKTA: {
    path: '/oauth2/aus1',
    uid: samplePerson('bob').oktaId,
    section: (issuer) => ({ issuer, audience: AUDIENCE }),
    provider: () => 'okta',
    claims: (scopes) => ({
      aud: AUDIENCE,
      uid: samplePerson('bob').oktaId,
      sub: 'bob@acme.example',
      cid: '0oaclient',
      scp: scopes,
    }),
    wrong: {
      'no uid, though sub is the login': [{ uid: undefined }, 'no_person'],
      'no cid': [{ cid: undefined }, 'not_an_access_token'],
      'scp as a string': [{ scp: 'delegation:read' }, 'not_an_access_token'],
      'an audience of another API': [{ aud: 'https://other.example' }, 'audience'],
    },
  },
  ENTRA: {
    path: `/${TENANT}/v2.0`,
    uid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
    section: (issuer) => ({ issuer, audience: AUDIENCE, tenant_id: TENANT }),
    provider: () => 'entra',
    claims: (scopes) => ({
      aud: AUDIENCE,
      tid: TENANT,
      oid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
      sub: 'pairwise',
      azp: OTHER,
      scp: scopes.join(' '),
      ver: '2.0',
    }),
    wrong: {
      'of another directory': [{ tid: OTHER }, 'tenant'],
      'of an application': [{ idtyp: 'app' }, 'no_person'],
      'with roles and no scp': [{ scp: undefined, roles: ['x'] }, 'no_person'],
      'without scp': [{ scp: undefined }, 'not_an_access_token'],
      'scp as a list': [{ scp: ['delegation:read'] }, 'not_an_access_token'],
      'without oid': [{ oid: undefined }, 'no_person'],
      'with an oid that is no GUID': [{ oid: 'bob' }, 'no_person'],
      'an audience of another API': [{ aud: OTHER }, 'audience'],
    },
  },
  COGNITO: {
    path: '/eu-west-1_Acme',
    uid: 'a1b2c3d4-0000-4000-8000-00000000c0de',
    section: (issuer) => ({ issuer, client_ids: ['appclient1', 'appclient2'], resource_server: SERVER }),
    provider: () => 'cognito',
    claims: (scopes) => ({
      token_use: 'access',
      client_id: 'appclient2',
      username: 'bob',
      sub: 'a1b2c3d4-0000-4000-8000-00000000c0de',
      scope: ['openid', ...scopes.map((scope) => `${SERVER}/${scope}`)].join(' '),
    }),
    wrong: {
      'an ID token': [{ token_use: 'id', aud: 'appclient2' }, 'not_an_access_token'],
      'without token_use': [{ token_use: undefined }, 'not_an_access_token'],
      'of another app client': [{ client_id: 'appclient9' }, 'client'],
      'of client credentials': [{ sub: 'appclient2', username: undefined }, 'no_person'],
      'for another resource': [{ aud: 'https://other.example' }, 'audience'],
    },
  },
  OIDC: {
    path: '/realms/acme',
    uid: 'auth0|5f7c8ec7c33c6c004bbafe82',
    section: (issuer) => ({ issuer, audience: AUDIENCE }),
    provider: issuerHash,
    claims: (scopes) => ({
      aud: AUDIENCE,
      sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
      client_id: 'spa',
      scope: scopes.join(' '),
    }),
    wrong: {
      'without client': [{ client_id: undefined }, 'not_an_access_token'],
      'without scope': [{ scope: undefined }, 'not_an_access_token'],
      'of client credentials': [{ sub: 'spa' }, 'no_person'],
      'an audience of another API': [{ aud: 'spa' }, 'audience'],
    },
  },
} as const satisfies Record<string, VendorCase>;

type Kind = keyof typeof CASES;

/** The claims that name the client of a token, and two clients. */
const CLIENTS = {
  OKTA: { member: ['cid'], listed: '0oaspa', other: '0oaother' },
  ENTRA: { member: ['azp', 'appid'], listed: OTHER, other: '99999999-8888-7777-6666-555555555555' },
  COGNITO: { member: ['client_id'], listed: 'appclient2', other: 'appclient3' },
  OIDC: { member: ['client_id', 'azp'], listed: 'spa', other: 'https://app.example/client' },
} as const satisfies Record<Kind, { member: readonly [string, ...string[]]; listed: string; other: string }>;
const KINDS = Object.keys(CASES) as Kind[];

let world: World;
let issuers: Record<Kind, TestIssuer>;
let agent: TestAgent;
let mandateId: string;
beforeAll(async () => {
  const [opened, ...started] = await Promise.all([
    openWorld(),
    ...KINDS.map((kind) => startIssuer(CASES[kind].path)),
  ]);
  world = opened;
  issuers = Object.fromEntries(KINDS.map((kind, index) => [kind, started[index]])) as typeof issuers;
  agent = await world.agent('helper', 'bob');
  mandateId = await world.mandate('bob', agent);
  await singleAdmin(world, true);
  await configure();
});
afterAll(async () => {
  await Promise.all(Object.values(issuers).map((issuer) => issuer.close()));
  await world.close();
});

/** Configures every provider. `more` adds members to the sections of one kind. */
async function configure(kind?: Kind, more: Claims = {}): Promise<void> {
  const section = (one: Kind) => ({
    ...CASES[one].section(issuers[one].issuer),
    ...(one === kind ? more : {}),
  });
  const path = `/v1/tenants/${world.tenantId}/identity-providers`;
  const answer = await send(world, 'PUT', path, world.company.api_keys.admin, {
    enabled_providers: ['API_KEY', ...KINDS],
    okta: section('OKTA'),
    entra: section('ENTRA'),
    cognito: section('COGNITO'),
    oidc: [section('OIDC')],
  });
  if (answer.status !== 200) throw new Error(answer.text);
}

const READ = ['delegation:read'];
const token = (kind: Kind, claims: Claims = {}, header: Claims = {}, scopes: readonly string[] = READ) =>
  issuers[kind].sign({ ...CASES[kind].claims(scopes), ...claims }, header);
const list = (bearer: string) => send(world, 'POST', '/v1/tools/mandate_list', bearer, {});
const trial = async (bearer: string) => {
  const path = `/v1/tenants/${world.tenantId}/identity-providers/try`;
  const answer = await send(world, 'POST', path, world.company.api_keys.admin, { token: bearer });
  for (const part of bearer.split('.').filter(({ length }) => length > 20))
    expect(answer.text).not.toContain(part);
  const checks = (answer.body['checks'] ?? []) as { check: string; ok: boolean | null; why: string }[];
  return { answer, checks, failed: checks.filter(({ ok }) => ok === false).map(({ check }) => check) };
};
const raw = (header: Claims, claims: Claims) =>
  [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

/** Makes Bob known at this vendor. */
async function beKnownTo(kind: Kind): Promise<void> {
  const { uid, provider } = CASES[kind];
  await world.sql`update people set provider = ${provider(issuers[kind].issuer)}, uid = ${uid}
    where tenant_id = ${world.tenantId} and email = 'bob@acme.example'`;
}

describe.each(KINDS)('%s', (kind) => {
  beforeAll(() => beKnownTo(kind));

  test('an access token is its person, found by provider and id alone', async () => {
    const good = await token(kind);
    expect((await list(good)).status).toBe(200);
    const { answer, checks } = await trial(good);
    const [bob] = await world.sql<{ id: string }[]>`select id from people where email = 'bob@acme.example'`;
    const subject = `oidc:${CASES[kind].provider(issuers[kind].issuer)}:${CASES[kind].uid}`;
    expect(answer.body).toMatchObject({ accepted: true, subject, person: bob?.id });
    expect(checks.map(({ check }) => check)).toEqual([
      'form',
      'provider',
      'signature',
      'audience',
      'times',
      'type',
      'client',
      'person_id',
      'scopes',
      'person',
      'standing',
    ]);
    expect(checks.every(({ ok, why }) => ok === true && why !== '')).toBe(true);
  });

  test('T9, T10, T11: what is not an access token of a person for us is refused, with the reason', async () => {
    const common: VendorCase['wrong'] = {
      'an ID token': [{ nonce: 'n' }, 'not_an_access_token'],
      'with at_hash': [{ at_hash: 'x' }, 'not_an_access_token'],
      'a security event': [{ events: {} }, 'not_an_access_token'],
      'two audiences': [{ aud: [AUDIENCE, 'https://other.example'] }, 'audience'],
      'an audience with a slash': [{ aud: `${AUDIENCE}/` }, 'audience'],
    };
    for (const [name, [claims, reason]] of Object.entries({ ...common, ...CASES[kind].wrong })) {
      const answer = await list(await token(kind, claims));
      expect([name, answer.status, answer.body['reason']]).toEqual([name, 401, reason]);
    }
    for (const typ of ['oauth-id-jag+jwt', 'secevent+jwt', 'logout+jwt', 'dpop+jwt'])
      expect((await list(await token(kind, {}, { typ }))).body['reason']).toBe('type');
  });

  test('T8: another issuer, even by one character, is nobody', async () => {
    const { issuer, origin } = issuers[kind];
    for (const iss of [
      `${issuer}/`,
      issuer.toUpperCase(),
      `${origin}/else`,
      'https://acme.example',
      [issuer],
      undefined,
    ])
      expect((await list(await token(kind, { iss }))).status).toBe(401);
  });

  test('T1, T2, T3: the header chooses neither algorithm nor key', async () => {
    const { kid, publicKey, asked, origin } = issuers[kind];
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuers[kind].issuer, iat: now, exp: now + 60, ...CASES[kind].claims(READ) };
    const mac = raw({ alg: 'HS256', kid }, claims);
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const mine = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const before = { ...asked };
    const trap = {
      jwk: mine.publicKey.export({ format: 'jwk' }),
      jku: `${origin}/evil`,
      x5u: `${origin}/evil`,
    };
    const forged = [
      `${raw({ alg: 'none', kid }, claims)}.`,
      `${mac}.${createHmac('sha256', pem).update(mac).digest('base64url')}`,
      await issuers[kind].sign(CASES[kind].claims(READ), trap, mine.privateKey),
      `${raw({ alg: 'ES256', kid }, claims)}.${Buffer.alloc(64, 1).toString('base64url')}`,
    ];
    for (const one of forged) expect((await list(one)).status).toBe(401);
    for (const other of ['../../x', "' or 1=1 --", 'k'.repeat(4000), '__proto__', ''])
      expect((await list(await token(kind, {}, { kid: other }))).status).toBe(401);
    expect(asked.discovery).toBe(before.discovery);
  });

  test('times hold to five seconds', async () => {
    const now = Math.floor(Date.now() / 1000);
    const wrong: [Claims, string][] = [
      [{ exp: now - 10 }, 'expired'],
      [{ exp: undefined }, 'times'],
      [{ exp: '9999999999' }, 'times'],
      [{ iat: now + 60, nbf: undefined }, 'not_yet_valid'],
      [{ nbf: now + 60 }, 'not_yet_valid'],
    ];
    for (const [claims, reason] of wrong)
      expect((await list(await token(kind, claims))).body['reason']).toBe(reason);
  });

  test('D4: its scopes gate the calls, in the form that the vendor writes them', async () => {
    const create = {
      agent: agent.id,
      scopes: ['okta.users.read'],
      resources: ['team'],
      days: 1,
      purpose: 'for a test',
    };
    const denied = await send(world, 'POST', '/v1/tools/mandate_create', await token(kind), create);
    expect([denied.status, denied.body['code']]).toEqual([403, 'token_scope_missing']);
    const none = await list(await token(kind, {}, {}, ['profile']));
    expect([none.status, none.body['code']]).toEqual([403, 'token_scope_missing']);
    expect((await trial(await token(kind, {}, {}, ['profile']))).failed).toEqual(['scopes']);
  });

  test('T26: a token that was issued to a client outside of client_ids is refused, at the exchange and by the trial', async () => {
    const { member, listed, other } = CLIENTS[kind];
    const create = ['delegation:exchange'];
    const issuedTo = (client: string, claim: string) =>
      token(kind, { [member[0]]: undefined, [claim]: client }, {}, create);
    const exchanged = async (subjectToken: string) => {
      const answer = await world.exchange(agent, 'bob', mandateId, { subject_token: subjectToken });
      return [answer.status, answer.body['error'], answer.body['error_description']];
    };
    await configure(kind, { client_ids: [listed] });
    for (const claim of member) {
      expect(await exchanged(await issuedTo(listed, claim))).toEqual([200, undefined, undefined]);
      const strange = await issuedTo(other, claim);
      expect(await exchanged(strange)).toEqual([
        400,
        'invalid_request',
        expect.stringMatching(/^subject_token: .*not listed in client_ids.*administrator/),
      ]);
      expect((await world.ledger('TOKEN_REFUSED')).at(-1)?.data).toMatchObject({ reason: 'subject_client' });
      const { failed, checks } = await trial(strange);
      expect(failed).toEqual(['client']);
      expect(checks.find(({ check }) => check === 'client')?.why).toMatch(/client_ids/);
    }
    // A token from before the change is checked against the new list.
    await configure(kind, { client_ids: [other] });
    expect((await exchanged(await issuedTo(listed, member[0])))[0]).toBe(400);
    expect((await exchanged(await issuedTo(other, member[0])))[0]).toBe(200);
    await configure();
  });

  test('D6: exchanged, it keeps the person’s canonical subject', async () => {
    const subject = `oidc:${CASES[kind].provider(issuers[kind].issuer)}:${CASES[kind].uid}`;
    const refused = await world.exchange(agent, 'bob', mandateId, { subject_token: await token(kind) });
    expect([refused.status, refused.body['error']]).toEqual([400, 'invalid_request']);
    const subjectToken = await token(kind, {}, {}, ['delegation:exchange']);
    const { status, body } = await world.exchange(agent, 'bob', mandateId, { subject_token: subjectToken });
    expect([status, body['error_description']]).toEqual([200, undefined]);
    const payload = String(body['access_token']).split('.')[1] ?? '';
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ sub: subject });
  });

  test('T4: ten thousand unknown kids cost one more request, and known ones go on', async () => {
    const { asked } = issuers[kind];
    await list(await token(kind));
    const before = asked.keys;
    const [, body] = (await token(kind)).split('.');
    const tail = Buffer.alloc(256, 1).toString('base64url');
    const flood = Array.from({ length: 10_000 }, () => {
      const header = Buffer.from(JSON.stringify({ alg: 'RS256', kid: randomUUID() })).toString('base64url');
      return `${header}.${body}.${tail}`;
    });
    for (let from = 0; from < flood.length; from += 500) {
      const answers = await Promise.allSettled(
        flood.slice(from, from + 500).map((one) => world.server.kernel.verifySubject(world.tenantId, one)),
      );
      expect(answers.every(({ status }) => status === 'rejected')).toBe(true);
    }
    expect(asked.keys - before).toBeLessThanOrEqual(1);
    expect((await list(await token(kind))).status).toBe(200);
  });
});

describe('whoever it is from', () => {
  test('a person of one provider is nobody at another, with the same id', async () => {
    await beKnownTo('ENTRA');
    const elsewhere = await list(await token('OIDC', { sub: CASES.ENTRA.uid }));
    expect([elsewhere.status, elsewhere.body['reason']]).toEqual([401, 'person_unknown']);
    const { answer, failed } = await trial(await token('OIDC', { sub: CASES.ENTRA.uid }));
    expect([failed, answer.body['accepted'], answer.body['person']]).toEqual([['person'], false, null]);
  });

  test('groups in a token widen nothing: the directory decides', async () => {
    await beKnownTo('OKTA');
    await world.sql`update people set provider = 'okta' where email = 'bob@acme.example'`;
    const claims = { groups: ['IT Admins', '00gitadmins0000000h7', 'Executives'] };
    const other = await world.agent('not-bobs', 'dana');
    const create = {
      agent: other.id,
      scopes: ['okta.users.suspend'],
      resources: ['team'],
      days: 1,
      purpose: 'for a test',
    };
    const bearer = await token('OKTA', claims, {}, ['delegation:create', 'delegation:read']);
    const denied = await send(world, 'POST', '/v1/tools/mandate_create', bearer, create);
    expect([denied.status, denied.body['status']]).toEqual([403, 403]);
    const [made] = await world.sql<{ n: number }[]>`
      select count(*)::int as n from mandates where agent_id = ${other.id}`;
    expect(made?.n).toBe(0);
  });

  test('a trial of a forged token names nobody', async () => {
    const mine = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const forged = await issuers.OKTA.sign(CASES.OKTA.claims(READ), {}, mine.privateKey);
    const { answer, checks, failed } = await trial(forged);
    expect(failed).toEqual(['signature']);
    expect(answer.body).toMatchObject({ accepted: false, subject: null, person: null });
    expect(checks.filter(({ ok }) => ok === null).map(({ check }) => check)).toEqual(['person', 'standing']);
    expect((await trial('not.a.jwt')).failed).toEqual(['form']);
    expect((await trial(await token('OKTA', { iss: 'https://acme.okta.com' }))).checks[1]?.why).toMatch(
      /org authorization server/,
    );
  });

  test('a provider that is switched off, or a person who is suspended, lets nobody in', async () => {
    await beKnownTo('OKTA');
    await world.sql`update people set status = 'SUSPENDED' where email = 'bob@acme.example'`;
    expect((await trial(await token('OKTA'))).failed).toEqual(['standing']);
    expect((await list(await token('OKTA'))).status).toBe(401);
    await world.sql`update people set status = 'ACTIVE' where email = 'bob@acme.example'`;
    await world.sql`update identity_providers set enabled = false where kind = 'OKTA' and tenant_id = ${world.tenantId}`;
    expect((await list(await token('OKTA'))).body['reason']).toBe('issuer');
  });
});

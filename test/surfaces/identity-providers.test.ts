import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '#lib/id.ts';
import { eventually, openWorld, type World } from '../support/world.ts';
import {
  send,
  singleAdmin,
  startIssuer,
  type Answer,
  type TestIssuer,
} from '../support/identity-providers.ts';

const AUDIENCE = 'https://api.acme.example';

let world: World;
let okta: TestIssuer;
let generic: TestIssuer;
let admin: string;
let path: string;
let keysPath: string;
beforeAll(async () => {
  [world, okta, generic] = await Promise.all([
    openWorld(),
    startIssuer('/oauth2/aus1'),
    startIssuer('/realms/acme'),
  ]);
  admin = world.company.api_keys.admin;
  path = `/v1/tenants/${world.tenantId}/identity-providers`;
  keysPath = `/v1/tenants/${world.tenantId}/api-keys`;
});
afterAll(async () => {
  await Promise.all([okta.close(), generic.close()]);
  await world.close();
});
beforeEach(() => singleAdmin(world, true));

const put = (body: unknown, key = admin): Promise<Answer> => send(world, 'PUT', path, key, body);
const get = (key = admin): Promise<Answer> => send(world, 'GET', path, key);
const oktaSection = () => ({ issuer: okta.issuer, audience: AUDIENCE });
const rows = async () => [
  ...(await world.sql<{ kind: string; issuer: string; audience: string; enabled: boolean }[]>`
    select kind, issuer, audience, enabled from identity_providers where tenant_id = ${world.tenantId} order by kind`),
];
const problems = (answer: Answer) => JSON.stringify(answer.body['problems'] ?? answer.text);

describe('the configuration', () => {
  test('D2: the body of the requirements is taken as it stands, and read back', async () => {
    const body = { enabled_providers: ['API_KEY', 'COGNITO', 'OKTA'], okta: oktaSection() };
    const answer = await put(body);
    expect([answer.status, answer.body]).toEqual([200, { ...body, unconfigured: ['COGNITO'] }]);
    expect((await get()).body).toEqual(answer.body);
    expect(await rows()).toEqual([{ kind: 'OKTA', ...oktaSection(), enabled: true }]);
    const [entry] = (await world.ledger('providers_changed')).slice(-1);
    expect(entry).toMatchObject({
      actor: 'api-key:First administrator',
      data: { issuers: [{ kind: 'OKTA', issuer: okta.issuer }] },
    });
  });

  test('PUT replaces everything: what is left out goes, a disabled section stays without effect', async () => {
    const both = {
      enabled_providers: ['API_KEY', 'OKTA'],
      okta: oktaSection(),
      oidc: [{ issuer: generic.issuer, audience: AUDIENCE }],
    };
    expect((await put(both)).body).toEqual(both);
    expect(await rows()).toMatchObject([
      { kind: 'OIDC', enabled: false },
      { kind: 'OKTA', enabled: true },
    ]);
    expect((await put({ enabled_providers: ['API_KEY', 'OKTA'], okta: oktaSection() })).status).toBe(200);
    expect((await rows()).map(({ kind }) => kind)).toEqual(['OKTA']);
  });

  test('what is partial, unknown or of another shape is refused and names the member', async () => {
    const before = await rows();
    const enabled = ['API_KEY', 'OKTA'];
    const tid = '11111111-2222-3333-4444-555555555555';
    const cases: [unknown, RegExp][] = [
      [{}, /enabled_providers/],
      [{ enabled_providers: enabled }, /"okta".*section is missing/],
      [{ enabled_providers: ['GOOGLE'], okta: oktaSection() }, /enabled_providers/],
      [{ enabled_providers: ['OKTA', 'OKTA'], okta: oktaSection() }, /twice/],
      [{ enabled_providers: enabled, okta: { issuer: okta.issuer } }, /okta\.audience/],
      [{ enabled_providers: enabled, okta: { ...oktaSection(), client_secret: 'x' } }, /client_secret/],
      [{ enabled_providers: enabled, okta: oktaSection(), google: {} }, /google/],
      [
        { enabled_providers: enabled, okta: { ...oktaSection(), issuer: okta.origin } },
        /org authorization server/,
      ],
      [{ enabled_providers: enabled, okta: { ...oktaSection(), issuer: `${okta.issuer}/` } }, /okta\.issuer/],
      [{ enabled_providers: enabled, okta: { ...oktaSection(), issuer: `${okta.issuer}?x=1` } }, /query/],
      [{ enabled_providers: enabled, okta: oktaSection(), oidc: [oktaSection()] }, /twice/],
      [
        {
          enabled_providers: enabled,
          okta: oktaSection(),
          oidc: [{ issuer: 'https://a.okta.com/oauth2/x', audience: 'a' }],
        },
        /configured under okta/,
      ],
      [
        {
          enabled_providers: enabled,
          okta: oktaSection(),
          entra: { issuer: 'https://login.microsoftonline.com/common/v2.0', audience: 'a', tenant_id: tid },
        },
        /entra\.issuer/,
      ],
      [
        {
          enabled_providers: enabled,
          okta: oktaSection(),
          cognito: { issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/us-east-1_x', client_ids: ['a'] },
        },
        /cognito\.issuer/,
      ],
    ];
    for (const [body, why] of cases) {
      const answer = await put(body);
      expect([JSON.stringify(body), answer.status]).toEqual([JSON.stringify(body), 400]);
      expect(problems(answer)).toMatch(why);
    }
    expect(await rows()).toEqual(before);
  });

  test('every issuer is asked: it must name itself, answer, and publish a usable key', async () => {
    const before = await rows();
    const body = { enabled_providers: ['API_KEY', 'OKTA'], okta: oktaSection() };
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    const lies: [TestIssuer['lies'], RegExp][] = [
      [{ issuer: `${okta.issuer}x` }, /names another issuer/],
      [
        {
          keys: [
            { ...weak, kid: 'weak' },
            { kty: 'oct', k: 'AAAA', kid: 'mac' },
          ],
        },
        /does not publish a key/,
      ],
      [{ jwksUri: 'http://169.254.169.254/latest' }, /must be https/],
      [{ jwksUri: 'https://10.0.0.1/keys' }, /is not public|not have a public/],
      [{ jwksUri: `${okta.origin}/nothing` }, /404/],
    ];
    for (const [lie, why] of lies) {
      Object.assign(okta.lies, lie);
      const answer = await put(body);
      for (const name of Object.keys(lie)) delete okta.lies[name as keyof TestIssuer['lies']];
      expect([answer.status, problems(answer)]).toEqual([400, expect.stringMatching(why)]);
    }
    const inward = [
      'http://169.254.169.254/oauth2/x',
      'https://10.0.0.1/oauth2/x',
      'https://[::1]:1/oauth2/x',
    ];
    for (const issuer of inward)
      expect((await put({ ...body, okta: { issuer, audience: AUDIENCE } })).status).toBe(400);
    expect(await rows()).toEqual(before);
  });

  test('only an API key of this organisation with the scope admin reads or changes it', async () => {
    const other = (await send(world, 'POST', keysPath, admin, { name: 'reader', scopes: ['ledger:read'] }))
      .body;
    expect((await get(String(other['api_key']))).status).toBe(403);
    expect((await put({}, String(other['api_key']))).status).toBe(403);
    expect((await send(world, 'GET', path, null)).status).toBe(401);
    const elsewhere = path.replace(world.tenantId, newId('tnt'));
    expect((await send(world, 'GET', elsewhere, admin)).status).toBe(404);
    expect((await send(world, 'PATCH', path, admin, {})).headers.get('allow')).toBe('GET, PUT');
  });

  test('after the bootstrap it takes two IT admins, and the key alone changes nothing', async () => {
    await singleAdmin(world, false);
    const before = await rows();
    const body = {
      enabled_providers: ['API_KEY', 'OIDC', 'OKTA'],
      okta: oktaSection(),
      oidc: [{ issuer: generic.issuer, audience: AUDIENCE }],
    };
    const answer = await put(body);
    expect(answer.status).toBe(202);
    const callId = String(answer.headers.get('location')).replace('/v1/calls/', '');
    const [call] = await world.sql<{ tool: string; approval_id: string }[]>`
      select tool, approval_id from calls where id = ${callId} and state = 'waiting'`;
    expect(call?.tool).toBe('provider_set');
    expect((await world.vote('dana', call?.approval_id ?? '')).status).toBe('done');
    expect(await rows()).toEqual(before);
    expect((await world.vote('ivan', call?.approval_id ?? '')).status).toBe('done');
    await eventually(async () => (await rows()).length === 2, 'both providers stand');
    expect((await get()).body).toEqual(body);
    const [entry] = (await world.ledger('providers_changed')).slice(-1);
    expect(entry?.data).toMatchObject({ call_id: callId });
  });

  test('T26: one-time scopes stand beside the providers: of the catalogue only, shown to approvers, in the ledger, and gone when left out', async () => {
    const body = { enabled_providers: ['API_KEY', 'OKTA'], okta: oktaSection() };
    const scopes = ['okta.mfa.reset'];
    const stored = async () => {
      const [tenant] = await world.sql<{ settings: Record<string, unknown> }[]>`
        select settings from tenants where id = ${world.tenantId}`;
      return tenant?.settings['oneTimeScopes'];
    };
    for (const wrong of [['okta.mfa.rest'], [...scopes, ...scopes], ['']]) {
      const answer = await put({ ...body, one_time_scopes: wrong });
      expect([answer.status, problems(answer)]).toEqual([400, expect.stringMatching(/one_time_scopes/)]);
    }
    expect((await put({ ...body, one_time_scopes: scopes })).body).toMatchObject({ one_time_scopes: scopes });
    expect(await stored()).toEqual(scopes);
    expect((await world.ledger('providers_changed')).at(-1)?.data).toMatchObject({ one_time_scopes: scopes });
    await singleAdmin(world, false);
    const loosened = await world.as(await world.actor('dana'), 'provider_set', body);
    expect(loosened.status).toBe('waiting');
    const { callId } = loosened as { callId: string };
    const [call] = await world.sql<{ changes: unknown }[]>`
      select a.impact->'changes' as changes from approvals a join calls c on c.approval_id = a.id where c.id = ${callId}`;
    expect(call?.changes).toContainEqual({ what: 'one_time_scopes', from: 'okta.mfa.reset' });
    expect(await stored()).toEqual(scopes);
    await singleAdmin(world, true);
    expect((await put(body)).body).not.toHaveProperty('one_time_scopes');
    expect(await stored()).toEqual([]);
  });

  test('agents do not touch it, and an IT admin alone does not either', async () => {
    await singleAdmin(world, false);
    const asked = await world.as(await world.actor('dana'), 'provider_set', {
      enabled_providers: ['API_KEY'],
    });
    expect(asked.status).toBe('waiting');
    const bob = await world.as(await world.actor('bob'), 'provider_set', { enabled_providers: ['API_KEY'] });
    expect(bob.status).toBe('denied');
  });
});

describe('API keys', () => {
  const make = (body: unknown) => send(world, 'POST', keysPath, admin, body);

  test('a key is shown once, works, is listed without its secret, and dies at once', async () => {
    const made = await make({ name: 'Reader', scopes: ['ledger:read', 'okta_find_user', 'ledger:read'] });
    expect([made.status, made.body]).toMatchObject([
      201,
      { name: 'Reader', scopes: ['ledger:read', 'okta_find_user'], source: null, revoked_at: null },
    ]);
    const [key, id] = [String(made.body['api_key']), String(made.body['id'])];
    expect((await send(world, 'GET', '/v1/ledger?limit=1', key)).status).toBe(200);
    const list = await send(world, 'GET', keysPath, admin);
    expect(list.body['api_keys']).toContainEqual(expect.objectContaining({ id, name: 'Reader' }));
    const secret = key.split(':')[1] ?? '-';
    expect(list.text).not.toContain(secret);
    const [kept] = await world.sql`select * from api_keys where id = ${id}`;
    expect(JSON.stringify(kept)).not.toContain(secret);
    expect(JSON.stringify(await world.ledger())).not.toContain(secret);
    expect((await send(world, 'DELETE', `${keysPath}/${id}`, admin)).status).toBe(204);
    expect((await send(world, 'GET', '/v1/ledger?limit=1', key)).status).toBe(401);
    expect((await send(world, 'DELETE', `${keysPath}/${id}`, admin)).status).toBe(204);
    const revoked = (await world.ledger('key_revoked')).filter((entry) => entry.data['key_id'] === id);
    expect(revoked.map(({ actor }) => actor)).toEqual(['api-key:First administrator']);
  });

  test('scopes are those that there are, and nothing that is for people only', async () => {
    for (const body of [
      { name: 'x', scopes: ['everything'] },
      { name: 'x', scopes: ['approval_decide'] },
      { name: 'x', scopes: ['ledger:read'], source: 'okta' },
      { name: '', scopes: ['ledger:read'] },
      { name: 'x\u001fby usr_00000000000000000000000000', scopes: ['ledger:read'] },
      { name: 'two\nlines', scopes: ['ledger:read'] },
      { name: 'x', scopes: ['ledger:read'], secret: 'mine' },
    ])
      expect([body, (await make(body)).status]).toEqual([body, 400]);
  });

  test('the last key with admin cannot be revoked, nor two of them by each other at once', async () => {
    const second = (await make({ name: 'Second', scopes: [] })).body;
    await world.grant(String(second['id']), ['admin']);
    const [first] = await world.sql<{ id: string }[]>`
      select id from api_keys where tenant_id = ${world.tenantId} and name = 'First administrator'`;
    // Neither can commit before both have looked: the ledger's head, which a commit needs, is held.
    const held = Promise.withResolvers<void>();
    const holder = world.sql.begin(async (tx) => {
      await tx`select 1 from ledger_heads where tenant_id = ${world.tenantId} for update`;
      await held.promise;
    });
    const asked = Promise.all([
      send(world, 'DELETE', `${keysPath}/${String(second['id'])}`, admin),
      send(world, 'DELETE', `${keysPath}/${first?.id ?? ''}`, String(second['api_key'])),
    ]);
    await eventually(async () => {
      const [waiting] = await world.sql<{ n: number }[]>`
        select count(*)::int as n from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock'`;
      return waiting!.n >= 2;
    }, 'both revocations wait');
    held.resolve();
    await holder;
    const answers = await asked;
    const won = answers.map(({ status }) => status).filter((status) => status === 204);
    expect(won).toHaveLength(1);
    const [left] = await world.sql<{ n: number }[]>`
      select count(*)::int as n from api_keys where tenant_id = ${world.tenantId} and 'admin' = any(scopes) and revoked_at is null`;
    expect(left?.n).toBe(1);
    await world.sql`update api_keys set revoked_at = null where id = ${first?.id ?? ''}`;
  });

  test('without API_KEY the REST API takes no keys; SCIM keys and introspection go on', async () => {
    const off = { enabled_providers: ['OKTA'], okta: oktaSection() };
    expect((await put(off)).status).toBe(200);
    const refused = await get();
    expect([refused.status, refused.body['reason']]).toEqual([401, 'api_keys_disabled']);
    expect((await send(world, 'GET', '/v1/scim/v2/Users?count=1', world.company.api_keys.scim)).status).toBe(
      200,
    );
    const introspected = await fetch(`${world.url}/t/${world.tenantId}/oauth2/introspect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}` },
      body: new URLSearchParams({ token: 'x' }),
    });
    expect(introspected.status).toBe(200);
    const dana = await world.actor('dana');
    const on = await world.as(dana, 'provider_set', { ...off, enabled_providers: ['API_KEY', 'OKTA'] });
    expect(on.status).toBe('done');
    expect((await get()).status).toBe(200);
  });
});

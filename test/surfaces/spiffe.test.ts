import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTenant } from '#domain/tenant/create.ts';
import { DEFAULT_SETTINGS } from '#domain/tenant/settings.ts';
import type { Outcome } from '#engine/outcome.ts';
import { transact } from '#engine/transact.ts';
import { newId } from '#lib/id.ts';
import { unfolded } from '../support/slack-form.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';
import { send, singleAdmin, type Answer } from '../support/identity-providers.ts';

const SVID = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe';
const SCOPES = ['okta.users.read', 'okta.mfa.reset'];

let world: World;
let admin: string;
beforeAll(async () => {
  world = await openWorld();
  admin = world.company.api_keys.admin;
});
afterAll(() => world.close());
beforeEach(() => singleAdmin(world, true));

/** The authority of a trust domain: its key, and the bundle entry for it. */
function authority(kid: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'jwt-svid' } };
}
type Authority = ReturnType<typeof authority>;
const x509 = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' }),
  use: 'x509-svid',
  x5c: ['MIIB'],
};

const path = (domain?: string) =>
  `/v1/tenants/${world.tenantId}/spiffe-bundles${domain === undefined ? '' : `/${domain}`}`;
const put = (domain: string, body: unknown): Promise<Answer> => send(world, 'PUT', path(domain), admin, body);
const remove = (domain: string): Promise<Answer> => send(world, 'DELETE', path(domain), admin);
/** Creates a trust domain with a bundle. */
async function trust(domain: string): Promise<Authority> {
  const by = authority(`${domain}-1`);
  expect((await put(domain, { keys: [by.jwk] })).status).toBe(200);
  return by;
}
const bundles = async () =>
  (
    await world.sql<
      { bundles: Record<string, { keys: Record<string, unknown>[] }> }[]
    >`select coalesce(settings->'spiffeBundles', '{}') as bundles from tenants where id = ${world.tenantId}`
  )[0]?.bundles ?? {};
const agentRow = async (id: string) =>
  (
    await world.sql<
      {
        spiffe_id: string | null;
        jwks_url: string | null;
        secret_hash: string | null;
        epoch: number;
        keys: number;
      }[]
    >`select spiffe_id, jwks_url, secret_hash, epoch, (select count(*)::int from agent_keys k where k.agent_id = a.id and k.revoked_at is null) as keys from agents a where id = ${id}`
  )[0];
const holders = async (spiffeId: string) => [
  ...(await world.sql<
    { id: string }[]
  >`select id from agents where spiffe_id = ${spiffeId} and tenant_id = ${world.tenantId}`),
];

function done(outcome: Outcome): Record<string, unknown> {
  if (outcome.status !== 'done') throw new Error(`not done: ${JSON.stringify(outcome)}`);
  return { ...outcome.output };
}
const use = async (key: string, tool: string, input: unknown) =>
  done(await world.as(await world.actor(key), tool, input));
const registering = async (name: string, more: Record<string, unknown>, by = 'dana') =>
  world.as(await world.actor(by), 'agent_register', {
    name,
    owner: (await world.person('carl')).id,
    scopes: SCOPES,
    ...more,
  });
/** An agent of Carl's that has only a SPIFFE ID, and a mandate of his. */
async function workload(name: string, domain: string) {
  const spiffeId = `spiffe://${domain}/agents/${name}`;
  const { agent_id: id } = done(await registering(name, { spiffe_id: spiffeId }));
  const agent = {
    id: String(id),
    name,
    privateJwk: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
  };
  const mandate = await world.mandate('carl', agent, { scopes: ['okta.users.read'], resources: ['*'] });
  return { agent, spiffeId, mandate };
}
const svid = (spiffeId: string, kid: string, key: KeyObject) =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
    .setSubject(spiffeId)
    .setAudience(`${world.app.baseUrl}/t/${world.tenantId}`)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key);
async function exchange(
  agent: TestAgent,
  spiffeId: string,
  mandate: string,
  by: Authority,
  principal = 'carl',
) {
  return world.exchange(agent, principal, mandate, {
    client_assertion_type: SVID,
    client_assertion: await svid(spiffeId, by.kid, by.privateKey),
    audience: `${world.app.baseUrl}/v1`,
  });
}
async function tokenFor(...of: Parameters<typeof exchange>): Promise<string> {
  const { status, body } = await exchange(...of);
  if (status !== 200) throw new Error(`no token: ${status} ${JSON.stringify(body)}`);
  return String(body['access_token']);
}
/** The status of a REST request with this token. */
const knock = async (token: string) => (await send(world, 'GET', '/v1/tools', token)).status;
const mandateCauses = async (id: string) =>
  (await world.sql<{ cause: string }[]>`select cause from mandate_freezes where mandate_id = ${id}`).map(
    ({ cause }) => cause,
  );

describe('an agent with a SPIFFE ID', () => {
  test('is registered by it, exchanges with a JWT-SVID, and shows it', async () => {
    const by = await trust('acme.test');
    const { agent, spiffeId, mandate } = await workload('helper', 'acme.test');
    expect(await agentRow(agent.id)).toEqual({
      spiffe_id: spiffeId,
      jwks_url: null,
      secret_hash: null,
      epoch: 0,
      keys: 0,
    });
    expect(await knock(await tokenFor(agent, spiffeId, mandate, by))).toBe(200);
    expect(await world.exchange(agent, 'carl', mandate)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect(await use('nina', 'agent_show', { agent: agent.id })).toMatchObject({
      credentials: [`SPIFFE ID ${spiffeId}`],
    });
    expect((await world.ledger('AGENT_REGISTERED')).at(-1)?.data).toMatchObject({
      agent: agent.id,
      spiffe_id: spiffeId,
      kids: [],
    });
  });

  test('has one of the specification, of a trust domain with a bundle here, and no other credential', async () => {
    await trust('strict.test');
    const before = await world.sql`select id from agents`;
    const malformed = [
      'strict.test/a',
      'https://strict.test/a',
      'SPIFFE://strict.test/a',
      'spiffe://strict.test',
      'spiffe://strict.test/',
      'spiffe://strict.test/a/',
      'spiffe://strict.test//a',
      'spiffe://strict.test/./a',
      'spiffe://strict.test/a/..',
      'spiffe://Strict.test/a',
      'spiffe://strict.test:443/a',
      'spiffe://me@strict.test/a',
      'spiffe://strict.test/a?b',
      'spiffe://strict.test/a#b',
      'spiffe://strict.test/%61',
      'spiffe://strict.test/ä',
      ' spiffe://strict.test/a',
      'spiffe://strict.test/a\n',
      `spiffe://${'a'.repeat(256)}/a`,
    ];
    const refusedAs = async (spiffe_id: string) => {
      const fault = await registering('refused', { spiffe_id }).catch((error: unknown) => error);
      const { code, detail } = fault as { code?: string; detail?: { problems?: unknown } };
      return [spiffe_id, code, JSON.stringify(detail?.problems)];
    };
    for (const spiffe_id of malformed)
      expect(await refusedAs(spiffe_id)).toEqual([
        spiffe_id,
        'invalid_input',
        expect.stringMatching(/"spiffe_id".*spiffe:\/\/trust-domain\/path/),
      ]);
    for (const domain of ['other.test', 'constructor', '__proto__'])
      expect(await refusedAs(`spiffe://${domain}/a`)).toEqual([
        `spiffe://${domain}/a`,
        'invalid_input',
        expect.stringMatching(/"spiffe_id".*no trust bundle for .*IT admin can add one/),
      ]);
    const { agent } = await workload('strict', 'strict.test');
    for (const tool of ['agent_register', 'agent_rotate_key']) {
      const both = {
        spiffe_id: 'spiffe://strict.test/both',
        jwks_url: 'https://agents.example/jwks',
      };
      const input =
        tool === 'agent_register'
          ? { name: 'both', owner: 'carl@acme.example', scopes: SCOPES }
          : { agent: agent.id };
      await expect(world.as(await world.actor('dana'), tool, { ...input, ...both })).rejects.toMatchObject({
        code: 'invalid_input',
      });
    }
    expect(await world.sql`select id from agents`).toHaveLength(before.length + 1);
  });

  test('is the only one with it, also of many that are registered at once; another organisation may have it too', async () => {
    await trust('once.test');
    const { spiffeId } = await workload('first', 'once.test');
    await expect(registering('second', { spiffe_id: spiffeId })).rejects.toMatchObject({ code: 'conflict' });
    const rival = await world.agent('rival', 'carl', SCOPES);
    await expect(
      world.as(await world.actor('carl'), 'agent_rotate_key', { agent: rival.id, spiffe_id: spiffeId }),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect(await agentRow(rival.id)).toMatchObject({ spiffe_id: null, keys: 1, epoch: 0 });

    const raced = 'spiffe://once.test/raced';
    // First, so that no promise of the others rejects before allSettled listens.
    const carl = await world.actor('carl');
    const results = await Promise.allSettled([
      ...[1, 2, 3, 4].map((n) => registering(`racer-${n}`, { spiffe_id: raced })),
      world.as(carl, 'agent_rotate_key', { agent: rival.id, spiffe_id: raced }),
    ]);
    const lost = results.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(lost).toHaveLength(4);
    for (const reason of lost) expect(reason).toMatchObject({ code: 'conflict' });
    expect(await holders(raced)).toHaveLength(1);

    const other = await another('elsewhere.test');
    await world.sql`insert into people (tenant_id, id, provider, uid, login, email, display_name, status) values (${other}, 'usr_x', 'okta', 'x', 'x', 'x@other.example', 'X', 'ACTIVE')`;
    await world.sql`insert into agents (tenant_id, id, name, owner_id, ceiling, spiffe_id) values (${other}, 'agt_x', 'x', 'usr_x', '{}', 'spiffe://once.test/theirs')`;
    expect((await registering('ours', { spiffe_id: 'spiffe://once.test/theirs' })).status).toBe('done');
  });

  test('by rotation: old keys die at once, others confirm, and it goes back in the same way', async () => {
    const by = await trust('rotate.test');
    const agent = await world.agent('turning', 'carl', SCOPES);
    const own = await world.mandate('carl', agent, { scopes: ['okta.users.read'], resources: ['*'] });
    const others = await world.mandate('bob', agent, { scopes: ['okta.mfa.reset'] });
    const old = await world.token(agent, 'carl', own, { audience: `${world.app.baseUrl}/v1` });
    const spiffeId = 'spiffe://rotate.test/turning';
    expect(
      await use('carl', 'agent_rotate_key', { agent: agent.id, spiffe_id: spiffeId, grace_hours: 48 }),
    ).toMatchObject({ spiffe_id: spiffeId, jwks_url: null, kids: [], frozen: [others] });
    expect(await agentRow(agent.id)).toMatchObject({ spiffe_id: spiffeId, keys: 0 });
    expect(await knock(old)).toBe(401);
    expect((await world.exchange(agent, 'carl', own)).status).toBe(401);
    const token = await tokenFor(agent, spiffeId, own, by);
    expect(await knock(token)).toBe(200);
    expect(await mandateCauses(others)).toEqual(['credentials_changed']);
    expect((await exchange(agent, spiffeId, others, by, 'bob')).body).toMatchObject({
      mandate_status: 'frozen',
    });
    await expect(
      world.as(await world.actor('carl'), 'agent_rotate_key', { agent: agent.id, spiffe_id: spiffeId }),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect((await world.ledger('AGENT_KEY_ROTATED')).at(-1)?.data).toMatchObject({
      agent: agent.id,
      spiffe_id: spiffeId,
      grace_hours: 0,
      frozen: [others],
    });

    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await use('carl', 'agent_rotate_key', {
      agent: agent.id,
      public_key: JSON.stringify(publicKey.export({ format: 'jwk' })),
    });
    expect(await agentRow(agent.id)).toMatchObject({ spiffe_id: null, keys: 1 });
    expect(await knock(token)).toBe(401);
    expect((await exchange(agent, spiffeId, own, by)).status).toBe(401);
  });

  test('can be asked for in Slack, as its trust bundle can', async () => {
    const dana = world.slack.as('dana');
    const setting = await dana.types('/spiffe bundle set slack.test');
    if (setting.view === undefined) throw new Error(`no form: ${JSON.stringify(setting.ephemerals)}`);
    const bundle = JSON.stringify({ keys: [authority('slack-1').jwk, x509] });
    expect((await dana.fills(setting.view, { 'Trust bundle': bundle }).submits()).status).toBe(200);
    await eventually(async () => (await bundles())['slack.test'], 'the bundle stands');
    const { ephemerals } = await dana.types('/agent register slack-bot @carl okta.users.read');
    const card = ephemerals.at(-1);
    const { view } = card === undefined ? {} : await dana.clicks(card, 'Edit');
    if (view === undefined) throw new Error(`no form: ${JSON.stringify(ephemerals)}`);
    const all = await unfolded(dana, view);
    const submitted = await dana.fills(all, { 'SPIFFE ID': 'spiffe://slack.test/slack-bot' }).submits();
    expect(submitted.status).toBe(200);
    await eventually(async () => (await holders('spiffe://slack.test/slack-bot')).length === 1, 'it stands');
    expect(JSON.stringify((await dana.types('/spiffe bundle list')).ephemerals)).toContain('slack.test');
  });
});

/** Creates a second tenant with its own trust bundle. */
async function another(domain: string): Promise<string> {
  const id = newId('tnt');
  const okta = { orgUrl: `https://${domain}`, credential: {}, issuer: `https://${domain}/x`, audience: 'x' };
  const settings = { ...DEFAULT_SETTINGS, spiffeBundles: { [domain]: { keys: [authority('theirs').jwk] } } };
  await transact(world.app, id, (ctx) =>
    createTenant(ctx, world.app.secrets, { name: 'Other', slackTeamId: null, settings, okta }),
  );
  return id;
}

describe('a trust bundle', () => {
  test('is kept with the keys that verify, says which it ignored, and is read back', async () => {
    const by = authority('good');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
    const keys = [
      x509,
      by.jwk,
      { ...rsa, kid: 'rsa', use: 'jwt-svid', alg: 'RS256' },
      { ...by.jwk, kid: 'unused', use: 'sig' },
      { ...by.jwk, kid: undefined },
      { ...x509, kid: 'p384', use: 'jwt-svid' },
      { kty: 'new', kid: 'unknown', use: 'jwt-svid' },
      { ...by.jwk, kid: 'good\n(thumbprint of another)' },
    ];
    const answer = await put('kept.test', { keys, spiffe_sequence: 3, spiffe_refresh_hint: 300 });
    expect(answer).toMatchObject({ status: 200, body: { trust_domain: 'kept.test', agents: [] } });
    const { kty, crv, x, y } = by.jwk as Record<string, string>;
    const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
    expect(answer.body['keys']).toMatchObject([
      { kid: 'good', alg: 'ES256', thumbprint },
      { kid: 'rsa', alg: 'RS256' },
    ]);
    expect((answer.body['ignored'] as { key: string }[]).map(({ key }) => key)).toEqual([
      'keys.0',
      'keys.3',
      'keys.4',
      'keys.5',
      'keys.6',
      'keys.7',
    ]);
    expect((await bundles())['kept.test']?.keys).toEqual([
      { kty, crv, x, y, kid: 'good', alg: 'ES256', use: 'jwt-svid' },
      expect.objectContaining({ kid: 'rsa', use: 'jwt-svid' }),
    ]);
    const { ignored: _, ...view } = answer.body;
    expect((await send(world, 'GET', path(), admin)).body['bundles']).toContainEqual(view);
    expect((await world.ledger('spiffe_bundle_changed')).at(-1)).toMatchObject({
      actor: 'api-key:First administrator',
      data: { trust_domain: 'kept.test', keys: view['keys'], gone: [], agents_ended: [] },
    });
    const entries = (await world.ledger('spiffe_bundle_changed')).length;
    expect((await put('kept.test', { keys: [keys[2], by.jwk] })).status).toBe(200);
    expect(await world.ledger('spiffe_bundle_changed')).toHaveLength(entries);
  });

  test('of each of many trust domains that are set and removed at once is as it was left', async () => {
    const domains = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `${name}.many.test`);
    const by = authority('many');
    const answers = await Promise.all(domains.map((domain) => put(domain, { keys: [by.jwk] })));
    expect(answers.map(({ status }) => status)).toEqual(domains.map(() => 200));
    const [first = '', ...rest] = domains;
    await Promise.all([
      remove(first),
      ...rest.map((domain) => put(domain, { keys: [authority('new').jwk] })),
    ]);
    const now = await bundles();
    expect(now[first]).toBeUndefined();
    expect(rest.map((domain) => now[domain]?.keys.map((key) => key['kid']))).toEqual(rest.map(() => ['new']));
  });

  test('that is bad is refused, says where, and leaves nothing behind', async () => {
    const before = await bundles();
    const by = authority('bad');
    const secret = by.privateKey.export({ format: 'jwk' }).d ?? '-';
    const leaky = { ...by.jwk, d: secret };
    const cases: [string, unknown, string, RegExp][] = [
      ['bad.test', {}, 'keys', /^is required; send a list/],
      ['bad.test', { keys: 'x' }, 'keys', /^must be a list, not a string/],
      ['bad.test', { keys: [] }, 'keys', /is empty/],
      ['bad.test', { keys: ['x'] }, 'keys.0', /^must be an object, not a string/],
      ['bad.test', { keys: [by.jwk, leaky] }, 'keys.1', /private or symmetric/],
      ['bad.test', { keys: [by.jwk, { ...x509, d: 'AAAA' }] }, 'keys.1', /private or symmetric/],
      [
        'bad.test',
        { keys: [{ kty: 'oct', k: 'AAAA', kid: 'mac', use: 'jwt-svid' }] },
        'keys.0',
        /private or symmetric/,
      ],
      [
        'bad.test',
        { keys: [x509] },
        'keys',
        /contain none that verifies JWT-SVIDs: keys\.0 is for X\.509-SVIDs/,
      ],
      ['bad.test', { keys: [by.jwk, { ...authority('bad').jwk }] }, 'keys.1.kid', /listed twice/],
      ['bad.test', { keys: [by.jwk], more: 'x'.repeat(65_536) }, '', /more than 65536 bytes/],
      ['bad.test', { keys: Array.from({ length: 101 }, () => x509) }, 'keys', /101|100/],
      ['Bad.test', { keys: [by.jwk] }, 'trust_domain', /lowercase/],
      ['bad%2Ftest', { keys: [by.jwk] }, 'trust_domain', /lowercase/],
      ['spiffe:bad', { keys: [by.jwk] }, 'trust_domain', /lowercase/],
      ['a'.repeat(256), { keys: [by.jwk] }, 'trust_domain', /lowercase/],
    ];
    for (const [domain, body, field, why] of cases) {
      const { status, body: problem } = await put(domain, body);
      const name = `${domain.slice(0, 20)} ${JSON.stringify(body).slice(0, 80)}`;
      expect([name, status]).toEqual([name, 400]);
      const problems = problem['problems'] as { field: string; problem: string }[];
      expect([name, problems]).toEqual([
        name,
        expect.arrayContaining([{ field, problem: expect.stringMatching(why) as string }]),
      ]);
    }
    const dana = await world.actor('dana');
    await expect(
      world.as(dana, 'spiffe_bundle_set', { trust_domain: 'bad.test', bundle: { keys: [leaky] } }),
    ).rejects.toMatchObject({ code: 'invalid_input', detail: { problems: [{ field: 'bundle.keys.0' }] } });
    expect(await bundles()).toEqual(before);
    const [kept] = await world.sql<
      { n: number }[]
    >`select (select count(*) from calls c where to_jsonb(c)::text like ${`%${secret}%`}) + (select count(*) from ledger l where to_jsonb(l)::text like ${`%${secret}%`}) as n`;
    expect(Number(kept?.n)).toBe(0);
    expect(JSON.stringify(world.logs)).not.toContain(secret);
  });

  test('is set and removed by two IT admins, also where a key asks, and by nobody else', async () => {
    await singleAdmin(world, false);
    const by = authority('two-1');
    const waits = async (answer: Answer) => {
      expect([answer.status, answer.text]).toMatchObject([202, expect.any(String)]);
      const callId = String(answer.headers.get('location')).replace('/v1/calls/', '');
      const [call] = await world.sql<{ approval_id: string }[]>`
        select approval_id from calls where id = ${callId} and state = 'waiting'`;
      return call?.approval_id ?? '';
    };
    const setting = await waits(await put('two.test', { keys: [by.jwk] }));
    expect((await world.vote('dana', setting)).status).toBe('done');
    expect((await bundles())['two.test']).toBeUndefined();
    expect((await world.vote('ivan', setting)).status).toBe('done');
    await eventually(async () => (await bundles())['two.test'], 'the bundle stands');
    const removing = await waits(await remove('two.test'));
    expect((await world.vote('dana', removing)).status).toBe('done');
    expect((await bundles())['two.test']).toBeDefined();
    expect((await world.vote('ivan', removing)).status).toBe('done');
    await eventually(async () => (await bundles())['two.test'] === undefined, 'the bundle is gone');

    const input = { trust_domain: 'two.test', bundle: { keys: [by.jwk] } };
    expect((await world.as(await world.actor('dana'), 'spiffe_bundle_set', input)).status).toBe('waiting');
    const bob = await world.actor('bob');
    for (const [tool, asked] of Object.entries({
      spiffe_bundle_set: input,
      spiffe_bundle_remove: { trust_domain: 'acme.test' },
      spiffe_bundle_list: {},
    })) {
      const denied = world.as(bob, tool, asked);
      expect([tool, (await denied).status]).toEqual([tool, 'denied']);
    }
    const reader = (
      await send(world, 'POST', `/v1/tenants/${world.tenantId}/api-keys`, admin, {
        name: 'reader',
        scopes: ['ledger:read'],
      })
    ).body['api_key'];
    expect((await send(world, 'GET', path(), String(reader))).status).toBe(403);
    expect((await send(world, 'PUT', path('x.test'), String(reader), { keys: [by.jwk] })).status).toBe(403);
    expect((await send(world, 'DELETE', path('acme.test'), String(reader))).status).toBe(403);
    expect((await bundles())['x.test']).toBeUndefined();
  });

  test("of another organisation is neither seen nor touched, and vouches for nobody's agent here", async () => {
    const other = await another('theirs.test');
    expect(JSON.stringify((await send(world, 'GET', path(), admin)).body)).not.toContain('theirs.test');
    await expect(registering('spy', { spiffe_id: 'spiffe://theirs.test/spy' })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    expect((await remove('theirs.test')).status).toBe(404);
    const theirs = path('theirs.test').replace(world.tenantId, other);
    expect((await send(world, 'DELETE', theirs, admin)).status).toBe(404);
    const [row] = await world.sql<{ n: number }[]>`
      select count(*)::int as n from tenants where id = ${other} and settings->'spiffeBundles' ? 'theirs.test'`;
    expect(row?.n).toBe(1);
  });
});

describe('when a trust bundle changes', () => {
  test('removed: the next exchange is refused, tokens die at once, and what the agent waits for is withdrawn', async () => {
    const by = await trust('gone.test');
    const { agent, spiffeId, mandate } = await workload('goner', 'gone.test');
    const bystander = await workload('bystander', 'acme.test');
    const wide = await world.mandate('bob', agent, { scopes: ['okta.mfa.reset'] });
    const [token, asking] = [
      await tokenFor(agent, spiffeId, mandate, by),
      await tokenFor(agent, spiffeId, wide, by, 'bob'),
    ];
    expect(await knock(token)).toBe(200);
    const held = await send(world, 'POST', '/v1/tools/okta_reset_mfa', asking, {
      person: 'ann@acme.example',
      reason: 'Ann has lost her phone',
    });
    expect(held.status).toBe(202);
    expect((await remove('gone.test')).status).toBe(204);
    expect(await agentRow(agent.id)).toMatchObject({ spiffe_id: spiffeId, epoch: 1 });
    expect(await agentRow(bystander.agent.id)).toMatchObject({ epoch: 0 });
    for (const old of [token, asking]) expect(await knock(old)).toBe(401);
    expect(await exchange(agent, spiffeId, mandate, by)).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    const callId = String(held.headers.get('location')).replace('/v1/calls/', '');
    expect([...(await world.sql`select state from calls where id = ${callId}`)]).toEqual([
      { state: 'withdrawn' },
    ]);
    expect((await world.ledger('spiffe_bundle_changed')).at(-1)?.data).toMatchObject({
      trust_domain: 'gone.test',
      keys: [],
      gone: [{ kid: by.kid }],
      agents_ended: [agent.id],
    });
    expect((await remove('gone.test')).status).toBe(404);

    // The trust returns, but the tokens do not.
    expect((await put('gone.test', { keys: [by.jwk] })).status).toBe(200);
    expect(await knock(token)).toBe(401);
    expect(await knock(await tokenFor(agent, spiffeId, mandate, by))).toBe(200);
  });

  test('replaced: a key that comes ends nothing; one that goes, or is another under its kid, takes the tokens along', async () => {
    const first = await trust('turn.test');
    const second = authority('turn.test-2');
    const { agent, spiffeId, mandate } = await workload('turner', 'turn.test');
    const early = await tokenFor(agent, spiffeId, mandate, first);
    expect((await put('turn.test', { keys: [first.jwk, second.jwk] })).status).toBe(200);
    expect(await agentRow(agent.id)).toMatchObject({ epoch: 0 });
    expect(await knock(early)).toBe(200);
    const late = await tokenFor(agent, spiffeId, mandate, second);
    expect((await put('turn.test', { keys: [second.jwk] })).status).toBe(200);
    expect(await agentRow(agent.id)).toMatchObject({ epoch: 1 });
    for (const token of [early, late]) expect(await knock(token)).toBe(401);
    expect((await exchange(agent, spiffeId, mandate, first)).status).toBe(401);
    const token = await tokenFor(agent, spiffeId, mandate, second);
    const impostor = authority(second.kid);
    expect((await put('turn.test', { keys: [impostor.jwk] })).status).toBe(200);
    expect(await knock(token)).toBe(401);
    expect((await exchange(agent, spiffeId, mandate, second)).status).toBe(401);
    expect((await exchange(agent, spiffeId, mandate, impostor)).status).toBe(200);
    expect(await agentRow(agent.id)).toMatchObject({ epoch: 2 });
  });
});

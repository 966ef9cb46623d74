import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eq, sql } from 'drizzle-orm';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentKeyFrom } from '#domain/agent/key.ts';
import { agents } from '#domain/agent/tables.ts';
import { DEFAULT_SETTINGS } from '#domain/tenant/settings.ts';
import { tenants } from '#domain/tenant/tables.ts';
import { createClientAuthenticator } from '#domain/token/client/client-authenticator.ts';
import { SPIFFE_ASSERTION } from '#domain/token/names.ts';
import { readonly } from '#engine/transact.ts';
import { sha256 } from '#lib/crypto.ts';
import { newSecret } from '#lib/id.ts';
import { BASE, openBareWorld } from '../support/bare-world.ts';
import {
  clientAssertion,
  exchange,
  exchangeForm,
  jws,
  nowSeconds,
  post,
  refusal,
  subjectToken,
} from '../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../support/tokens.ts';
import { addMandate, MANDATE_TOKEN, tokenOf } from '../support/oauth-parties.ts';

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
});
afterAll(() => world.close());

const NO_ASSERTION = { client_assertion: undefined, client_assertion_type: undefined };
const setAgent = (of: Tenant, change: Partial<typeof agents.$inferInsert>) =>
  world.write(of.id, (ctx) =>
    ctx.db
      .update(agents)
      .set({ ...change, epoch: sql`${agents.epoch} + 1` })
      .where(eq(agents.id, of.agentId)),
  );
const withBasic = (of: Tenant, secret: string, change: Parameters<typeof exchangeForm>[2] = {}) =>
  post(world.surface, `${of.issuer}/oauth2/token`, exchangeForm(world, of, { ...NO_ASSERTION, ...change }), {
    authorization: `Basic ${Buffer.from(`${of.agentId}:${secret}`).toString('base64')}`,
  });
const withPost = (of: Tenant, client_secret: string, change: Parameters<typeof exchangeForm>[2] = {}) => ({
  ...NO_ASSERTION,
  client_id: of.agentId,
  client_secret,
  ...change,
});

describe('a generated secret', () => {
  test('is good in the header and in the form, until it is replaced, and never for offline work', async () => {
    const of = await world.tenant();
    const [secret, next] = [`ags_${newSecret()}`, `ags_${newSecret()}`];
    await setAgent(of, { secretHash: sha256(secret) });
    const basic = await withBasic(of, secret);
    expect(basic).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
    expect((await exchange(world, of, withPost(of, secret))).status).toBe(200);
    const root = exchangeForm(world, of, withPost(of, secret));
    expect((await post(world.surface, `${BASE}/oauth2/token`, root)).status).toBe(200);
    const token = String(basic.body['access_token']);
    const looked = new URLSearchParams({ token, client_id: of.agentId, client_secret: secret });
    expect((await post(world.surface, `${of.issuer}/oauth2/introspect`, looked)).body['active']).toBe(true);

    const mandateId = await addMandate(world, of, of.agentId, { offline: true });
    const offline = { subject_token: mandateId, subject_token_type: MANDATE_TOKEN, mandate_id: mandateId };
    expect((await withBasic(of, secret, offline)).body['error']).toBe('unauthorized_client');

    await setAgent(of, { secretHash: sha256(next) });
    expect((await withBasic(of, secret)).body['error']).toBe('invalid_client');
    expect((await withBasic(of, next)).status).toBe(200);
    await setAgent(of, { secretHash: null });
    expect((await withBasic(of, next)).body['error']).toBe('invalid_client');
  });

  test('is refused where it is wrong, of another agent, or sent in two ways', async () => {
    const of = await world.tenant();
    const secret = `ags_${newSecret()}`;
    await setAgent(of, { secretHash: sha256(secret) });
    const wrong = await withBasic(of, `${secret}x`);
    expect(wrong).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect(await refusal(world, tenant, withPost(tenant, secret))).toMatch(/^401 invalid_client: /);
    expect(await refusal(world, of, withPost(of, sha256(secret)))).toMatch(/^401 invalid_client: /);
    expect(await refusal(world, of, withPost(of, secret, { client_id: undefined }))).toMatch(
      /^401 invalid_client: /,
    );
    expect(await refusal(world, of, { client_secret: secret, client_id: of.agentId })).toMatch(
      /^400 invalid_request: Authenticate in only one way/,
    );
    expect((await withBasic(of, secret, { client_secret: secret })).body['error']).toBe('invalid_request');
    expect((await withBasic(of, secret, { client_id: tenant.agentId })).body['error']).toBe(
      'invalid_request',
    );
    const everything = JSON.stringify([await world.ledgerOf(of.id), world.logs]);
    expect(everything).not.toContain(secret);
  });

  test('T34: oauth4webapi authenticates with it as the metadata says', async () => {
    const of = await world.tenant();
    const secret = `ags_${newSecret()}`;
    await setAgent(of, { secretHash: sha256(secret) });
    const options = {
      [oauth.customFetch]: ((url: string, init: RequestInit) =>
        world.surface.fetch(new Request(url, init)).then((answer) => answer!)) as never,
    };
    const discovered = await oauth.discoveryRequest(new URL(of.issuer), { ...options, algorithm: 'oauth2' });
    const as = await oauth.processDiscoveryResponse(new URL(of.issuer), discovered);
    expect(as).toMatchObject({
      grant_types_supported: [
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
      ],
      authorization_grant_profiles_supported: ['urn:ietf:params:oauth:grant-profile:id-jag'],
      authorization_details_types_supported: ['urn:prokura:mandate'],
      token_endpoint_auth_methods_supported: [
        'private_key_jwt',
        'client_secret_basic',
        'client_secret_post',
        'spiffe_jwt',
      ],
    });
    const client = { client_id: of.agentId };
    for (const method of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
      const parameters = {
        subject_token: subjectToken(world, of),
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        mandate_id: of.mandateId,
      };
      const [grantType] = as.grant_types_supported as [string];
      const answer = await oauth.genericTokenEndpointRequest(
        as,
        client,
        method,
        grantType,
        parameters,
        options,
      );
      const token = await oauth.processGenericTokenEndpointResponse(as, client, answer);
      const revoked = await oauth.revocationRequest(as, client, method, token.access_token, options);
      await oauth.processRevocationResponse(revoked);
      const looked = await oauth.introspectionRequest(as, client, method, token.access_token, options);
      expect(await oauth.processIntrospectionResponse(as, client, looked)).toEqual({ active: false });
    }
  });
});

describe('a SPIFFE workload', () => {
  const ID = 'spiffe://acme.test/agents/helper';
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = (use: string, key: KeyObject = pair.publicKey) => ({
    ...key.export({ format: 'jwk' }),
    kid: 'svid-1',
    use,
  });
  const svid = (of: Tenant, claims: Record<string, unknown> = {}, header = {}, key = pair.privateKey) =>
    jws(
      { alg: 'ES256', kid: 'svid-1', typ: 'JWT', ...header },
      { sub: ID, aud: [of.issuer], iat: nowSeconds(), exp: nowSeconds() + 3600, ...claims },
      key,
    );
  const form = (client_assertion: string, change: Record<string, string | undefined> = {}) => ({
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
    client_assertion,
    ...change,
  });
  const trust = (of: Tenant, bundles: Record<string, { keys: Record<string, unknown>[] }>) =>
    world.write(of.id, (ctx) =>
      ctx.db
        .update(tenants)
        .set({ settings: { ...DEFAULT_SETTINGS, spiffeBundles: bundles } })
        .where(eq(tenants.id, of.id)),
    );

  test('authenticates with its SVID as often as it likes, while agent and bundle say so', async () => {
    const of = await world.tenant();
    await setAgent(of, { spiffeId: ID });
    await trust(of, { 'acme.test': { keys: [jwk('jwt-svid')] } });
    const one = svid(of);
    expect((await exchange(world, of, form(one))).status).toBe(200);
    expect((await exchange(world, of, form(one, { client_id: of.agentId }))).status).toBe(200);
    expect((await exchange(world, of, form(svid(of, { aud: of.issuer })))).status).toBe(200);
    await trust(of, { 'other.test': { keys: [jwk('jwt-svid')] } });
    expect((await exchange(world, of, form(one))).status).toBe(401);
    await trust(of, { 'acme.test': { keys: [jwk('jwt-svid')] } });
    await setAgent(of, { spiffeId: 'spiffe://acme.test/agents/another' });
    expect((await exchange(world, of, form(one))).status).toBe(401);
  });

  test('is refused with a wrong SVID, a key for X.509, and a key that it brings itself', async () => {
    const of = await world.tenant();
    await setAgent(of, { spiffeId: ID });
    await trust(of, { 'acme.test': { keys: [jwk('jwt-svid')] } });
    const wrong = [
      svid(of, { sub: 'spiffe://acme.test/agents/other' }),
      svid(of, { sub: 'spiffe://evil.test/agents/helper' }),
      svid(of, { sub: `${ID}/../x` }),
      svid(of, { sub: of.agentId }),
      svid(of, { aud: BASE }),
      svid(of, { aud: [of.issuer, BASE] }),
      svid(of, { exp: nowSeconds() - 10 }),
      svid(of, { exp: undefined }),
      svid(of, {}, { kid: 'x' }),
      svid(of, {}, { kid: undefined }),
      svid(of, {}, { alg: 'RS256' }),
      svid(of, {}, { typ: 'at+jwt' }),
      svid(of, {}, { jwk: jwk('jwt-svid', stranger.publicKey) }, stranger.privateKey),
      'x',
    ];
    for (const assertion of wrong)
      expect(await refusal(world, of, form(assertion))).toMatch(/^401 invalid_client: /);
    expect(await refusal(world, of, form(svid(of), { client_id: tenant.agentId }))).toMatch(
      /^401 invalid_client: /,
    );
    await trust(of, { 'acme.test': { keys: [jwk('x509-svid')] } });
    expect(await refusal(world, of, form(svid(of)))).toMatch(/^401 invalid_client: /);
  });

  test('whose bundle goes while its exchange is under way gets nothing', async () => {
    const of = await world.tenant();
    await setAgent(of, { spiffeId: ID });
    await trust(of, { 'acme.test': { keys: [jwk('jwt-svid')] } });
    const clients = createClientAuthenticator(
      {
        baseUrl: BASE,
        now: () => new Date(),
        read: (tenantId, work) =>
          readonly({ database: world.app.database, now: () => new Date() }, tenantId, work),
      },
      { key: () => Promise.resolve(null), flush: () => {} },
    );
    const credentials = {
      clientId: undefined,
      secret: undefined,
      assertionType: SPIFFE_ASSERTION,
      assertion: svid(of),
    };
    const client = await clients.authenticate(of.id, credentials);
    // Between this and the strict read of the epoch, the bundle is replaced and the epoch raised with it.
    const raised = client.agentEpoch + 1;
    expect(await clients.stillHolds(of.id, client, raised)).toBe(true);
    await trust(of, { 'acme.test': { keys: [jwk('jwt-svid', stranger.publicKey)] } });
    expect(await clients.stillHolds(of.id, client, raised)).toBe(false);
    await trust(of, {});
    expect(await clients.stillHolds(of.id, client, raised)).toBe(false);
  });
});

describe('an agent that publishes its keys', () => {
  let server: Server;
  let url: string;
  let keys: Record<string, unknown>[] = [];
  let asked = 0;
  beforeAll(async () => {
    server = createServer((_, response) => {
      asked += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  });
  afterAll(() => server.close());

  test('authenticates with those alone; the document is asked for once', async () => {
    const of = await world.tenant();
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { kid, publicJwk } = agentKeyFrom(pair.publicKey.export({ format: 'jwk' }));
    keys = [{ ...publicJwk, kid: 'my-key', alg: 'RS256', use: 'sig' }];
    await setAgent(of, { jwksUrl: url });
    const assertion = (header: Record<string, unknown>) =>
      jws(
        { alg: 'RS256', kid: 'my-key', ...header },
        { iss: of.agentId, sub: of.agentId, aud: of.issuer, exp: nowSeconds() + 60, jti: randomUUID() },
        pair.privateKey,
      );
    const statuses = await Promise.all(
      Array.from(
        { length: 5 },
        async () => (await exchange(world, of, { client_assertion: assertion({}) })).status,
      ),
    );
    expect([statuses, asked]).toEqual([[200, 200, 200, 200, 200], 1]);
    expect(await refusal(world, of, { client_assertion: assertion({ kid }) })).toMatch(
      /^401 invalid_client: /,
    );
    expect(await refusal(world, of, { client_assertion: clientAssertion(of) })).toMatch(
      /^401 invalid_client: /,
    );
    expect(asked).toBe(1);
    await setAgent(of, { jwksUrl: null });
    expect(await refusal(world, of, { client_assertion: assertion({}) })).toMatch(/^401 invalid_client: /);
    expect((await exchange(world, of)).status).toBe(200);
  });

  test('at an address inside our own network it is unavailable, and nothing is asked there', async () => {
    const of = await world.tenant();
    const inside = [
      'http://169.254.169.254/latest/meta-data',
      'https://169.254.169.254/',
      'https://[fd00::1]/',
      'https://10.0.0.1/',
      'http://example.com/jwks',
      'https://[::ffff:127.0.0.1]/',
    ];
    for (const jwksUrl of inside) {
      await setAgent(of, { jwksUrl });
      expect(await exchange(world, of)).toMatchObject({
        status: 503,
        body: { error: 'temporarily_unavailable' },
      });
    }
  });
});

test('a token of an agent whose credentials changed is void', async () => {
  const of = await world.tenant();
  const token = await tokenOf(world, of);
  await setAgent(of, { secretHash: sha256('x') });
  expect(await world.kernel.introspect(of.id, token, { kind: 'key', resource: null })).toEqual({
    active: false,
  });
});

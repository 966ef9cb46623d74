import { generateKeyPairSync } from 'node:crypto';
import * as oauth from 'oauth4webapi';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentKeyFrom } from '#domain/agent/key.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { addAgentKey } from '#domain/token/store.ts';
import { newId } from '#lib/id.ts';
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

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
});
afterAll(() => world.close());

const lastEntry = async () => (await world.ledgerOf(tenant.id)).at(-1)!;

describe('oauth4webapi, an unmodified client', () => {
  const fetchHere = (url: string | URL, init?: RequestInit) =>
    world.surface
      .fetch(new Request(url, init))
      .then((response) => response ?? new Response(null, { status: 404 }));
  const options = { [oauth.customFetch]: fetchHere as never };

  test('T34: discovers the issuer, exchanges, introspects; the token verifies with the published keys', async () => {
    const as = await oauth.processDiscoveryResponse(
      new URL(tenant.issuer),
      await oauth.discoveryRequest(new URL(tenant.issuer), { ...options, algorithm: 'oauth2' }),
    );
    const client = { client_id: tenant.agentId };
    const key = {
      key: await crypto.subtle.importKey(
        'jwk',
        tenant.key.privateJwk,
        { name: 'ECDSA', namedCurve: 'P-256' },
        false,
        ['sign'],
      ),
      kid: tenant.key.kid,
    };
    const parameters = {
      subject_token: subjectToken(world, tenant),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      mandate_id: tenant.mandateId,
      scope: 'okta.mfa.reset',
      resource: `${BASE}/mcp`,
    };
    const [grantType] = as.grant_types_supported as [string];
    const answer = await oauth.genericTokenEndpointRequest(
      as,
      client,
      oauth.PrivateKeyJwt(key),
      grantType,
      parameters,
      options,
    );
    const token = await oauth.processGenericTokenEndpointResponse(as, client, answer);
    expect(token).toMatchObject({
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'bearer',
      expires_in: 300,
      scope: 'okta.mfa.reset',
      authorization_details: [
        {
          type: 'urn:prokura:mandate',
          mandate_id: tenant.mandateId,
          resources: [`reports:${tenant.personId}`],
        },
      ],
    });
    expect(token).not.toHaveProperty('refresh_token');

    const remote = createRemoteJWKSet(new URL(as.jwks_uri!), { [customFetch]: fetchHere });
    const { payload, protectedHeader } = await jwtVerify(token.access_token, remote, {
      issuer: as.issuer,
      audience: `${BASE}/mcp`,
      typ: 'at+jwt',
      algorithms: ['ES256'],
    });
    expect(protectedHeader).toEqual({
      typ: 'at+jwt',
      alg: 'ES256',
      kid: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(payload).toEqual({
      iss: tenant.issuer,
      sub: `oidc:okta:${tenant.uid}`,
      aud: `${BASE}/mcp`,
      client_id: tenant.agentId,
      iat: expect.any(Number),
      exp: payload.iat! + 300,
      jti: expect.stringMatching(/^[\da-f-]{36}$/),
      scope: 'okta.mfa.reset',
      act: { sub: tenant.agentId, iss: tenant.issuer, sub_profile: 'ai_agent' },
      mandate_id: tenant.mandateId,
      authorization_details: token['authorization_details'],
      tenant: tenant.id,
      epoch: [0, 0, 0, 0],
      status: { status_list: { idx: expect.any(Number), uri: `${tenant.issuer}/oauth2/status/0` } },
    });
    expect(await lastEntry()).toMatchObject({
      event: 'TOKEN_ISSUED',
      actor: `${tenant.agentId} for ${tenant.personId}`,
      data: {
        jti: payload.jti,
        client_id: tenant.agentId,
        sub: payload.sub,
        mandate_id: tenant.mandateId,
        scope: 'okta.mfa.reset',
        aud: `${BASE}/mcp`,
        exp: payload.exp,
      },
    });

    const looked = await oauth.processIntrospectionResponse(
      as,
      client,
      await oauth.introspectionRequest(as, client, oauth.PrivateKeyJwt(key), token.access_token, options),
    );
    expect(looked).toMatchObject({
      active: true,
      act: payload['act'],
      authorization_details: payload['authorization_details'],
      mandate_id: tenant.mandateId,
      sub: payload.sub,
    });
    expect(looked).not.toHaveProperty('epoch');
  });

  test('T34: every advertised algorithm works, and the metadata stands at both addresses', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = agentKeyFrom(rsa.publicKey.export({ format: 'jwk' }));
    await world.write(tenant.id, (ctx) => addAgentKey(ctx, tenant.agentId, key));
    const claims = {
      iss: tenant.agentId,
      sub: tenant.agentId,
      aud: tenant.issuer,
      exp: nowSeconds() + 60,
      jti: newId('msg'),
    };
    const answer = await exchange(world, tenant, {
      client_assertion: jws({ alg: 'RS256', kid: key.kid }, claims, rsa.privateKey),
    });
    expect(answer.status).toBe(200);
    const [inserted, suffixed] = await Promise.all(
      [
        `${BASE}/.well-known/oauth-authorization-server/t/${tenant.id}`,
        `${tenant.issuer}/.well-known/oauth-authorization-server`,
      ].map(async (url) => (await fetchHere(url)).json()),
    );
    expect(inserted).toEqual(suffixed);
    expect(inserted).toMatchObject({
      issuer: tenant.issuer,
      token_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256'],
    });
    const keys = (await (await fetchHere(`${tenant.issuer}/oauth2/jwks`)).json()) as { keys: object[] };
    expect(keys.keys).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        x: expect.any(String),
        y: expect.any(String),
        kid: expect.any(String),
        alg: 'ES256',
        use: 'sig',
      },
    ]);
  });
});

test('the root alias finds the tenant by the client; an unknown issuer is not found', async () => {
  const answer = await post(world.surface, `${BASE}/oauth2/token`, exchangeForm(world, tenant));
  expect(answer.status).toBe(200);
  const elsewhere = newId('tnt');
  expect((await world.surface.fetch(new Request(`${BASE}/t/${elsewhere}/oauth2/jwks`)))?.status).toBe(404);
  expect(
    (await post(world.surface, `${BASE}/t/${elsewhere}/oauth2/token`, exchangeForm(world, tenant))).status,
  ).toBe(401);
  expect(await world.surface.fetch(new Request(`${BASE}/t/x/oauth2/token`))).toBeNull();
  expect((await world.surface.fetch(new Request(`${BASE}/oauth2/token`)))?.status).toBe(405);
});

test('T12: too much, another type and bad encoding are refused before anything is read', async () => {
  const send = async (body: string, type = 'application/x-www-form-urlencoded') => {
    const answer = await world.surface.fetch(
      new Request(`${tenant.issuer}/oauth2/token`, {
        method: 'POST',
        body,
        headers: { 'content-type': type },
      }),
    );
    return [answer!.status, ((await answer!.json()) as { error: string }).error];
  };
  expect(await send(`${exchangeForm(world, tenant).toString()}&x=${'y'.repeat(16_384)}`)).toEqual([
    413,
    'invalid_request',
  ]);
  expect(
    await send(JSON.stringify(Object.fromEntries(exchangeForm(world, tenant))), 'application/json'),
  ).toEqual([415, 'invalid_request']);
  expect(await send('grant_type=%zz')).toEqual([400, 'invalid_request']);
  expect(await send('grant_type=%ff')).toEqual([400, 'invalid_request']);
  expect(await send('')).toEqual([400, 'invalid_request']);
  expect(await lastEntry()).toMatchObject({ event: 'TOKEN_REFUSED', actor: 'unauthenticated client' });
});

test('T39: answers, ledger and log lines hold no token', async () => {
  const [subject, assertion] = [subjectToken(world, tenant, { aud: 'x' }), clientAssertion(tenant)];
  const answer = await exchange(world, tenant, { subject_token: subject, client_assertion: assertion });
  const everything = JSON.stringify([answer.body, await world.ledgerOf(tenant.id), world.logs]);
  for (const secret of [subject, assertion, subject.split('.')[2]!, assertion.split('.')[1]!])
    expect(everything).not.toContain(secret);
  expect(everything).not.toMatch(/eyJ[\w-]{10,}\./);
});

describe('T35: introspection', () => {
  const look = (
    token: string,
    headers: Record<string, string> = { authorization: `Bearer ${tenant.apiKey}` },
    more: Record<string, string> = {},
    at = `${tenant.issuer}/oauth2/introspect`,
  ) => post(world.surface, at, new URLSearchParams({ token, ...more }), headers);
  const agent = (of: Tenant, claims: Record<string, unknown> = {}) => ({
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: clientAssertion(of, claims),
  });

  test('a resource server with a key sees a live token; strangers and dead tokens get nothing', async () => {
    const token = String((await exchange(world, tenant)).body['access_token']);
    const seen = await look(token);
    expect(seen).toMatchObject({
      status: 200,
      body: { active: true, act: { sub: tenant.agentId }, client_id: tenant.agentId, token_type: 'Bearer' },
    });
    expect((await look(token, undefined, {}, `${BASE}/oauth2/introspect`)).body).toEqual(seen.body);
    const other = await world.tenant();
    const unknown = [
      look('x'),
      look(`${token}x`),
      look(subjectToken(world, tenant)),
      look('x'.repeat(9000)),
      look(token, { authorization: `Bearer ${other.apiKey}` }, {}, `${other.issuer}/oauth2/introspect`),
      look(token, {}, agent(other), `${other.issuer}/oauth2/introspect`),
    ];
    for (const answer of await Promise.all(unknown))
      expect(answer).toMatchObject({ status: 200, body: { active: false } });
    for (const answer of await Promise.all(unknown)) expect(Object.keys(answer.body)).toEqual(['active']);
  });

  test('who does not authenticate, or lacks the scope, learns nothing', async () => {
    const token = String((await exchange(world, tenant)).body['access_token']);
    const weak = (await world.write(tenant.id, (ctx) =>
      createApiKey(ctx, 'sandbox', { name: 'scim', scopes: ['scim'] }),
    )) as { presented: string };
    const other = await world.tenant();
    expect((await look(token, {})).status).toBe(401);
    expect((await look(token, { authorization: 'Bearer x' })).headers.get('www-authenticate')).toMatch(
      /^Bearer /,
    );
    expect((await look(token, { authorization: `Bearer ${weak.presented}` })).status).toBe(403);
    expect((await look(token, { authorization: `Bearer ${other.apiKey}` })).status).toBe(401);
    expect((await look(token, undefined, agent(tenant))).status).toBe(400);
    const once = agent(tenant);
    expect((await look(token, {}, once)).body['active']).toBe(true);
    expect(await look(token, {}, once)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(await refusal(world, tenant, { client_assertion: once.client_assertion })).toMatch(
      /^401 invalid_client: .*already used/,
    );
  });
});

test('a client assertion is used up by a refusal of the client that it authenticated, and not by one before', async () => {
  const before = clientAssertion(tenant);
  expect(await refusal(world, tenant, { client_assertion: before, mandate_id: 'nope' })).toMatch(
    /^400 invalid_request: /,
  );
  expect(await refusal(world, tenant, { client_assertion: `${before.slice(0, -6)}AAAAAA` })).toMatch(
    /^401 invalid_client: .*not signed/,
  );
  expect((await exchange(world, tenant, { client_assertion: before })).status).toBe(200);

  for (const [wrong, said] of [
    [{ scope: 'okta.groups.manage' }, /^400 invalid_scope: /],
    [{ subject_token: 'abc' }, /^400 invalid_request: /],
    [{ mandate_id: newId('mdt') }, /^400 invalid_grant: /],
    [{ resource: 'https://elsewhere.test' }, /^400 invalid_target: /],
  ] as const) {
    const once = clientAssertion(tenant);
    expect(await refusal(world, tenant, { client_assertion: once, ...wrong })).toMatch(said);
    expect(await refusal(world, tenant, { client_assertion: once })).toMatch(/^401 .*already used/);
  }
});

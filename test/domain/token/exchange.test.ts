import { eq } from 'drizzle-orm';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agents } from '#domain/agent/tables.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { newId } from '#lib/id.ts';
import { BASE, openBareWorld } from '../../support/bare-world.ts';
import { exchange, exchangeForm, post, refusal, subjectToken } from '../../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../../support/tokens.ts';

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
});
afterAll(() => world.close());
const refused = (change: Parameters<typeof refusal>[2]) => refusal(world, tenant, change);
test('T12: repeated and half parameters are refused', async () => {
  const twice = ['okta.mfa.reset', 'okta.password.reset'];
  for (const change of [
    { scope: twice },
    { mandate_id: [tenant.mandateId, tenant.mandateId] },
    { subject_token: ['a', 'b'] },
    { grant_type: ['a', 'b'] },
    { act: ['a', 'b'] },
  ]) {
    expect(await refused(change)).toMatch(/^400 invalid_request: /);
  }
  expect(await refused({ actor_token: 'x' })).toMatch(/^400 invalid_request: /);
  expect(await refused({ actor_token_type: 'x' })).toMatch(/^400 invalid_request: /);
  expect(await refused({ subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' })).toMatch(
    /^400 invalid_request: /,
  );
  expect(await refused({ grant_type: 'client_credentials' })).toMatch(/^400 unsupported_grant_type: /);
  expect(await refused({ authorization_details: '[]' })).toMatch(/^400 invalid_authorization_details: /);
  expect(await refused({ subject_token: 'x'.repeat(8193) })).toMatch(/^400 invalid_request: /);
});

test('T14: scopes outside of mandate, ceiling or authority are named, and nothing is dropped', async () => {
  expect(await refused({ scope: 'okta.mfa.reset okta.suspend' })).toMatch(
    /^400 invalid_scope: .*okta\.suspend: .*mandate/,
  );
  expect(await refused({ scope: 'okta.mfa.reset  okta.password.reset' })).toMatch(/^400 invalid_scope: /);
  expect(await refused({ scope: 'OKTA.MFA.RESET' })).toMatch(/^400 invalid_scope: /);
  expect((await exchange(world, tenant, { scope: undefined })).body['scope']).toBe(
    'okta.mfa.reset okta.password.reset',
  );
  expect((await exchange(world, tenant, { scope: '' })).body['scope']).toBe(
    'okta.mfa.reset okta.password.reset',
  );
});

test('T17, T21: a mandate of another person or agent, and one that does not exist, get the same answer, byte for byte', async () => {
  const other = await world.tenant();
  const [agentId, personId, row] = [newId('agt'), newId('usr'), { tenantId: tenant.id }];
  const [ofAgent, ofPerson] = [newId('mdt'), newId('mdt')];
  await world.write(tenant.id, async (ctx) => {
    await ctx.db.insert(agents).values({
      ...row,
      id: agentId,
      name: 'another',
      ownerId: tenant.personId,
      ceiling: ['okta.mfa.reset'],
    });
    await ctx.db.insert(people).values({
      ...row,
      id: personId,
      provider: 'okta',
      uid: '00uann',
      login: 'ann',
      email: 'ann@acme.test',
      displayName: 'Ann',
      status: 'ACTIVE',
    });
    const common = {
      ...row,
      scopes: ['okta.mfa.reset'],
      resources: ['*'],
      purpose: 'x',
      callId: newId('call'),
      startsAt: new Date(0),
      expiresAt: new Date(Date.now() + 1e7),
    };
    await ctx.db.insert(mandates).values([
      { ...common, id: ofAgent, agentId, principalId: tenant.personId },
      { ...common, id: ofPerson, agentId: tenant.agentId, principalId: personId },
    ]);
  });
  const answers = await Promise.all(
    [newId('mdt'), other.mandateId, ofAgent, ofPerson].map((mandate_id) =>
      exchange(world, tenant, { mandate_id }),
    ),
  );
  expect(new Set(answers.map((answer) => JSON.stringify([answer.status, answer.body]))).size).toBe(1);
  expect(answers[0]).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

test('T18: a frozen mandate says so to its own agent, and works again when thawed; an old token does not', async () => {
  const own = await world.tenant();
  const set = (state: 'active' | 'frozen', epoch: number) =>
    world.write(own.id, (ctx) =>
      ctx.db.update(mandates).set({ state, epoch }).where(eq(mandates.id, own.mandateId)),
    );
  const old = String((await exchange(world, own)).body['access_token']);
  await set('frozen', 1);
  expect(await exchange(world, own)).toMatchObject({
    status: 400,
    body: { error: 'invalid_grant', mandate_status: 'frozen' },
  });
  await expect(world.kernel.verify(old, `${BASE}/mcp`)).rejects.toMatchObject({
    detail: { reason: 'mandate_frozen' },
  });
  await set('active', 1);
  const fresh = String((await exchange(world, own)).body['access_token']);
  expect(await world.kernel.verify(fresh, `${BASE}/mcp`)).toMatchObject({ mandateId: own.mandateId });
  await expect(world.kernel.verify(old, `${BASE}/mcp`)).rejects.toMatchObject({
    code: 'unauthenticated',
    detail: { reason: 'revoked' },
  });
});

test('T19: mandate ids of any other shape never reach the database, nor do parameters in the URL', async () => {
  for (const mandate_id of [
    "mdt_' or 1=1",
    `mdt_${'0'.repeat(10_000)}`,
    'mdt_',
    tenant.mandateId.toUpperCase(),
    ` ${tenant.mandateId}`,
    tenant.agentId,
    undefined,
  ]) {
    expect(await refused({ mandate_id })).toMatch(/^400 invalid_request: /);
  }
  const inUrl = await post(
    world.surface,
    `${tenant.issuer}/oauth2/token?mandate_id=${tenant.mandateId}`,
    exchangeForm(world, tenant, { mandate_id: undefined }),
  );
  expect(inUrl).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
});

test('T20: the actor is the client, whatever form and subject token say', async () => {
  const answer = await exchange(world, tenant, {
    act: '{"sub":"agt_evil"}',
    sub: 'evil',
    epoch: '[9]',
    subject_token: subjectToken(world, tenant, {
      act: { sub: 'agt_evil' },
      client_id: 'evil',
      mandate_id: 'mdt_x',
      may_act: { sub: tenant.agentId },
    }),
  });
  const claims = JSON.parse(
    Buffer.from(String(answer.body['access_token']).split('.')[1]!, 'base64url').toString(),
  ) as Record<string, unknown>;
  expect(claims).toMatchObject({
    act: { sub: tenant.agentId },
    client_id: tenant.agentId,
    mandate_id: tenant.mandateId,
    sub: `oidc:okta:${tenant.uid}`,
  });
});

test('T23: a subject token that says who may act is good for nobody else', async () => {
  for (const may_act of [{ sub: newId('agt') }, { sub: [tenant.agentId] }, {}, null, 'x'])
    expect(await refused({ subject_token: subjectToken(world, tenant, { may_act }) })).toMatch(
      /^400 invalid_request: subject_token: .*may_act/,
    );
});

test('audience and resource pick one of our resource servers; anything else is no target', async () => {
  for (const change of [
    { audience: `${BASE}/v1` },
    { resource: `${BASE}/v1` },
    { audience: `${BASE}/v1`, resource: `${BASE}/v1` },
  ]) {
    const answer = await exchange(world, tenant, change);
    expect(await world.kernel.verify(String(answer.body['access_token']), `${BASE}/v1`)).toMatchObject({
      audience: `${BASE}/v1`,
    });
    await expect(
      world.kernel.verify(String(answer.body['access_token']), `${BASE}/mcp`),
    ).rejects.toMatchObject({ detail: { reason: 'audience' } });
  }
  const own = await exchange(world, tenant, { resource: `${tenant.issuer}/mcp` });
  expect(await world.kernel.verify(String(own.body['access_token']), `${tenant.issuer}/mcp`)).toBeDefined();
  const other = await world.tenant();
  for (const change of [
    { audience: 'https://evil.test' },
    { resource: `${other.issuer}/mcp` },
    { resource: `${BASE}/v1/` },
    { audience: [`${BASE}/v1`, `${BASE}/mcp`] },
  ])
    expect(await refused(change)).toMatch(/^400 invalid_target: /);
});

test('each address of the MCP server is a resource, and all of them are one audience', async () => {
  for (const path of ['/mcp/readonly', '/mcp/x/okta', '/mcp/x/okta/readonly', '/mcp/']) {
    const { body } = await exchange(world, tenant, { resource: `${BASE}${path}` });
    expect({ path, aud: decodeJwt(String(body['access_token'])).aud }).toEqual({ path, aud: `${BASE}/mcp` });
  }
  const own = await exchange(world, tenant, { resource: `${tenant.issuer}/mcp/readonly` });
  expect(decodeJwt(String(own.body['access_token'])).aud).toBe(`${tenant.issuer}/mcp`);
  const other = await world.tenant();
  for (const resource of [
    `${other.issuer}/mcp/readonly`,
    `${BASE}/mcp/everything`,
    `${BASE}/mcp//`,
    `${BASE}/mcp/readonly?x`,
    `${BASE}.evil.test/mcp/readonly`,
  ])
    expect(await refused({ resource })).toMatch(/^400 invalid_target: /);
});

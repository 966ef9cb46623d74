import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agents } from '#domain/agent/tables.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { newId } from '#lib/id.ts';
import { BASE, openBareWorld } from '../support/bare-world.ts';
import { clientAssertion, exchange, jws, post, refusal, subjectToken } from '../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../support/tokens.ts';
import {
  ACCESS_TOKEN,
  addAgent,
  addMandate,
  claimsOf,
  JWT_TOKEN,
  nextAgent,
  pass,
  tokenOf,
} from '../support/oauth-parties.ts';

let world: TokenWorld;
let first: Tenant;
let second: Tenant;
let third: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  first = await world.tenant();
  second = await nextAgent(world, first);
  third = await nextAgent(world, first, second.mandateId);
});
afterAll(() => world.close());

const refused = (to: Tenant, token: string, change: Parameters<typeof refusal>[2] = {}) =>
  refusal(world, to, { subject_token: token, subject_token_type: ACCESS_TOKEN, scope: undefined, ...change });
const active = async (token: unknown) =>
  (
    await post(
      world.surface,
      `${first.issuer}/oauth2/introspect`,
      new URLSearchParams({ token: String(token) }),
      {
        authorization: `Bearer ${first.apiKey}`,
      },
    )
  ).body;
const change = (tenant: Tenant, table: 'agents' | 'mandates', id: string, set: Record<string, unknown>) =>
  world.write(tenant.id, (ctx) =>
    table === 'agents'
      ? ctx.db.update(agents).set(set).where(eq(agents.id, id))
      : ctx.db.update(mandates).set(set).where(eq(mandates.id, id)),
  );

describe('T22: delegation passes from agent to agent', () => {
  test('each token names the agents before it, in order, and stands with the same answer at introspection', async () => {
    const one = await tokenOf(world, first);
    const two = await pass(world, second, one);
    expect(two).toMatchObject({
      status: 200,
      body: { issued_token_type: ACCESS_TOKEN, scope: 'okta.mfa.reset' },
    });
    const three = await pass(world, third, String(two.body['access_token']), {
      subject_token_type: JWT_TOKEN,
    });
    const claims = claimsOf(three.body['access_token']);
    const by = (sub: string, act?: object) => ({
      sub,
      iss: first.issuer,
      sub_profile: 'ai_agent',
      ...(act === undefined ? {} : { act }),
    });
    expect(claims).toMatchObject({
      sub: `oidc:okta:${first.uid}`,
      client_id: third.agentId,
      act: by(third.agentId, by(second.agentId, by(first.agentId))),
      mandate_id: third.mandateId,
      epoch: [0, 0, 0, 0, 0, 0, 0, 0],
      derived_from: [claimsOf(two.body['access_token'])['jti'], claimsOf(one)['jti']],
    });
    expect(await active(three.body['access_token'])).toMatchObject({ active: true, act: claims['act'] });
    expect(await world.kernel.verify(String(three.body['access_token']), `${BASE}/mcp`)).toMatchObject({
      agentId: third.agentId,
      actors: [third.agentId, second.agentId, first.agentId],
    });
    expect((await world.ledgerOf(first.id)).at(-1)).toMatchObject({
      event: 'TOKEN_ISSUED',
      actor: `${third.agentId} for ${first.personId}`,
      data: { by: 'delegation_token', after: [second.agentId, first.agentId] },
    });
  });

  test('a fourth agent, and one that has acted before, get nothing', async () => {
    const one = await tokenOf(world, first);
    const two = String((await pass(world, second, one)).body['access_token']);
    const three = String((await pass(world, third, two)).body['access_token']);
    const fourth = await nextAgent(world, first, third.mandateId);
    expect(await refused(fourth, three)).toMatch(/^400 invalid_request: .*3 agents/);
    expect(await refused(first, one)).toMatch(/^400 invalid_request: .*already part of its delegation chain/);
    const back = await addMandate(world, first, first.agentId, { parentId: second.mandateId });
    expect(await refused({ ...first, mandateId: back }, two)).toMatch(
      /^400 invalid_request: .*already part of its delegation chain/,
    );
  });

  test('only a mandate made directly from the one of the token will do', async () => {
    const one = await tokenOf(world, first);
    const own = await addMandate(world, first, second.agentId);
    expect(await refused({ ...second, mandateId: own }, one)).toMatch(/^400 invalid_grant: No such mandate/);
    expect(await refused(third, one)).toMatch(/^400 invalid_grant: No such mandate/);
    expect(await refused({ ...second, mandateId: first.mandateId }, one)).toMatch(
      /^400 invalid_grant: No such/,
    );
    const elsewhere = await world.tenant();
    expect(await refusal(world, elsewhere, { subject_token: one, scope: undefined })).toMatch(
      /^400 invalid_request: /,
    );
  });

  test('T15: scope, audience, time and constraints never widen', async () => {
    const narrow = await tokenOf(world, first, { scope: 'okta.mfa.reset', audience: `${BASE}/v1` });
    expect(await refused(second, narrow, { scope: 'okta.password.reset' })).toMatch(
      /^400 invalid_scope: .*subject/,
    );
    expect(await refused(second, narrow, { audience: `${BASE}/mcp` })).toMatch(/^400 invalid_target: /);
    const passed = await pass(world, second, narrow);
    expect(claimsOf(passed.body['access_token'])).toMatchObject({
      scope: 'okta.mfa.reset',
      aud: `${BASE}/v1`,
    });
    expect(Number(claimsOf(passed.body['access_token'])['exp'])).toBeLessThanOrEqual(
      Number(claimsOf(narrow)['exp']),
    );

    const wide = await nextAgent(world, first, first.mandateId, {
      scopes: ['okta.suspend'],
      resources: ['*'],
    });
    const one = await tokenOf(world, first, { scope: undefined });
    expect(await refused(wide, one, { scope: 'okta.suspend' })).toMatch(/^400 invalid_scope: .*above/);
    const everywhere = await nextAgent(world, first, first.mandateId, { resources: ['*'] });
    expect((await pass(world, everywhere, one)).body['authorization_details']).toMatchObject([
      { resources: [`reports:${first.personId}`] },
    ]);
  });
});

describe('what a chain stands on is read at every question', () => {
  const kinds: [string, (parent: Tenant) => Promise<unknown>][] = [
    [
      'the mandate above is revoked',
      (one) => change(one, 'mandates', one.mandateId, { state: 'revoked', epoch: sql`epoch + 1` }),
    ],
    ['the mandate above is frozen', (one) => change(one, 'mandates', one.mandateId, { state: 'frozen' })],
    ['the mandate above ends', (one) => change(one, 'mandates', one.mandateId, { expiresAt: new Date() })],
    [
      'the mandate above was frozen and thawed',
      (one) => change(one, 'mandates', one.mandateId, { epoch: sql`epoch + 2` }),
    ],
    ['the agent above is disabled', (one) => change(one, 'agents', one.agentId, { status: 'disabled' })],
    ['the agent above has new keys', (one) => change(one, 'agents', one.agentId, { epoch: sql`epoch + 1` })],
  ];
  test.each(kinds)('when %s, the tokens below die at once', async (_, end) => {
    const tenant = await world.tenant();
    const next = await nextAgent(world, tenant);
    const last = await nextAgent(world, tenant, next.mandateId);
    const one = await tokenOf(world, tenant);
    const two = String((await pass(world, next, one)).body['access_token']);
    const three = String((await pass(world, last, two)).body['access_token']);
    expect(await world.kernel.introspect(tenant.id, three, { kind: 'key', resource: null })).toMatchObject({
      active: true,
    });
    await end(tenant);
    expect(await world.kernel.introspect(tenant.id, three, { kind: 'key', resource: null })).toEqual({
      active: false,
    });
    expect(await world.kernel.introspect(tenant.id, two, { kind: 'key', resource: null })).toEqual({
      active: false,
    });
    expect((await pass(world, next, one)).status).toBe(400);
    expect((await pass(world, last, two)).status).toBe(400);
  });

  test('a child can be used with a token of the principal too, and falls with its parent all the same', async () => {
    const tenant = await world.tenant();
    const next = await nextAgent(world, tenant);
    const token = await tokenOf(world, next);
    expect(claimsOf(token)).toMatchObject({ act: { sub: next.agentId }, epoch: [0, 0, 0, 0, 0, 0] });
    expect(claimsOf(token)['act']).not.toHaveProperty('act');
    await change(tenant, 'agents', tenant.agentId, { ceiling: ['okta.password.reset'] });
    expect(await refusal(world, next, { scope: 'okta.mfa.reset' })).toMatch(/^400 invalid_scope: .*above/);
    await change(tenant, 'mandates', tenant.mandateId, { state: 'revoked' });
    await expect(world.kernel.verify(token, `${BASE}/mcp`)).rejects.toMatchObject({
      detail: { reason: 'mandate_revoked' },
    });
    expect(await refusal(world, next, {})).toMatch(/^400 invalid_grant: A parent of this mandate/);
  });
});

describe('actor_token', () => {
  test('a JWT of the authenticated client itself is taken; anything else is invalid_request', async () => {
    const tenant = await world.tenant();
    const other = await addAgent(world, tenant);
    const own = clientAssertion(tenant);
    const ask = (actor_token: string | undefined, actor_token_type: string | undefined = JWT_TOKEN) =>
      exchange(world, tenant, { actor_token, actor_token_type });
    expect((await ask(own)).status).toBe(200);
    const same = clientAssertion(tenant);
    expect(
      (
        await exchange(world, tenant, {
          actor_token: same,
          actor_token_type: JWT_TOKEN,
          client_assertion: same,
        })
      ).status,
    ).toBe(200);
    expect((await ask(own, ACCESS_TOKEN)).body['error']).toBe('invalid_request');
    const wrong = [
      clientAssertion({ ...tenant, ...other }),
      clientAssertion(tenant, { sub: other.agentId, iss: other.agentId }),
      clientAssertion(tenant, { aud: BASE }),
      clientAssertion(tenant, { exp: 1 }),
      `${own.slice(0, -4)}AAAA`,
      await tokenOf(world, tenant),
      subjectToken(world, tenant),
      jws({ alg: 'RS256', kid: 'x' }, { sub: tenant.agentId }, world.idp.privateKey),
      'x',
    ];
    for (const token of wrong)
      expect((await ask(token)).body).toMatchObject({
        error: 'invalid_request',
        error_description: expect.stringMatching(/actor_token/),
      });
    expect((await ask(undefined)).body['error']).toBe('invalid_request');
    expect((await ask(newId('agt'), 'urn:x')).body['error']).toBe('invalid_request');
  });
});

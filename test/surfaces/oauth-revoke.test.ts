import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenDenials } from '#domain/token/tables.ts';
import { forgetReplays } from '#domain/token/store.ts';
import { BASE, openBareWorld } from '../support/bare-world.ts';
import { clientAssertion, nowSeconds, post, subjectToken } from '../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../support/tokens.ts';
import { addAgent, addMandate, claimsOf, nextAgent, pass, tokenOf } from '../support/oauth-parties.ts';

let world: TokenWorld;
let tenant: Tenant;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
});
afterAll(() => world.close());

const revoke = (
  of: Tenant,
  token: string,
  more: Record<string, string> = {},
  at = of.issuer,
  surface = world.surface,
) =>
  post(
    surface,
    `${at}/oauth2/revoke`,
    new URLSearchParams({
      token,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: clientAssertion(of),
      ...more,
    }),
  );
const alive = async (token: string, kernel = world.kernel) =>
  (await kernel.introspect(tenant.id, token, { kind: 'key', resource: null }))['active'];
const denied = async () =>
  (await world.write(tenant.id, (ctx) => ctx.db.select().from(tokenDenials))) as {
    jti: string;
    expiresAt: Date;
  }[];

describe('T36: revocation of one token (RFC 7009)', () => {
  test('kills it at once, in every process, with a row and a line in the ledger; others and the mandate live', async () => {
    const [token, other] = [await tokenOf(world, tenant), await tokenOf(world, tenant)];
    const process = world.another();
    expect(await alive(token, process.kernel)).toBe(true);
    expect(await revoke(tenant, token, { token_type_hint: 'access_token' })).toMatchObject({
      status: 200,
      body: {},
    });
    expect([await alive(token), await alive(token, process.kernel)]).toEqual([false, false]);
    await expect(process.kernel.verify(token, `${BASE}/mcp`)).rejects.toMatchObject({
      code: 'unauthenticated',
      detail: { reason: 'token_revoked' },
    });
    expect(await alive(other)).toBe(true);
    const { jti, exp, sub } = claimsOf(token);
    expect(await denied()).toMatchObject([{ jti, expiresAt: new Date((Number(exp) + 5) * 1000) }]);
    expect((await world.ledgerOf(tenant.id)).at(-1)).toMatchObject({
      event: 'TOKEN_REVOKED',
      actor: tenant.agentId,
      data: { jti, sub, mandate_id: tenant.mandateId, client_id: tenant.agentId },
    });
    const length = (await world.ledgerOf(tenant.id)).length;
    expect((await revoke(tenant, token, {}, BASE)).status).toBe(200);
    expect((await world.ledgerOf(tenant.id)).length).toBe(length);
  });

  test('kills what was made from it, and it makes nothing more', async () => {
    const next = await nextAgent(world, tenant);
    const one = await tokenOf(world, tenant);
    const two = String((await pass(world, next, one)).body['access_token']);
    expect((await revoke(tenant, one)).status).toBe(200);
    expect(await alive(two)).toBe(false);
    expect((await pass(world, next, one)).body).toMatchObject({
      error: 'invalid_request',
      error_description: expect.stringContaining('revoked'),
    });
    const fresh = await tokenOf(world, tenant);
    const child = String((await pass(world, next, fresh)).body['access_token']);
    expect((await revoke(next, child)).status).toBe(200);
    expect([await alive(child), await alive(fresh)]).toEqual([false, true]);
  });

  test('of the token of another client nothing happens but a refusal; what is unknown is 200', async () => {
    const token = await tokenOf(world, tenant);
    const agent = await addAgent(world, tenant);
    const other = { ...tenant, ...agent, mandateId: await addMandate(world, tenant, agent.agentId) };
    expect(await revoke(other, token)).toMatchObject({ status: 400, body: { error: 'unauthorized_client' } });
    const foreign = await world.tenant();
    expect((await revoke(foreign, token)).status).toBe(200);
    expect(await alive(token)).toBe(true);
    const before = (await denied()).length;
    for (const unknown of [
      'x',
      `${token}x`,
      subjectToken(world, tenant),
      clientAssertion(tenant),
      'x'.repeat(9000),
    ])
      expect((await revoke(tenant, unknown)).status).toBe(200);
    expect((await denied()).length).toBe(before);
  });

  test('who does not authenticate, or with a used assertion, revokes nothing', async () => {
    const token = await tokenOf(world, tenant);
    const bare = new URLSearchParams({ token });
    expect((await post(world.surface, `${tenant.issuer}/oauth2/revoke`, bare)).status).toBe(401);
    const client_assertion = clientAssertion(tenant);
    expect((await revoke(tenant, 'x', { client_assertion })).status).toBe(200);
    expect(await revoke(tenant, token, { client_assertion })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect(
      (await revoke(tenant, token, { client_assertion: clientAssertion(await world.tenant()) })).status,
    ).toBe(401);
    expect((await revoke(tenant, '')).body['error']).toBe('invalid_request');
    expect(await alive(token)).toBe(true);
  });

  test('of ten revocations at once one is written; the row goes when the token would have ended', async () => {
    const token = await tokenOf(world, tenant);
    const answers = await Promise.all(Array.from({ length: 10 }, () => revoke(tenant, token)));
    expect(answers.every((answer) => answer.status === 200)).toBe(true);
    const { jti } = claimsOf(token);
    const lines = (await world.ledgerOf(tenant.id)).filter(
      (entry) => entry.event === 'TOKEN_REVOKED' && entry.data['jti'] === jti,
    );
    expect(lines.length).toBe(1);
    world.clock = (nowSeconds() + 310) * 1000;
    await world.write(tenant.id, forgetReplays);
    world.clock = null;
    expect(await denied()).toEqual([]);
  });
});

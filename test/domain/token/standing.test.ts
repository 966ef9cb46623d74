import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agents } from '#domain/agent/tables.ts';
import type { TenantWriter } from '#domain/context.ts';
import { memberships } from '#domain/group/tables.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { identityProviders, tenants } from '#domain/tenant/tables.ts';
import { revokeAgentKey } from '#domain/token/store.ts';
import { BASE, openBareWorld } from '../../support/bare-world.ts';
import { exchange, exchangeForm, post, subjectToken } from '../../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../../support/tokens.ts';

const MCP = `${BASE}/mcp`;
let world: TokenWorld;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
});
afterAll(() => world.close());

const issue = async (tenant: Tenant) => String((await exchange(world, tenant)).body['access_token']);
const introspect = async (tenant: Tenant, token: string) =>
  (
    await post(world.surface, `${tenant.issuer}/oauth2/introspect`, new URLSearchParams({ token }), {
      authorization: `Bearer ${tenant.apiKey}`,
    })
  ).body;

/** What ends a token at once, and what the exchange answers from then on. */
const ENDINGS: [string, (ctx: TenantWriter, tenant: Tenant) => Promise<unknown>, Record<string, unknown>][] =
  [
    [
      'the mandate is revoked',
      (ctx, { mandateId }) =>
        ctx.db.update(mandates).set({ state: 'revoked' }).where(eq(mandates.id, mandateId)),
      { error: 'invalid_grant', mandate_status: 'revoked' },
    ],
    [
      'the mandate has ended',
      (ctx, { mandateId }) =>
        ctx.db.update(mandates).set({ expiresAt: ctx.now }).where(eq(mandates.id, mandateId)),
      { error: 'invalid_grant', mandate_status: 'expired' },
    ],
    [
      'the person is suspended at Okta',
      (ctx, { personId }) =>
        ctx.db.update(people).set({ status: 'SUSPENDED' }).where(eq(people.id, personId)),
      { error: 'invalid_grant', reason: 'principal_inactive' },
    ],
    [
      'SCIM deactivates the person',
      (ctx, { personId }) => ctx.db.update(people).set({ scimActive: false }).where(eq(people.id, personId)),
      { error: 'invalid_grant', reason: 'principal_inactive' },
    ],
    [
      'the person is on hold',
      (ctx, { personId }) => ctx.db.update(people).set({ held: true }).where(eq(people.id, personId)),
      { error: 'invalid_grant', reason: 'principal_inactive' },
    ],
    [
      'the agent is disabled',
      (ctx, { agentId }) => ctx.db.update(agents).set({ status: 'disabled' }).where(eq(agents.id, agentId)),
      { error: 'invalid_grant', reason: 'agent_disabled' },
    ],
    [
      'the organisation is frozen',
      (ctx, { id }) => ctx.db.update(tenants).set({ status: 'frozen' }).where(eq(tenants.id, id)),
      { error: 'invalid_grant', reason: 'tenant_frozen' },
    ],
    [
      'the key of the agent is revoked',
      (ctx, { agentId, key }) => revokeAgentKey(ctx, agentId, key.kid),
      { error: 'invalid_client' },
    ],
  ];

test.each(ENDINGS)(
  'when %s, tokens die at once at every interface and in every process, and no new one is issued',
  async (_, change, answer) => {
    const tenant = await world.tenant();
    const other = world.another();
    const token = await issue(tenant);
    expect(await world.kernel.verify(token, MCP)).toMatchObject({
      tenantId: tenant.id,
      agentId: tenant.agentId,
      personId: tenant.personId,
    });
    expect(await other.kernel.verify(token, MCP)).toMatchObject({ scopes: ['okta.mfa.reset'] });
    expect((await exchange(world, tenant, {}, other.surface)).status).toBe(200);
    await world.write(tenant.id, (ctx) => change(ctx, tenant));
    for (const { kernel, surface } of [world, other]) {
      await expect(kernel.verify(token, MCP)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: expect.stringMatching(/\. .+|\.$/),
      });
      expect((await exchange(world, tenant, {}, surface)).body).toMatchObject(answer);
    }
    expect(await introspect(tenant, token)).toEqual({ active: false });
  },
);

test.each([
  ['tenant', (ctx: TenantWriter) => ctx.db.update(tenants).set({ epoch: sql`epoch + 1` })],
  ['person', (ctx: TenantWriter) => ctx.db.update(people).set({ epoch: sql`epoch + 1` })],
  ['agent', (ctx: TenantWriter) => ctx.db.update(agents).set({ epoch: sql`epoch + 1` })],
  ['mandate', (ctx: TenantWriter) => ctx.db.update(mandates).set({ epoch: sql`epoch + 1` })],
])('a new epoch of the %s voids old tokens, and new ones work', async (_, raise) => {
  const tenant = await world.tenant();
  const old = await issue(tenant);
  await world.write(tenant.id, raise);
  await expect(world.kernel.verify(old, MCP)).rejects.toMatchObject({ detail: { reason: 'revoked' } });
  expect(await introspect(tenant, old)).toEqual({ active: false });
  expect(await introspect(tenant, await issue(tenant))).toMatchObject({ active: true });
});

test('authority that a group no longer gives is not granted, by the next request', async () => {
  const tenant = await world.tenant();
  await issue(tenant);
  await world.write(tenant.id, (ctx) => ctx.db.delete(memberships));
  expect((await exchange(world, tenant)).body).toMatchObject({
    error: 'invalid_scope',
    error_description: expect.stringContaining('(authority)'),
  });
});

test('an identity provider that was taken away is not believed by the next request', async () => {
  const tenant = await world.tenant();
  await issue(tenant);
  await world.write(tenant.id, (ctx) => ctx.db.delete(identityProviders));
  expect((await exchange(world, tenant)).body).toMatchObject({ error: 'invalid_request' });
  await expect(world.kernel.verifySubject(tenant.id, subjectToken(world, tenant))).rejects.toMatchObject({
    detail: { reason: 'issuer' },
  });
});

test('T27, T28: an exchange that starts after the commit of a revocation gets nothing, and a token in flight is dead', async () => {
  const servers = [world, world.another()];
  let [granted, askedLate] = [0, 0];
  for (let round = 0; round < 12; round += 1) {
    const tenant = await world.tenant();
    const revocation = { returned: false };
    const late: number[] = [];
    const inFlight: string[] = [];
    const exchanging = servers.flatMap(({ surface }) =>
      [0, 1, 2].map(async () => {
        for (let n = 0; n < 6; n += 1) {
          const startedAfter = revocation.returned;
          const answer = await exchange(world, tenant, {}, surface);
          if (answer.status === 200) {
            granted += 1;
            inFlight.push(String(answer.body['access_token']));
          }
          if (startedAfter) late.push(answer.status);
        }
      }),
    );
    const revoking = (async () => {
      await new Promise((resolve) => setTimeout(resolve, 5 + round * 3));
      await world.write(tenant.id, (ctx) =>
        ctx.db.update(mandates).set({ state: 'revoked', epoch: 1 }).where(eq(mandates.id, tenant.mandateId)),
      );
      revocation.returned = true;
    })();
    await Promise.all([...exchanging, revoking]);
    expect(late.filter((status) => status !== 400)).toEqual([]);
    askedLate += late.length;
    for (const token of inFlight) {
      await expect(world.kernel.verify(token, MCP)).rejects.toMatchObject({ code: 'unauthenticated' });
      expect(await introspect(tenant, token)).toEqual({ active: false });
    }
  }
  expect(granted).toBeGreaterThan(0);
  expect(askedLate).toBeGreaterThan(0);
});

test('every refusal and every token of a tenant stands in its ledger, and in no other', async () => {
  const [tenant, other] = [await world.tenant(), await world.tenant()];
  await Promise.all([
    exchange(world, tenant),
    exchange(world, tenant, { scope: 'x' }),
    exchange(world, tenant, { subject_token: 'x' }),
    exchange(world, tenant, { client_assertion: 'x' }),
  ]);
  const lines = (await world.ledgerOf(tenant.id)).map(
    (entry) => `${entry.event} ${String(entry.data['reason'])}`,
  );
  expect(new Set(lines)).toEqual(
    new Set([
      'key_created undefined',
      'TOKEN_ISSUED undefined',
      'TOKEN_REFUSED client_malformed',
      'TOKEN_REFUSED scope',
      'TOKEN_REFUSED subject_malformed',
    ]),
  );
  expect(lines).toHaveLength(5);
  expect((await world.ledgerOf(other.id)).map((entry) => entry.event)).toEqual(['key_created']);
});

test('without the database nothing is allowed, with 503; when it is back everything goes on by itself', async () => {
  const tenant = await world.tenant();
  const token = await issue(tenant);
  await world.kernel.verify(token, MCP);
  await world.databaseOpen(false);
  const answers = [
    await exchange(world, tenant),
    await post(world.surface, `${tenant.issuer}/oauth2/introspect`, new URLSearchParams({ token }), {
      authorization: `Bearer ${tenant.apiKey}`,
    }),
  ];
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('5');
  }
  expect((await post(world.surface, `${BASE}/oauth2/token`, exchangeForm(world, tenant))).status).toBe(503);
  await expect(world.kernel.verify(token, MCP)).rejects.toMatchObject({ code: 'unavailable' });
  await expect(world.kernel.verifySubject(tenant.id, subjectToken(world, tenant))).rejects.toMatchObject({
    code: 'unavailable',
  });
  await world.databaseOpen(true);
  await expect.poll(async () => (await exchange(world, tenant)).status, { timeout: 60_000 }).toBe(200);
  expect(await world.kernel.verify(token, MCP)).toMatchObject({ mandateId: tenant.mandateId });
});

import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { BASE, openBareWorld } from '../support/bare-world.ts';
import { exchange, post, refusal } from '../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../support/tokens.ts';
import {
  addAgent,
  addMandate,
  addPerson,
  claimsOf,
  MANDATE_TOKEN,
  nextAgent,
  pass,
  tokenOf,
} from '../support/oauth-parties.ts';

let world: TokenWorld;
let tenant: Tenant;
let report: string;
let stranger: string;
beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
  report = await addPerson(world, tenant, tenant.personId);
  stranger = await addPerson(world, tenant);
});
afterAll(() => world.close());

const details = (change: Record<string, unknown>) => ({
  authorization_details: JSON.stringify([{ type: 'urn:prokura:mandate', ...change }]),
});
const refused = (change: Record<string, unknown>, of = tenant) => refusal(world, of, details(change));

describe('authorization_details (RFC 9396)', () => {
  test('what is asked for and lies in the mandate travels in response, token and introspection alike', async () => {
    const mandateId = await addMandate(world, tenant, tenant.agentId, {
      tools: ['okta_reset_mfa', 'okta_find_user'],
      amount: '500',
      currency: 'EUR',
    });
    const of = { ...tenant, mandateId };
    const asked = {
      mandate_id: mandateId,
      resources: [`person:${report}`],
      tools: ['okta_reset_mfa'],
      amount: 99.5,
      currency: 'EUR',
    };
    const { body } = await exchange(world, of, details(asked));
    const granted = [{ type: 'urn:prokura:mandate', ...asked, amount: '99.5' }];
    expect(body['authorization_details']).toEqual(granted);
    expect(claimsOf(body['access_token'])['authorization_details']).toEqual(granted);
    const seen = await post(
      world.surface,
      `${tenant.issuer}/oauth2/introspect`,
      new URLSearchParams({ token: String(body['access_token']) }),
      { authorization: `Bearer ${tenant.apiKey}` },
    );
    expect(seen.body).toMatchObject({ active: true, authorization_details: granted });
    expect(await world.kernel.verify(String(body['access_token']), `${BASE}/mcp`)).toMatchObject({
      constraints: {
        resources: [`person:${report}`],
        tools: ['okta_reset_mfa'],
        amount: { value: '99.5', currency: 'EUR' },
      },
    });
    const whole = await exchange(world, of);
    expect(whole.body['authorization_details']).toMatchObject([{ amount: '500', currency: 'EUR' }]);
    expect(await world.kernel.verify(String(whole.body['access_token']), `${BASE}/mcp`)).toMatchObject({
      constraints: null,
    });

    for (const more of [
      { tools: ['okta_suspend_user'] },
      { tools: ['okta_reset_mfa', 'x'] },
      { amount: '500.0001', currency: 'EUR' },
      { amount: '1', currency: 'USD' },
    ])
      expect(await refused(more, of)).toMatch(/^400 invalid_authorization_details: /);
  });

  test('T16: more than the mandate covers is refused; one person of a team is not more', async () => {
    for (const resources of [
      ['*'],
      [`person:${stranger}`],
      [`person:${report}`, `person:${stranger}`],
      [`reports:${report}`],
      [`person:${tenant.personId}`],
    ])
      expect(await refused({ resources })).toMatch(/^400 invalid_authorization_details: .*not covered/);
    expect((await exchange(world, tenant, details({ resources: [`person:${report}`] }))).status).toBe(200);
    expect(
      (await exchange(world, tenant, details({ resources: [`reports:${tenant.personId}`] }))).status,
    ).toBe(200);
    const moved = await addPerson(world, tenant, tenant.personId);
    await world.write(tenant.id, (ctx) =>
      ctx.db.update(people).set({ managerId: stranger }).where(eq(people.id, moved)),
    );
    expect(await refused({ resources: [`person:${moved}`] })).toMatch(/^400 invalid_authorization_details: /);
  });

  test('what is malformed, of another type, or says something unknown is refused', async () => {
    for (const authorization_details of ['x', '{}', '[]', '[1]', '[null]', '[{"type":"urn:x"}]', '[[]]'])
      expect(await refusal(world, tenant, { authorization_details })).toMatch(
        /^400 invalid_authorization_details: /,
      );
    for (const change of [
      { resources: [] },
      { resources: 'x' },
      { resources: ['reports:me'] },
      { tools: [1] },
      { amount: '1' },
      { amount: '1e9', currency: 'EUR' },
      { amount: '-1', currency: 'EUR' },
      { actions: ['x'] },
      { mandate_id: 'mdt_x' },
      { mandate_id: 7 },
    ])
      expect(await refused(change)).toMatch(/^400 invalid_authorization_details: /);
  });

  test('a narrow token makes only narrow ones', async () => {
    const next = await nextAgent(world, tenant);
    const narrow = await tokenOf(
      world,
      tenant,
      details({ resources: [`person:${report}`], tools: ['okta_reset_mfa'] }),
    );
    const passed = await pass(world, next, narrow);
    expect(passed.body['authorization_details']).toMatchObject([
      { mandate_id: next.mandateId, resources: [`person:${report}`], tools: ['okta_reset_mfa'] },
    ]);
    const wider = await pass(world, next, narrow, details({ resources: [`reports:${tenant.personId}`] }));
    expect(wider.body['error']).toBe('invalid_authorization_details');
    const other = await nextAgent(world, tenant, tenant.mandateId, { resources: [`person:${stranger}`] });
    expect((await pass(world, other, narrow)).body).toMatchObject({
      error: 'invalid_authorization_details',
      error_description: expect.stringContaining('in common'),
    });
  });
});

describe('the mandate as the subject token', () => {
  const offline = (of: Tenant, change: Parameters<typeof exchange>[2] = {}) => ({
    subject_token: of.mandateId,
    subject_token_type: MANDATE_TOKEN,
    mandate_id: undefined,
    ...change,
  });

  test('an offline mandate works without the employee, and says so in the ledger', async () => {
    const of = { ...tenant, mandateId: await addMandate(world, tenant, tenant.agentId, { offline: true }) };
    const { status, body } = await exchange(world, of, offline(of));
    expect([status, body['scope']]).toEqual([200, 'okta.mfa.reset']);
    expect(claimsOf(body['access_token'])).toMatchObject({
      sub: `oidc:okta:${tenant.uid}`,
      mandate_id: of.mandateId,
      act: { sub: tenant.agentId },
    });
    expect((await world.ledgerOf(tenant.id)).at(-1)).toMatchObject({
      event: 'TOKEN_ISSUED',
      data: { by: 'mandate', mandate_id: of.mandateId },
    });
    expect((await exchange(world, of, offline(of, { mandate_id: of.mandateId }))).status).toBe(200);
    expect(await refusal(world, of, offline(of, { mandate_id: tenant.mandateId }))).toMatch(
      /^400 invalid_request: /,
    );
    expect(await refusal(world, of, offline(of, { subject_token: 'mdt_x' }))).toMatch(
      /^400 invalid_request: /,
    );
  });

  test('another mandate, another agent, and a principal who is gone get nothing', async () => {
    const own = await world.tenant();
    expect(await refusal(world, own, offline(own))).toMatch(/^400 invalid_grant: .*token of the employee/);
    const of = { ...own, mandateId: await addMandate(world, own, own.agentId, { offline: true }) };
    const other = { ...of, ...(await addAgent(world, own)) };
    expect(await refusal(world, other, offline(other))).toMatch(/^400 invalid_grant: No such mandate/);
    const foreign = await world.tenant();
    expect(await refusal(world, foreign, offline(of))).toMatch(/^400 invalid_grant: No such mandate/);
    expect((await exchange(world, of, offline(of))).status).toBe(200);
    await world.write(own.id, (ctx) =>
      ctx.db.update(people).set({ held: true }).where(eq(people.id, own.personId)),
    );
    expect(await refusal(world, of, offline(of))).toMatch(/^400 invalid_grant: /);
    await world.write(own.id, (ctx) =>
      ctx.db.update(people).set({ held: false }).where(eq(people.id, own.personId)),
    );
    await world.write(own.id, (ctx) =>
      ctx.db.update(mandates).set({ state: 'frozen' }).where(eq(mandates.id, of.mandateId)),
    );
    expect(await refusal(world, of, offline(of))).toMatch(/^400 invalid_grant: /);
  });
});

test('outside of its hours a mandate gives no token', async () => {
  const day = ((new Date().getUTCDay() + 6) % 7) + 1;
  const window = { days: [(day % 7) + 1], from: '00:00', to: '23:59', timezone: 'UTC' };
  const of = { ...tenant, mandateId: await addMandate(world, tenant, tenant.agentId, { window }) };
  expect(await refusal(world, of, {})).toMatch(/^400 invalid_grant: This mandate works/);
});

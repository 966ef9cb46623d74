import { afterAll, beforeAll, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let bot: TestAgent;
let given: string;
beforeAll(async () => {
  world = await openWorld();
  bot = await world.agent('own-bot', 'bob');
  given = await world.mandate('bob', bot, { scopes: ['okta.users.read'] });
});
afterAll(() => world.close());

const EVERY_SCOPE = ['delegation:exchange', 'delegation:create', 'delegation:read', 'delegation:revoke'];
const bobsToken = (scopes: string[], cid?: string) =>
  world.okta.tokenFor(samplePerson('bob').email, {
    scopes,
    ...(cid === undefined ? {} : { claims: { cid } }),
  });
const use = async (bearer: string, tool: string, input: unknown) => {
  const response = await fetch(`${world.url}/v1/tools/${tool}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', prefer: 'wait=0' },
    body: JSON.stringify(input),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const terms = (purpose: string) => ({
  agent: bot.id,
  scopes: ['okta.mfa.reset'],
  resources: ['*'],
  days: 30,
  purpose,
});
const mandates = async () =>
  (await world.sql<{ n: number }[]>`select count(*)::int as n from mandates`)[0]?.n ?? 0;
const stateOf = async (id: string) =>
  (await world.sql<{ state: string }[]>`select state from mandates where id = ${id}`)[0]?.state;
const callState = async (id: unknown) =>
  (await world.sql<{ state: string }[]>`select state from calls where id = ${String(id)}`)[0]?.state;

test('a token with delegation:exchange is good for the exchange and for nothing else', async () => {
  const token = await bobsToken(['delegation:exchange']);
  expect((await world.exchange(bot, 'bob', given, { subject_token: token })).status).toBe(200);
  for (const [tool, input] of Object.entries({
    mandate_create: terms('mine'),
    mandate_renew: { mandate_id: given, days: 60 },
    mandate_narrow: { mandate_id: given, days: 1 },
    mandate_freeze: { mandate_id: given },
    mandate_list: {},
  })) {
    const { status, body } = await use(token, tool, input);
    expect([tool, status, body['code']]).toEqual([tool, 403, 'token_scope_missing']);
  }
});

test('what gives protection back takes no access token, whatever its scopes: thaw, confirm, adopt, decide', async () => {
  const token = await bobsToken(EVERY_SCOPE);
  const bob = await world.actor('bob');
  expect((await world.as(bob, 'mandate_freeze', { mandate_id: given, reason: 'stop it' })).status).toBe(
    'done',
  );
  const asked = await use(token, 'mandate_create', terms('to be decided'));
  for (const [tool, input] of Object.entries({
    mandate_thaw: { mandate_id: given },
    mandate_confirm: { mandate_id: given },
    approval_adopt: { approval_id: asked.body['approval_id'] },
    approval_decide: { approval_id: asked.body['approval_id'], decision: 'approve', version: 1 },
  })) {
    const { status, body } = await use(token, tool, input);
    expect([tool, status, body['code']]).toEqual([tool, 403, 'token_scope_missing']);
  }
  expect(await stateOf(given)).toBe('frozen');
  expect(await callState(asked.body['call_id'])).toBe('waiting');
  expect((await world.as(bob, 'mandate_thaw', { mandate_id: given })).status).toBe('done');
});

test('what a token asks to give waits for the person’s own click, and for nobody else’s', async () => {
  const before = await mandates();
  const token = await bobsToken(['delegation:create']);
  const asked = await use(token, 'mandate_create', terms('nightly resets'));
  expect([asked.status, asked.body['status'], asked.body['approvers']]).toEqual([
    202,
    'pending_approval',
    ['Bob Meyer'],
  ]);
  const id = String(asked.body['approval_id']);
  for (const other of ['mona', 'dana'])
    await expect(world.vote(other, id)).rejects.toMatchObject({ code: 'forbidden' });
  expect(await mandates()).toBe(before);
  // His own question differs from the token's, so it does not wait with it.
  expect(await world.as(await world.actor('bob'), 'mandate_create', terms('by hand'))).toMatchObject({
    status: 'done',
  });
  const bob = world.slack.as('bob');
  const shown = (one: { blocks?: unknown }) => JSON.stringify(one.blocks).includes(id);
  const card = await bob.waitsFor(shown, 60_000);
  expect(JSON.stringify(card.blocks)).toContain('Requested with an access token of the client');
  await bob.clicks(card, 'Approve');
  await eventually(async () => (await callState(asked.body['call_id'])) === 'succeeded', 'Bob confirmed it');
  expect(await mandates()).toBe(before + 2);
});

test('renewing by a token waits in the same way; narrowing, which only takes away, does not', async () => {
  const token = await bobsToken(['delegation:create']);
  const ends = async () =>
    (await world.sql<{ at: Date }[]>`select expires_at as at from mandates where id = ${given}`)[0]?.at;
  const before = await ends();
  const asked = await use(token, 'mandate_renew', { mandate_id: given, days: 60 });
  expect([asked.status, asked.body['approvers']]).toEqual([202, ['Bob Meyer']]);
  expect(await ends()).toEqual(before);
  await world.vote('bob', String(asked.body['approval_id']));
  await eventually(async () => (await ends())!.getTime() > before!.getTime(), 'it runs on');
  expect((await use(token, 'mandate_narrow', { mandate_id: given, days: 2 })).status).toBe(200);
  expect((await ends())!.getTime()).toBeLessThan(before!.getTime());
});

test('his click is a confirmation and no approval: what another must approve still waits for them', async () => {
  const carls = await world.agent('carls-bot', 'carl');
  const token = await bobsToken(['delegation:create']);
  const asked = await use(token, 'mandate_create', { ...terms('for Carl'), agent: carls.id });
  expect(asked.body['approvers']).toEqual(['Bob Meyer', 'Mona Patel']);
  const id = String(asked.body['approval_id']);
  // By hand he asks the same, and only Mona is left to agree to that: the two do not wait as one.
  const byHand = await world.as(await world.actor('bob'), 'mandate_create', {
    ...terms('for Carl'),
    agent: carls.id,
  });
  if (byHand.status !== 'waiting') throw new Error(JSON.stringify(byHand));
  expect(byHand.approvalId).not.toBe(id);
  await world.vote('bob', id);
  expect(await callState(asked.body['call_id'])).toBe('waiting');
  await world.vote('mona', id);
  await eventually(async () => (await callState(asked.body['call_id'])) === 'succeeded', 'both have agreed');
});

test('a client that two humans declared as the own portal needs no click, for as long as it is declared', async () => {
  const path = `/v1/tenants/${world.tenantId}/identity-providers`;
  const headers = {
    authorization: `Bearer ${world.company.api_keys.admin}`,
    'content-type': 'application/json',
  };
  const current = (await (await fetch(`${world.url}${path}`, { headers })).json()) as Record<string, unknown>;
  const declare = async (portals: readonly string[]) => {
    const okta = { ...(current['okta'] as object), ...(portals.length > 0 && { portal_clients: portals }) };
    const body = JSON.stringify({ ...current, okta });
    const response = await fetch(`${world.url}${path}`, { method: 'PUT', headers, body });
    const { approval_id } = (await response.json()) as { approval_id: string };
    expect(response.status).toBe(202);
    await world.vote('dana', approval_id);
    await world.vote('ivan', approval_id);
    await eventually(
      async () =>
        (
          await world.sql`select from identity_providers where kind = 'OKTA' and coalesce(config->'portalClients', '[]') = ${world.sql.json([...portals])}`
        )[0],
      'the setting stands',
    );
  };
  const portal = await bobsToken(['delegation:create'], '0oaPortal');
  expect((await use(portal, 'mandate_create', terms('not yet'))).status).toBe(202);
  await declare(['0oaPortal']);
  expect((await use(portal, 'mandate_create', terms('from the portal'))).status).toBe(200);
  const other = await bobsToken(['delegation:create'], '0oaAgent');
  expect((await use(other, 'mandate_create', terms('from elsewhere'))).status).toBe(202);
  await declare([]);
  expect((await use(portal, 'mandate_create', terms('no more'))).status).toBe(202);
});

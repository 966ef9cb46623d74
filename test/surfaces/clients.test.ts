import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openWorld, type World } from '../support/world.ts';
import { CLIENT, clientDocument, signIns, type SignIns } from '../support/sign-ins.ts';

/** Clients that people signed in to: who may end them, and what the kill switch does to them. */
let world: World;
let flows: SignIns;
beforeAll(async () => {
  world = await openWorld({
    oauth: {
      fetch: (input) =>
        Promise.resolve(
          new Request(input).url === CLIENT ? clientDocument() : new Response('', { status: 404 }),
        ),
    },
  });
  flows = signIns(world);
}, 120_000);
afterAll(() => world.close());

const rest = async (token: string, tool = 'okta_find_user', input: object = { query: 'ann' }) => {
  const response = await fetch(`${world.url}/v1/tools/${tool}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const mcp = async (token: string) =>
  (
    await fetch(`${world.url}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
  ).status;
const refresh = (token: string) => flows.redeem({ grant_type: 'refresh_token', refresh_token: token });
const signIn = (resource = '/v1', scope = 'okta.users.read okta.mfa.reset') =>
  flows.signedIn({ person: 'bob', query: { resource: `${world.url}${resource}`, scope } });
const as = async (key: string, tool: string, input: object) => world.as(await world.actor(key), tool, input);
const BOB = 'bob@acme.example';
const grants = async () =>
  (
    await world.sql`select id from oidc_models where kind in ('Grant', 'RefreshToken', 'Session', 'AuthorizationCode')`
  ).length;

beforeEach(async () => {
  await world.sql`delete from oidc_models`;
});

describe('a person under the kill switch', () => {
  test('has no standing through a client: its tokens and grants end, and none begins until it is lifted', async () => {
    const one = await signIn();
    const other = await signIn('/mcp');
    expect([(await rest(one.access)).status, await mcp(other.access)]).toEqual([200, 200]);
    const reset = await rest(one.access, 'okta_reset_mfa', { person: 'ann@acme.example' });
    expect(reset.body).toMatchObject({ status: 'pending_approval' });

    expect(await as('dana', 'freeze_apply', { target: BOB, reason: 'laptop stolen' })).toMatchObject({
      status: 'done',
    });
    expect([(await rest(one.access)).status, await mcp(other.access)]).toEqual([401, 401]);
    expect((await refresh(one.refresh)).body).toMatchObject({ error: 'invalid_grant' });
    expect(await grants()).toBe(0);
    const [call] = await world.sql`select state from calls where id = ${String(reset.body['call_id'])}`;
    expect(call).toEqual({ state: 'withdrawn' });
    const { page } = await flows.toConsent({ person: 'bob' });
    expect(page.status).toBe(403);
    expect(page.text).toContain('kill switch');

    expect(await as('ivan', 'freeze_lift', { target: BOB })).toMatchObject({ status: 'done' });
    expect((await rest(one.access)).status).toBe(401);
    expect((await refresh(one.refresh)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await rest((await signIn()).access)).status).toBe(200);
  }, 120_000);

  test('is refused at each interface by their own row, whatever grants are left', async () => {
    const one = await signIn();
    const other = await signIn('/mcp');
    const { code, verifier } = await flows.toCode({ person: 'bob' });
    const freeze = (by: string | null) =>
      world.sql`update people set delegation_frozen_by = ${by} where email = ${BOB}`;
    await freeze('somebody');
    expect((await rest(one.access)).body).toMatchObject({ status: 401, reason: 'delegation_frozen' });
    expect(await mcp(other.access)).toBe(401);
    expect((await refresh(one.refresh)).body).toMatchObject({ error: 'invalid_grant' });
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier };
    const redeemed = await flows.redeem({ ...form, redirect_uri: 'https://client.example/callback' });
    expect(redeemed.body).toMatchObject({ error: 'invalid_grant' });
    await freeze(null);
    expect((await rest(one.access)).status).toBe(200);
  }, 120_000);

  test('has nothing carried out that was asked through a client, also where the request was accepted before', async () => {
    const through = {
      ...(await world.actor('bob')),
      surface: 'mcp' as const,
      through: { clientId: CLIENT, scopes: ['okta.users.read'] },
    };
    const find = () => world.as(through, 'okta_find_user', { query: 'ann' });
    expect(await find()).toMatchObject({ status: 'done' });
    await world.sql`update people set delegation_frozen_by = 'somebody' where email = ${BOB}`;
    expect(await find()).toMatchObject({ status: 'denied', denial: { code: 'delegation_frozen' } });
    expect(await as('bob', 'okta_find_user', { query: 'ann' })).toMatchObject({ status: 'done' });
    await world.sql`update people set delegation_frozen_by = null where email = ${BOB}`;
  });
});

describe('client_list and client_revoke', () => {
  test('a person sees who may act for them since when, and ends it at once', async () => {
    const { access, refresh: token } = await signIn();
    const listed = await as('bob', 'client_list', {});
    expect(listed).toMatchObject({
      status: 'done',
      output: {
        clients: [
          {
            client_id: CLIENT,
            summary: expect.stringMatching(
              /^https:\/\/client\.example\/mcp\.json can act for Bob Meyer since \d{4}-\d\d-\d\d$/,
            ) as string,
            scopes: ['okta.mfa.reset', 'okta.users.read'],
          },
        ],
      },
    });
    const reset = await rest(access, 'okta_reset_mfa', { person: 'ann@acme.example' });
    expect(await as('bob', 'client_revoke', { client: CLIENT })).toMatchObject({
      status: 'done',
      output: { revoked: [CLIENT] },
    });
    expect((await rest(access)).status).toBe(401);
    expect((await refresh(token)).body).toMatchObject({ error: 'invalid_grant' });
    const [call] = await world.sql`select state from calls where id = ${String(reset.body['call_id'])}`;
    expect(call).toEqual({ state: 'withdrawn' });
    expect(await as('bob', 'client_list', {})).toMatchObject({ output: { clients: [] } });
    expect((await world.ledger('client_revoked')).at(-1)).toMatchObject({
      actor: (await world.person('bob')).id,
      data: { person: (await world.person('bob')).id, clients: [CLIENT] },
    });
    await expect(as('bob', 'client_revoke', { client: CLIENT })).rejects.toMatchObject({ code: 'not_found' });
  }, 120_000);

  test('the manager and IT admins end it for them; nobody else sees or ends anything', async () => {
    for (const key of ['mona', 'dana']) {
      const { access } = await signIn();
      expect(await as('nina', 'client_list', { person: BOB })).toMatchObject({ status: 'denied' });
      expect(await as('nina', 'client_revoke', { person: BOB, client: 'all' })).toMatchObject({
        status: 'denied',
      });
      expect((await rest(access)).status).toBe(200);
      expect(await as(key, 'client_list', { person: BOB })).toMatchObject({
        output: { clients: [{ client_id: CLIENT }] },
      });
      expect(await as(key, 'client_revoke', { person: BOB, client: 'all' })).toMatchObject({
        output: { revoked: [CLIENT] },
      });
      expect((await rest(access)).status).toBe(401);
    }
  }, 120_000);

  test('ends that person’s grants to that client, and no others', async () => {
    const { access } = await signIn();
    const theirs = await flows.signedIn({
      person: 'mona',
      query: { resource: `${world.url}/v1`, scope: 'okta.users.read' },
    });
    await expect(as('bob', 'client_revoke', { client: 'https://other.example/x' })).rejects.toMatchObject({
      code: 'not_found',
    });
    expect((await rest(access)).status).toBe(200);
    await as('bob', 'client_revoke', { client: CLIENT });
    expect([(await rest(access)).status, (await rest(theirs.access)).status]).toEqual([401, 200]);
  }, 120_000);

  test('the consent page says where one ends it, and no client can ask for it', async () => {
    const { page } = await flows.toConsent({ person: 'bob' });
    expect(page.text).toContain('/client revoke');
    const { access } = await signIn();
    expect((await rest(access, 'client_revoke', { client: CLIENT })).status).toBe(403);
  }, 120_000);
});

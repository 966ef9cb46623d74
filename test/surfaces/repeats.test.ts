import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentActor } from '#domain/actor.ts';
import type { App } from '#engine/app.ts';
import { call } from '#engine/call.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let still: App;
beforeAll(async () => {
  world = await openWorld();
  const nothing = { enqueue: async () => {}, enqueueAll: async () => {}, send: async () => {} };
  still = { ...world.app, queue: { ...world.app.queue, ...nothing } };
});
afterAll(() => world.close());

async function post(bearer: string, path: string, key: string | null, body: unknown = {}) {
  const answer = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      ...(key === null ? {} : { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe('a tool over REST', () => {
  const handOn = '/v1/tools/mandate_delegate';
  let agent: TestAgent;
  let other: TestAgent;
  let mandateId: string;
  let bearer: string;
  beforeAll(async () => {
    agent = await world.agent('repeater', 'bob');
    other = await world.agent('repeated', 'bob');
    mandateId = await world.mandate('bob', agent, { may_delegate: 1 });
    bearer = await world.token(agent, 'bob', mandateId, { resource: `${world.url}/v1` });
  });
  const children = () => world.sql`select id from mandates where parent_id = ${mandateId}`;

  test('the same key and the same body are the same call, one after the other and all at once: one effect', async () => {
    const body = { agent: other.id, purpose: 'hand on' };
    const answers = await Promise.all([1, 2, 3, 4].map(() => post(bearer, handOn, 'one', body)));
    answers.push(await post(bearer, handOn, '"one"', body));
    expect(answers.map((one) => one.status)).toEqual([200, 200, 200, 200, 200]);
    expect(new Set(answers.map((one) => one.body['call_id'])).size).toBe(1);
    expect(await children()).toHaveLength(1);
  });

  test('the same key with another body is refused, and another key is another call', async () => {
    const before = (await children()).length;
    const other_body = { agent: other.id, purpose: 'for something else' };
    expect(await post(bearer, handOn, 'one', other_body)).toMatchObject({
      status: 409,
      body: { reason: 'idempotency_key_reused' },
    });
    expect(await children()).toHaveLength(before);
    expect((await post(bearer, handOn, 'two', other_body)).status).toBe(200);
    expect(await children()).toHaveLength(before + 1);
  });

  test('the key is the caller’s own: the same from another caller is another call', async () => {
    const mine = await world.mandate('bob', other, { may_delegate: 1 });
    const others = await world.token(other, 'bob', mine, { resource: `${world.url}/v1` });
    expect((await post(others, handOn, 'one', { agent: agent.id, purpose: 'hand on' })).status).toBe(200);
    expect(await world.sql`select 1 from mandates where parent_id = ${mine}`).toHaveLength(1);
  });

  test('what waits for an approval is the same call, before and after it was decided', async () => {
    const ask = () => post(bearer, '/v1/tools/okta_reset_mfa', 'gated', { person: 'ann@acme.example' });
    const first = await ask();
    expect(first.status).toBe(202);
    const approvalId = String(
      (first.body['approval'] as { id?: string } | undefined)?.id ?? first.body['approval_id'],
    );
    await world.vote('mona', approvalId, 'deny', 'not now');
    const again = await ask();
    expect(again.status).toBe(403);
    expect((again.body['outcome'] as Record<string, unknown>)['call_id']).toBe(first.body['call_id']);
    expect(await world.sql`select 1 from calls where tool = 'okta_reset_mfa'`).toHaveLength(1);
  });

  test('a repeat by a token that has not the tool’s scope any more is refused, not answered from the record', async () => {
    const ask = (token: string) =>
      post(token, '/v1/tools/okta_reset_mfa', 'narrowed', { person: 'ann@acme.example' });
    const first = await ask(bearer);
    expect(first.status).toBe(202);
    const form = { resource: `${world.url}/v1`, scope: 'okta.password.reset' };
    const again = await ask(await world.token(agent, 'bob', mandateId, form));
    expect(again.status).toBe(403);
    expect(JSON.stringify(again.body)).toContain('scope_not_delegated');
    const callId = String(first.body['call_id']);
    expect(callId).toMatch(/^call_/);
    expect(JSON.stringify(again.body)).not.toContain(callId);
  });

  test('a repeat by an API key that lost the tool is refused, not answered from the record', async () => {
    const path = `/v1/tenants/${world.tenantId}/api-keys`;
    const { body: made } = await post(world.company.api_keys.admin, path, null, {
      name: 'loses',
      scopes: [],
    });
    await world.grant(String(made['id']), ['okta_reset_password']);
    const reset = () =>
      post(String(made['api_key']), '/v1/tools/okta_reset_password', 'lost', { person: 'ann@acme.example' });
    const first = await reset();
    expect(first.body['call_id']).toEqual(expect.stringMatching(/^call_/));
    expect((await reset()).body['call_id']).toBe(first.body['call_id']);
    await world.sql`update api_keys set scopes = '{}' where id = ${String(made['id'])}`;
    const again = await reset();
    expect(again.status).toBe(403);
    expect(JSON.stringify(again.body)).not.toContain(String(first.body['call_id']));
  });

  test.each(['', 'with space', 'x'.repeat(256)])('the key "%s" is refused', async (key) => {
    expect((await post(bearer, handOn, key, { agent: other.id, purpose: 'hand on' })).status).toBe(400);
  });
});

describe('what has no call', () => {
  test('a key that is made twice under one Idempotency-Key is one key, with the same secret, which stands nowhere in clear', async () => {
    const path = `/v1/tenants/${world.tenantId}/api-keys`;
    const admin = world.company.api_keys.admin;
    const body = { name: 'reader', scopes: ['ledger:read'] };
    const first = await post(admin, path, 'reader', body);
    const again = await post(admin, path, 'reader', body);
    expect(first.status).toBe(201);
    expect(again).toEqual(first);
    expect(await world.sql`select 1 from api_keys where name = 'reader'`).toHaveLength(1);
    expect(JSON.stringify(await world.sql`select * from repeats`)).not.toContain(
      String(first.body['api_key']),
    );
    expect(await post(admin, path, 'reader', { ...body, name: 'other' })).toMatchObject({
      status: 409,
      body: { reason: 'idempotency_key_reused' },
    });
    // A refused request changed nothing, so its key is free.
    expect((await post(admin, path, 'wrong', { ...body, scopes: ['nothing'] })).status).toBe(400);
    expect((await post(admin, path, 'wrong', { ...body, name: 'right' })).status).toBe(201);
  });
});

test('the same act by the same person while it is under way joins it: three clicks at once are one call', async () => {
  const actor = await world.actor('ivan');
  const input = { person: 'nina@acme.example' };
  const ask = () => call(still, { tenantId: world.tenantId, actor, tool: 'okta_reset_password', input });
  // The first call is delayed while it is saved. By then each click has looked for a call, or waits to do so.
  await world.sql.unsafe(`
    create function held_back() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(4711); return new; end $$;
    create trigger held_back before insert on calls for each row execute function held_back()`);
  const holder = await world.sql.reserve();
  await holder`select pg_advisory_lock(4711)`;
  const asked = Promise.all([ask(), ask(), ask()]);
  const waiting = () => world.sql`select from pg_locks
    where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`;
  await eventually(async () => (await waiting()).length === 3, 'each click waits');
  await holder`select pg_advisory_unlock(4711)`;
  holder.release();
  const outcomes = await asked;
  await world.sql.unsafe('drop trigger held_back on calls');
  expect(new Set(outcomes.map((one) => one.callId)).size).toBe(1);
  expect(
    await world.sql`select state from calls where tool = 'okta_reset_password' and actor ->> 'kind' = 'person'`,
  ).toEqual([{ state: 'ready' }]);
});

test('an agent, and a mandate, open so many approvals and no more; asking the same again is not one more', async () => {
  await world.sql`update tenants set settings = settings || '{"openApprovals":{"agent":3,"mandate":2}}' where id = ${world.tenantId}`;
  const agent = await world.agent('flooder', 'bob');
  const { id: personId } = await world.person('bob');
  const terms = { scopes: ['okta.mfa.reset', 'okta.password.reset'] };
  const [one, two] = [await world.mandate('bob', agent, terms), await world.mandate('bob', agent, terms)];
  const ask = (mandateId: string, tool: string, person: string) => {
    const who = { kind: 'agent', surface: 'mcp', agentId: agent.id, personId, mandateId } as const;
    const actor: AgentActor = { ...who, scopes: terms.scopes, jti: 'test' };
    return world.as(actor, tool, { person: `${person}@acme.example` });
  };
  expect(await ask(one, 'okta_reset_mfa', 'ann')).toMatchObject({ status: 'waiting' });
  expect(await ask(one, 'okta_reset_mfa', 'carl')).toMatchObject({ status: 'waiting' });
  expect(await ask(one, 'okta_reset_mfa', 'carl')).toMatchObject({ status: 'waiting' });
  const full = { status: 'denied', denial: { code: 'too_many_open' } };
  expect(await ask(one, 'okta_reset_password', 'ann')).toMatchObject(full);
  const last = await Promise.all([
    ask(two, 'okta_reset_mfa', 'ann'),
    ask(two, 'okta_reset_mfa', 'carl'),
    ask(two, 'okta_reset_password', 'carl'),
  ]);
  expect(last.map((answer) => answer.status).sort()).toEqual(['denied', 'denied', 'waiting']);
});

test('the API’s description names the header on everything that changes something, and on nothing else', async () => {
  const answer = await fetch(`${world.url}/v1/openapi.json`);
  const { paths } = (await answer.json()) as {
    paths: Record<string, Record<string, { parameters?: { $ref?: string }[] }>>;
  };
  const named = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { parameters = [] }]) =>
        parameters.some((one) => one.$ref === '#/components/parameters/Once'),
      )
      .map(([method]) => `${method} ${path}`),
  );
  const changing = Object.entries(paths).flatMap(([path, operations]) => {
    const tool = world.app.catalogue.get(path.replace('/v1/tools/', ''));
    const looks = tool?.tool.effects === 'read' || tool?.tool.effects === 'look';
    if (looks || path === '/v1/verify' || path.endsWith('/try') || path.endsWith('/preview')) return [];
    return Object.keys(operations).flatMap((method) => (method === 'get' ? [] : [`${method} ${path}`]));
  });
  expect(named.sort()).toEqual(changing.sort());
});

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { introspectWithKey, verifyDelegation } from '#client/index.ts';
import { resourceServersOf } from '#domain/resource/store.ts';
import { call } from '#engine/call.ts';
import type { Outcome } from '#engine/outcome.ts';
import { readonly } from '#engine/transact.ts';
import { openSecondCompany, type SecondCompany } from '../support/second-company.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';
import { send } from '../support/identity-providers.ts';

const FINANCE = 'https://finance.acme.example';
const BOOKS = 'https://books.acme.example/api';
const SCOPES = ['books:read', 'finance:approve', 'finance:read', 'okta.users.read'];

let world: World;
let mcp: string;
let rest: string;
let issuer: string;
let agent: TestAgent;
let helper: TestAgent;
let mandateId: string;
/** A part of the mandate that the agent handed on to the helper. */
let part: string;
/** A token for our own addresses with every scope, from before there was a resource server. */
let early: string;

beforeAll(async () => {
  world = await openWorld();
  mcp = `${world.app.baseUrl}/mcp`;
  rest = `${world.app.baseUrl}/v1`;
  issuer = `${world.app.baseUrl}/t/${world.tenantId}`;
  await open(world, world.tenantId);
  agent = await world.agent('payer-bot', 'bob', SCOPES);
  helper = await world.agent('helper-bot', 'bob', SCOPES);
  const terms = { scopes: SCOPES, resources: ['team', 'resource:*'], may_delegate: 1 };
  mandateId = await world.mandate('bob', agent, terms);
  early = await world.token(agent, 'bob', mandateId, { audience: rest });
  const handed = await send(world, 'POST', '/v1/tools/mandate_delegate', early, {
    agent: helper.id,
    purpose: 'a part of it',
  });
  part = String((handed.body['result'] as Record<string, unknown>)['mandate_id']);
});
afterAll(() => world.close());

/** Creates scopes of other systems, which managers have. */
async function open({ sql }: World, tenantId: string): Promise<void> {
  for (const scope of SCOPES.slice(0, -1))
    await sql`insert into scopes (tenant_id, scope, description, holders) values (${tenantId}, ${scope}, 'x', '{}')`;
  await sql`update group_mappings set scopes = scopes || ${SCOPES.slice(0, -1)} where tenant_id = ${tenantId} and role = 'manager'`;
}

const servers = () => readonly(world.app, world.tenantId, resourceServersOf);
const ask = async (tool: string, input: Record<string, unknown>, who = 'dana') =>
  world.as(await world.actor(who), tool, input);
const agreed = async (tool: string, input: Record<string, unknown>) => world.agreed(await ask(tool, input));
const register = (identifier: string, scopes: readonly string[]) =>
  agreed('resource_server_set', { identifier, scopes });
/** Registers both of them, also if a test runs alone. */
async function registered(): Promise<void> {
  if ((await servers()).length > 0) return;
  await register(FINANCE, ['finance:approve', 'finance:read']);
  await register(BOOKS, ['books:read']);
}
const scopeOf = (token: string) => decodeJwt(token)['scope'];
const tokenFor = (audience: string, form: Record<string, string> = {}) =>
  world.token(agent, 'bob', mandateId, { audience, ...form });
const refusal = async (form: Record<string, string>, by = agent, under = mandateId) => {
  const { status, body } = await world.exchange(by, 'bob', under, form);
  return `${status} ${String(body['error'])}: ${String(body['error_description'])}`;
};

/** An API key that an administrator has created. */
async function keyFor(resource: string | undefined, scopes = ['verify', 'introspect']): Promise<string> {
  const path = `/v1/tenants/${world.tenantId}/api-keys`;
  const body = { name: 'a reader', scopes, resource };
  const { body: made } = await send(world, 'POST', path, world.company.api_keys.admin, body);
  return String(made['api_key']);
}
/** What an API key learns about a token: [active, decision of a check]. */
async function learns(key: string, token: string, action = 'finance:approve'): Promise<unknown[]> {
  const answer = await fetch(`${issuer}/oauth2/introspect`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: new URLSearchParams({ token }),
  });
  const { active } = (await answer.json()) as { active: unknown };
  const { body } = await send(world, 'POST', '/v1/verify', key, { token, action, resource: 'invoice:1' });
  return [active, body['decision'] ?? body['status']];
}
const mcpStatus = async (token: string): Promise<number> => {
  const response = await fetch(mcp, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'okta_find_user', arguments: { query: 'ann' } },
    }),
  });
  await response.body?.cancel();
  return response.status;
};

describe('registering a resource server', () => {
  test('takes two IT admins; with its scopes, tokens from before that carry them for something else end', async () => {
    expect(scopeOf(early)).toBe(SCOPES.join(' '));
    expect((await send(world, 'GET', '/v1/calls', early)).status).toBe(200);
    const input = { identifier: FINANCE, scopes: ['finance:approve', 'finance:read'] };
    expect(await ask('resource_server_set', input, 'bob')).toMatchObject({ status: 'denied' });
    const asked = await ask('resource_server_set', input);
    expect(asked).toMatchObject({ status: 'waiting' });
    expect(await servers()).toEqual([]);
    expect(await refusal({ audience: FINANCE })).toContain('400 invalid_target');
    await world.agreed(asked);
    await register(BOOKS, ['books:read']);
    expect(await servers()).toEqual([{ identifier: BOOKS, scopes: ['books:read'] }, input]);
    expect(await agreed('resource_server_list', {})).toEqual({
      resource_servers: [{ identifier: BOOKS, scopes: ['books:read'] }, input],
    });
    expect((await world.ledger('resource_server_changed'))[0]).toMatchObject({
      actor: (await world.person('dana')).id,
      data: { identifier: FINANCE, before: null, after: input.scopes },
    });
    expect((await send(world, 'GET', '/v1/calls', early)).body).toMatchObject({ reason: 'audience' });
  });

  test('two that ask for one scope: the second is looked at again when it is agreed, and fails', async () => {
    await world.sql`insert into scopes (tenant_id, scope, description, holders) values (${world.tenantId}, 'hr:read', 'x', '{}')`;
    const [one, other] = ['https://one.acme.example', 'https://other.acme.example'] as const;
    const asked = await ask('resource_server_set', { identifier: one, scopes: ['hr:read'] });
    const late = await ask('resource_server_set', { identifier: other, scopes: ['hr:read'] });
    await world.agreed(asked);
    if (late.status !== 'waiting') throw new Error(JSON.stringify(late));
    await world.vote('ivan', late.approvalId);
    const settled = await eventually(
      async () =>
        (
          await world.sql<
            { state: string }[]
          >`select state from calls where id = ${late.callId} and state in ('succeeded', 'failed')`
        )[0],
      'the second is settled',
    );
    expect(settled.state).toBe('failed');
    expect((await servers()).map(({ identifier }) => identifier)).not.toContain(other);
    await agreed('resource_server_remove', { identifier: one });
    await expect(ask('resource_server_remove', { identifier: one })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('a registration', () => {
  beforeAll(registered);

  test.each([
    ['a name with a query', 'https://x.acme.example/?a', ['finance:read'], /must be an https URL/],
    ['a name in capitals', 'https://X.acme.example', ['finance:read'], /must be an https URL/],
    ['a name without TLS', 'http://x.acme.example', ['finance:read'], /must be an https URL/],
    [
      'a scope of our tools',
      'https://x.acme.example',
      ['okta.users.read'],
      /belongs to tools of this server/,
    ],
    ['a scope that is not there', 'https://x.acme.example', ['no.such'], /no scope no.such/],
    [
      'a scope of another one',
      'https://x.acme.example',
      ['books:read'],
      /books:read belongs to https:\/\/books/,
    ],
  ])('refuses %s', async (_what, identifier, scopes, why) => {
    await expect(ask('resource_server_set', { identifier, scopes })).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(why),
    });
  });

  test('refuses an address of this server', async () => {
    // As behind a proxy that provides https.
    const app = { ...world.app, baseUrl: 'https://prokura.acme.example' };
    const input = { identifier: 'https://prokura.acme.example/t/x/mcp', scopes: ['finance:read'] };
    const actor = await world.actor('dana');
    await expect(
      call(app, { tenantId: world.tenantId, actor, tool: 'resource_server_set', input }),
    ).rejects.toMatchObject({ code: 'invalid_input', message: expect.stringContaining('of this server') });
  });
});

describe('a token', () => {
  beforeAll(registered);

  test('is for one resource, and carries the scopes of that one alone', async () => {
    expect(scopeOf(await tokenFor(FINANCE))).toBe('finance:approve finance:read');
    expect(decodeJwt(await tokenFor(FINANCE)).aud).toBe(FINANCE);
    expect(scopeOf(await tokenFor(FINANCE, { scope: 'finance:read' }))).toBe('finance:read');
    expect(scopeOf(await tokenFor(BOOKS))).toBe('books:read');
    expect(scopeOf(await tokenFor(mcp))).toBe('okta.users.read');
    const foreign = /^400 invalid_scope: .*it is not a scope of the requested resource/;
    expect(await refusal({ audience: FINANCE, scope: 'finance:read okta.users.read' })).toMatch(foreign);
    expect(await refusal({ audience: mcp, scope: 'finance:read' })).toMatch(foreign);
    expect(await refusal({ scope: 'finance:read' })).toMatch(foreign);
    expect(await refusal({ audience: BOOKS, scope: 'finance:read' })).toMatch(foreign);
    for (const audience of [`${FINANCE}/`, `${FINANCE}/mcp`, 'https://elsewhere.example'])
      expect(await refusal({ audience })).toMatch(/^400 invalid_target: /);
    expect(await refusal({ audience: FINANCE, resource: BOOKS })).toMatch(/^400 invalid_target: /);
  });

  test('an agent that has no mandate here does not learn which resource servers exist', async () => {
    const [known, unknown] = [FINANCE, 'https://elsewhere.example'];
    const answers = [
      await refusal({ audience: known }, helper),
      await refusal({ audience: unknown }, helper),
      await refusal({ audience: unknown }, helper, 'mdt_06h2tdtgcnth3eypn37zq8q9c8'),
    ];
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^400 invalid_grant: No such mandate/);
  });

  test('for a resource server is good there, and neither at MCP, nor at REST, nor at another one', async () => {
    const token = await tokenFor(FINANCE);
    expect((await verifyDelegation({ issuer, audience: FINANCE })(token)).scope).toBe(
      'finance:approve finance:read',
    );
    await expect(verifyDelegation({ issuer, audience: BOOKS })(token)).rejects.toMatchObject({
      reason: 'audience',
    });
    expect(await mcpStatus(token)).toBe(401);
    expect((await send(world, 'GET', '/v1/calls', token)).status).toBe(401);
    // What is refused there concerns neither the agent nor the call.
    expect(await mcpStatus(await tokenFor(mcp))).toBe(200);
  });

  test('that is made from one for a resource server is for the same', async () => {
    const before = { subject_token: await tokenFor(FINANCE), scope: 'finance:read' };
    const next = await world.token(helper, 'bob', part, before);
    expect(decodeJwt(next)).toMatchObject({ aud: FINANCE, scope: 'finance:read' });
    for (const audience of [mcp, rest, BOOKS])
      expect(await refusal({ ...before, audience }, helper, part)).toMatch(/^400 invalid_target: /);
  });
});

describe('an API key of a resource server', () => {
  beforeAll(registered);

  test('learns of tokens for that one, and of no other; a key of none learns of those for this server', async () => {
    const [finance, books, ours] = [await keyFor(FINANCE), await keyFor(BOOKS), await keyFor(undefined)];
    const token = await tokenFor(FINANCE);
    expect(await learns(finance, token)).toEqual([true, 'allow']);
    expect(await learns(books, token, 'books:read')).toEqual([false, 'deny']);
    expect(await learns(ours, token)).toEqual([false, 'deny']);
    const own = await tokenFor(mcp);
    expect(await learns(finance, own)).toEqual([false, 'deny']);
    expect((await learns(ours, own, 'okta.users.read'))[0]).toBe(true);
    const introspect = introspectWithKey({ issuer, apiKey: finance });
    expect((await verifyDelegation({ issuer, audience: FINANCE, introspect })(token)).aud).toBe(FINANCE);
  });

  test('asks about its own scopes alone, also by the names of agent and principal', async () => {
    const finance = await keyFor(FINANCE);
    const check = { agent: 'payer-bot', principal: 'bob@acme.example', resource: 'invoice:1' };
    const verify = async (body: object) => {
      const answer = await send(world, 'POST', '/v1/verify', finance, body);
      return [answer.status, answer.body['decision']];
    };
    expect(await verify({ ...check, action: 'finance:approve' })).toEqual([200, 'allow']);
    expect(await verify({ ...check, action: 'books:read' })).toEqual([403, undefined]);
    expect(
      await verify({ ...check, resource: undefined, tool: 'okta_find_user', input: { query: 'a' } }),
    ).toEqual([403, undefined]);
  });

  test('an agent may ask about its own tokens, whatever they are for', async () => {
    const token = await tokenFor(FINANCE);
    const body = new URLSearchParams({
      token,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await world.assertion(agent),
    });
    const answer = await fetch(`${issuer}/oauth2/introspect`, { method: 'POST', body });
    expect(await answer.json()).toMatchObject({ active: true, aud: FINANCE });
  });

  test('has verify and introspect alone, is of a resource server that there is, and is never granted more', async () => {
    const path = `/v1/tenants/${world.tenantId}/api-keys`;
    const make = (body: object) =>
      send(world, 'POST', path, world.company.api_keys.admin, { name: 'x', ...body });
    expect((await make({ scopes: ['verify', 'ledger:read'], resource: FINANCE })).status).toBe(400);
    expect((await make({ scopes: ['verify'], resource: 'https://no.such' })).status).toBe(400);
    const { status, body } = await make({ scopes: ['verify'], resource: FINANCE });
    expect([status, body['resource']]).toEqual([201, FINANCE]);
    await expect(ask('api_key_grant', { key: body['id'], scopes: ['okta_reset_mfa'] })).rejects.toMatchObject(
      { code: 'conflict', message: expect.stringContaining(FINANCE) },
    );
    expect((await world.ledger('key_created')).at(-1)?.data).toMatchObject({ resource: FINANCE });
  });
});

describe('a resource server that changes', () => {
  beforeAll(registered);

  test('ends at once the tokens that carry a scope which it has no more, and, when it is removed, all of them', async () => {
    const finance = await keyFor(FINANCE);
    const [both, one] = [await tokenFor(FINANCE), await tokenFor(FINANCE, { scope: 'finance:approve' })];
    await register(FINANCE, ['finance:approve']);
    expect(await learns(finance, both)).toEqual([false, 'deny']);
    expect(await learns(finance, one)).toEqual([true, 'allow']);
    await agreed('resource_server_remove', { identifier: FINANCE });
    expect(await learns(finance, one)).toEqual([false, 403]);
    expect(await refusal({ audience: FINANCE })).toMatch(/^400 invalid_target: /);
    expect(await refusal({ subject_token: one }, helper, part)).toMatch(
      /^400 invalid_request: subject_token/,
    );
    expect(scopeOf(await tokenFor(mcp))).toContain('finance:approve');
    await register(FINANCE, ['finance:approve', 'finance:read']);
  });
});

/** An agent of Bob's in the second company, with his mandate over every scope. */
async function secondAgent({ tenantId, okta, ...there }: SecondCompany) {
  const done = (outcome: Outcome) => {
    if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
    return outcome.output;
  };
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const audience = `${world.app.baseUrl}/t/${tenantId}`;
  const registered = done(
    await there.as('dana', 'agent_register', {
      name: 'payer-bot',
      owner: 'bob@acme.example',
      scopes: SCOPES,
      public_key: JSON.stringify(publicKey.export({ format: 'jwk' })),
    }),
  );
  const id = String(registered['agent_id']);
  const given = done(
    await there.as('bob', 'mandate_create', {
      agent: id,
      scopes: SCOPES,
      resources: ['resource:*'],
      days: 7,
      purpose: 'for a test',
    }),
  );
  const exchange = async (form: Record<string, string>) => {
    const assertion = new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: String(registered['kid']) })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime('60s');
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await okta.tokenFor('bob@acme.example', { scopes: ['delegation:exchange'] }),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      mandate_id: String(given['mandate_id']),
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion.sign(privateKey),
      ...form,
    });
    const response = await fetch(`${world.url}/t/${tenantId}/oauth2/token`, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return { exchange };
}

describe('another organisation', () => {
  let second: SecondCompany;
  beforeAll(async () => {
    await registered();
    second = await openSecondCompany(world);
    await open(world, second.tenantId);
  });
  afterAll(() => second.close());

  test('has resource servers of its own, and neither tokens nor keys of one are any good at the other', async () => {
    expect(await second.as('dana', 'resource_server_list', {})).toMatchObject({
      output: { resource_servers: [] },
    });
    const theirs = await secondAgent(second);
    expect(await theirs.exchange({ audience: FINANCE })).toMatchObject({
      body: { error: 'invalid_target', error_description: expect.not.stringContaining('acme.example') },
    });
    const asked = await second.as('dana', 'resource_server_set', {
      identifier: FINANCE,
      scopes: ['books:read'],
    });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    await second.as('ivan', 'approval_decide', {
      approval_id: asked.approvalId,
      decision: 'approve',
      version: 1,
    });
    const token = await eventually(async () => {
      const { body } = await theirs.exchange({ audience: FINANCE });
      return body['access_token'] as string | undefined;
    }, 'the second company has a resource server');
    expect(decodeJwt(token)).toMatchObject({ aud: FINANCE, scope: 'books:read', tenant: second.tenantId });
    expect(await learns(await keyFor(FINANCE), token)).toEqual([false, 'deny']);
    await expect(verifyDelegation({ issuer, audience: FINANCE })(token)).rejects.toMatchObject({
      reason: 'issuer',
    });
    expect(scopeOf(await tokenFor(FINANCE))).toBe('finance:approve finance:read');
    const { status } = await fetch(`${world.url}/t/${second.tenantId}/oauth2/introspect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await keyFor(FINANCE)}` },
      body: new URLSearchParams({ token }),
    });
    expect(status).toBe(401);
  });
});

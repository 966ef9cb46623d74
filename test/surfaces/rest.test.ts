import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyLedger } from '#domain/ledger/verify.ts';
import { restSurface, type RestSurface } from '#surfaces/rest/index.ts';
import { openApiDocument } from '#surfaces/rest/openapi.ts';
import { waitSeconds } from '#surfaces/rest/query.ts';
import { withAgents, type AgentWorld, type Key } from '../support/agents.ts';
import { openWorld } from '../support/world.ts';

let world: AgentWorld;
let rest: RestSurface;
let BASE: string;
beforeAll(async () => {
  world = await withAgents(await openWorld());
  BASE = world.app.baseUrl;
  rest = restSurface(world.app, world.kernel);
});
afterAll(() => world.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

async function send(path: string, token: string | null, init: Init = {}, surface = rest): Promise<Answer> {
  const headers = { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...init.headers };
  const response = await surface.fetch(new Request(`${BASE}${path}`, { ...init, headers }));
  if (response === null) throw new Error(`nobody answers at ${path}`);
  const text = await response.text();
  const json = response.headers.get('content-type')?.match(/[/+]json$/) != null;
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

const use = (
  token: string | null,
  name: string,
  input: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  send(`/v1/tools/${name}`, token, {
    method: 'POST',
    body: JSON.stringify(input),
    headers: { 'content-type': 'application/json', ...headers },
  });

const agentToken = (more: object = {}) => world.bearer({ audience: `${BASE}/v1`, ...more });

describe('who is asking', () => {
  test('nobody is 401, whatever they send instead of a credential', async () => {
    for (const token of [
      null,
      'hello',
      'tnt_1:mk_live_2',
      `${world.tenantId}:mk_test_${'0'.repeat(52)}`,
      'a.b.c',
    ]) {
      const answer = await use(token, 'okta_find_user', { query: 'Ann' });
      expect([token, answer.status]).toEqual([token, 401]);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(answer.body).toMatchObject({ status: 401, code: 'unauthenticated' });
    }
  });

  test('a delegation token is good for its own resource only', async () => {
    expect((await use(await world.bearer(), 'okta_find_user', { query: 'Ann' })).status).toBe(401);
    expect((await use(await agentToken(), 'okta_find_user', { query: 'Ann' })).status).toBe(200);
  });

  test('an API key uses the tools that it names, and no others', async () => {
    const key = await world.apiKey(['okta_find_user']);
    expect((await use(key, 'okta_find_user', { query: 'Ann' })).body).toMatchObject({
      status: 'done',
      result: { people: [{ person: world.ids.ann }] },
    });
    const denied = await use(key, 'okta_reset_mfa', { person: world.ids.ann });
    expect([denied.status, denied.body['code']]).toEqual([403, 'no_policy_allows']);
    const tools = (await send('/v1/tools', key)).body['tools'] as { name: string }[];
    expect(tools.map((tool) => tool.name)).toEqual(['okta_find_user']);
  });

  test('D4: a person’s own access token is good for what its scopes name', async () => {
    const ask = async (scopes: string[], path: string, init?: Init) =>
      send(path, await world.personToken('bob', scopes), init);
    expect((await ask(['delegation:read'], '/v1/calls')).status).toBe(200);
    expect((await ask(['delegation:create'], '/v1/calls')).body).toMatchObject({
      code: 'forbidden',
      required_scope: 'delegation:read',
    });
    const tools = (await ask(['delegation:read'], '/v1/tools')).body['tools'] as { name: string }[];
    expect(tools.map((tool) => tool.name)).toContain('mandate_list');
    expect(tools.map((tool) => tool.name)).not.toContain('mandate_create');
    const post = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
    expect((await ask(['delegation:read'], '/v1/tools/mandate_list', post)).status).toBe(200);
    expect((await ask(['delegation:create'], '/v1/tools/mandate_list', post)).body).toMatchObject({
      status: 403,
      code: 'token_scope_missing',
    });
    expect(
      (await ask(['delegation:read'], '/v1/calls', { headers: { 'x-prokura-tenant': world.tenantId } }))
        .status,
    ).toBe(200);
    expect(
      (
        await ask(['delegation:read'], '/v1/calls', {
          headers: { 'x-prokura-tenant': `tnt_${'0'.repeat(26)}` },
        })
      ).status,
    ).toBe(401);
  });
});

describe('POST /v1/tools/{name}', () => {
  test('a gated call is 202 with Location; the call tells the outcome', async () => {
    const token = await agentToken();
    const pending = await use(token, 'okta_reset_mfa', { person: world.ids.ann, reason: 'Lost her phone.' });
    expect(pending.status).toBe(202);
    expect(pending.body).toMatchObject({ status: 'pending_approval' });
    const location = pending.headers.get('location')!;
    expect(location).toBe(`/v1/calls/${String(pending.body['call_id'])}`);
    expect((await send(location, token)).body).toMatchObject({
      state: 'waiting',
      reason: 'Lost her phone.',
      outcome: { status: 'pending_approval' },
    });
    const later = send(location, token, { headers: { prefer: 'wait=20' } });
    await world.decide('mona', String(pending.body['approval_id']), 'approve');
    let { body } = await later;
    for (let tries = 0; body['state'] !== 'succeeded' && tries < 20; tries += 1)
      ({ body } = await send(location, token, { headers: { prefer: 'wait=1' } }));
    expect(body).toMatchObject({ state: 'succeeded', outcome: { status: 'done' } });
    expect(world.done()).toEqual(['reset_factors ann']);
  });

  test('a denial by an approver within the wait is 403', async () => {
    const asked = use(
      await agentToken(),
      'okta_reset_password',
      { person: world.ids.ann },
      { prefer: 'respond-async, wait=20' },
    );
    const waiting = await world.waiting();
    await world.decide('mona', waiting, 'deny');
    const { status, body } = await asked;
    expect(status).toBe(403);
    expect(body).toMatchObject({
      outcome: { status: 'denied', call_id: expect.stringMatching(/^call_/) as string },
    });
  });

  test('what is wrong with a request is said by status and code', async () => {
    const token = await agentToken();
    const raw = (body: string, type = 'application/json', path = '/v1/tools/okta_find_user') =>
      send(path, token, { method: 'POST', body, headers: { 'content-type': type } });
    expect((await raw('{"query":')).body).toMatchObject({
      status: 400,
      code: 'invalid_input',
      reason: 'malformed_json',
    });
    expect((await raw('[1]')).body).toMatchObject({ status: 400, code: 'invalid_input' });
    expect((await raw('{"query":"a"}')).body).toMatchObject({
      status: 400,
      code: 'invalid_input',
      problems: [{ field: 'query' }],
    });
    expect((await raw('query=Ann', 'application/x-www-form-urlencoded')).status).toBe(415);
    expect((await raw(JSON.stringify({ query: 'x'.repeat(1_100_000) }))).status).toBe(413);
    expect((await raw('{}', 'application/json', '/v1/tools/okta_delete_everything')).body).toMatchObject({
      status: 404,
      code: 'not_found',
    });
    expect((await use(token, 'okta_reset_mfa', { person: world.ids.ann, reason: 7 })).body).toMatchObject({
      status: 400,
      problems: [{ field: 'reason' }],
    });
    const get = await send('/v1/tools/okta_find_user', token);
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await send('/v1/calls', token, { method: 'DELETE' })).status).toBe(405);
    expect((await send('/v1/tools/a/b', token)).status).toBe(404);
  });

  test('every answer carries the security headers', async () => {
    for (const path of ['/v1/openapi.json', '/v1/calls']) {
      const { headers } = await send(path, null);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  test('what we did not expect is 500 with an error id and without its cause', async () => {
    const broken = restSurface(
      { ...world.app, provider: () => Promise.reject(new Error('secret inner workings')) },
      world.kernel,
    );
    const init = { method: 'POST', body: '{"query":"Ann"}', headers: { 'content-type': 'application/json' } };
    const { status, text, body } = await send('/v1/tools/okta_find_user', await agentToken(), init, broken);
    expect(status).toBe(500);
    expect(text).not.toContain('inner workings');
    expect(body['error_id']).toMatch(/^err_/);
  });

  test('without a database everything is 503 with Retry-After', async () => {
    const token = await agentToken();
    const key = await world.apiKey(['calls:read']);
    const gone = await world.withoutDatabase();
    for (const credential of [token, key]) {
      const answer = await send('/v1/calls', credential, {}, restSurface(gone.app, gone.kernel));
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    }
    await gone.close();
  });

  test('Prefer: wait is read as RFC 7240 writes it', () => {
    expect(waitSeconds('wait=5')).toBe(5);
    expect(waitSeconds('respond-async, wait=90; foo=1')).toBe(20);
    expect(waitSeconds('return=minimal')).toBeNull();
    expect(waitSeconds('wait=-1')).toBeNull();
    expect(waitSeconds(null)).toBeNull();
  });
});

describe('calls and approvals', () => {
  test('everybody sees what is theirs to see', async () => {
    const stranger = await world.helper('faye');
    const theirs = await agentToken({ ...stranger, subject: 'faye' });
    const mine = await agentToken();
    const { body } = await use(mine, 'okta_reset_password', { person: world.ids.carl });
    const [callId, approvalId] = [String(body['call_id']), String(body['approval_id'])];
    expect((await send(`/v1/approvals/${approvalId}`, mine)).body).toMatchObject({
      id: approvalId,
      state: 'pending',
      approvers: [world.name('mona')],
      call: { id: callId },
    });
    expect((await send(`/v1/calls/${callId}`, theirs)).status).toBe(404);
    expect((await send(`/v1/approvals/${approvalId}`, theirs)).status).toBe(404);
    expect((await send('/v1/calls', theirs)).body).toEqual({ calls: [], next_cursor: null });
    expect((await send('/v1/approvals', theirs)).body).toEqual({ approvals: [], next_cursor: null });
    const key = await world.apiKey(['calls:read']);
    expect((await send(`/v1/calls/${callId}`, key)).status).toBe(200);
    expect((await send('/v1/calls', await world.apiKey(['scim']))).body).toMatchObject({
      status: 403,
      required_scope: 'calls:read',
    });

    const seenBy = async (key: Key, id: string) => {
      const token = await world.personToken(key, ['delegation:read']);
      const path = id.startsWith('call_') ? 'calls' : 'approvals';
      const listed = (await send(`/v1/${path}`, token)).body[path] as { id: string }[];
      const { status } = await send(`/v1/${path}/${id}`, token);
      expect(status).toBe(listed.some((row) => row.id === id) ? 200 : 404);
      return status === 200;
    };
    // Principal, target and owner see it, the approver sees the approval, an IT admin sees everything, and
    // others see nothing.
    const keys: Key[] = ['bob', 'carl', 'dana', 'mona', 'nina'];
    expect(await Promise.all(keys.map((key) => seenBy(key, callId)))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(await Promise.all(keys.map((key) => seenBy(key, approvalId)))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ]);
    await use(mine, 'approval_cancel', { approval_id: approvalId });
  });

  test('pages follow one another without gap or repetition, and filters hold', async () => {
    const key = await world.apiKey(['calls:read']);
    const all = (await send('/v1/calls?limit=100', key)).body['calls'] as { id: string }[];
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await send(`/v1/calls?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`, key);
      seen.push(...(body['calls'] as { id: string }[]).map((row) => row.id));
      cursor = body['next_cursor'] as string | null;
    }
    expect(seen).toEqual(all.map((row) => row.id));
    const withdrawn = (await send('/v1/calls?state=withdrawn', key)).body['calls'] as { state: string }[];
    expect(new Set(withdrawn.map((row) => row.state))).toEqual(new Set(['withdrawn']));
    const approvals: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body } = await send(`/v1/approvals?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`, key);
      approvals.push(...(body['approvals'] as { id: string }[]).map((row) => row.id));
      cursor = body['next_cursor'] as string | null;
    }
    expect(new Set(approvals).size).toBe(approvals.length);
    expect(approvals.length).toBeGreaterThan(1);
    for (const bad of ['limit=0', 'limit=1&limit=2', 'cursor=x', 'nonsense=1', 'state=nonsense']) {
      expect((await send(`/v1/calls?${bad}`, key)).body).toMatchObject({
        status: 400,
        code: 'invalid_input',
      });
    }
  });
});

describe('the ledger', () => {
  test('is read with its own scope, in pages, by event', async () => {
    const key = await world.apiKey(['ledger:read']);
    const { body } = await send('/v1/ledger?limit=2', key);
    expect((body['entries'] as { seq: number }[]).map((entry) => entry.seq)).toEqual([1, 2]);
    expect(body['next_cursor']).toBe('2');
    expect(
      ((await send('/v1/ledger?limit=2&cursor=2', key)).body['entries'] as { seq: number }[])[0]?.seq,
    ).toBe(3);
    const waiting = (await send('/v1/ledger?event=CALL_WAITING', key)).body['entries'] as { event: string }[];
    expect(new Set(waiting.map((entry) => entry.event))).toEqual(new Set(['CALL_WAITING']));
    for (const token of [await world.apiKey(['calls:read']), await agentToken()]) {
      expect((await send('/v1/ledger', token)).body).toMatchObject({
        status: 403,
        required_scope: 'ledger:read',
      });
      expect((await send('/v1/ledger/export', token)).status).toBe(403);
    }
  });

  test('its export verifies, is whole, and stands in it', async () => {
    const { text, headers } = await send('/v1/ledger/export', await world.apiKey(['ledger:read']));
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    const lines = text.trimEnd().split('\n');
    const proof = verifyLedger(lines);
    expect(proof).toMatchObject({ problems: [], firstSeq: 1, entries: lines.length });
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ event: 'ledger_exported' });
  });
});

describe('OpenAPI', () => {
  test('the committed description is what the server answers', async () => {
    const committed = await readFile(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
    const { body } = await send('/v1/openapi.json', null);
    expect(body).toEqual(JSON.parse(committed));
    expect(body).toEqual(JSON.parse(JSON.stringify(openApiDocument(world.app.catalogue))));
  });

  test('every reference in it leads somewhere, and every tool is there', async () => {
    const { body } = await send('/v1/openapi.json', null);
    const refs = [...JSON.stringify(body).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1]!);
    const at = (path: string) =>
      path
        .split('/')
        .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], body);
    expect(refs.filter((ref) => at(ref) === undefined)).toEqual([]);
    for (const { tool } of world.app.catalogue.all)
      expect(body['paths']).toHaveProperty([`/v1/tools/${tool.name}`]);
  });

  test('other addresses are somebody else’s', async () => {
    for (const path of ['/v1/scim/v2/Users', '/v1/toolsx', '/mcp'])
      expect(await rest.fetch(new Request(`${BASE}${path}`))).toBeNull();
  });
});

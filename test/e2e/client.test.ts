import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  createClient,
  introspectWithKey,
  mcpTransportFetch,
  ProkuraError,
  verifyDelegation,
  type ClientOptions,
} from '#client/index.ts';
import { samplePerson } from '#sandbox/company.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let agent: TestAgent;
let mandateId: string;
let issuer: string;
/** Server and client share a clock, which a test may move forward. */
let shiftMs = 0;
const now = () => new Date(Date.now() + shiftMs);

beforeAll(async () => {
  world = await openWorld({ holdMs: 300, now });
  agent = await world.agent('client-bot', 'carl');
  mandateId = await world.mandate('bob', agent, { scopes: ['okta.mfa.reset', 'okta.users.read'] });
  issuer = `${world.app.baseUrl}/t/${world.tenantId}`;
});
afterAll(() => world.close());

const client = (more: Partial<ClientOptions> = {}) =>
  createClient({ issuer, clientId: agent.id, privateKey: agent.privateJwk, now, ...more });
const bobs = () => world.okta.tokenFor(samplePerson('bob').email, { scopes: ['delegation:exchange'] });
const failure = async (work: Promise<unknown>): Promise<ProkuraError> => {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ProkuraError);
  return error as ProkuraError;
};

// The first test, because the example is a separate process with the real clock.
test('the example agent asks, waits for the approval, and stops for good when its mandate is revoked', async () => {
  const mine = await world.mandate('bob', agent, { scopes: ['okta.mfa.reset'] });
  const ann = await world.person('ann');
  const env = {
    PATH: process.env['PATH'] ?? '',
    ISSUER: issuer,
    MCP_URL: `${world.app.baseUrl}/mcp`,
    AGENT_ID: agent.id,
    AGENT_KEY: JSON.stringify(agent.privateJwk),
    MANDATE_ID: mine,
    SUBJECT_TOKEN: await bobs(),
    TOOL: 'okta_reset_mfa',
    TOOL_INPUT: JSON.stringify({ person: ann.id, reason: 'She has lost her phone.' }),
  };
  const start = () => {
    const child = spawn(process.execPath, ['--conditions=prokura-source', 'examples/agent/main.ts'], {
      cwd: resolve(import.meta.dirname, '../..'),
      env,
    });
    const run = { said: '', ended: once(child, 'close') as Promise<[number]> };
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (run.said += chunk.toString()));
    return run;
  };
  const first = start();
  await vi.waitFor(() => expect(first.said).toContain('Mona Patel must approve'), 120_000);
  const [{ id } = { id: '' }] = await world.sql<{ id: string }[]>`
    select id from approvals order by created_at desc limit 1`;
  expect((await world.vote('mona', id)).status).toBe('done');
  const [code] = await first.ended;
  expect(first.said).toContain('done: {"removed"');
  expect(code).toBe(0);
  await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: mine, reason: 'enough' });
  const second = start();
  expect((await second.ended)[0]).toBe(1);
  expect(second.said).toContain('This mandate will not work again.');
});

test('preparing the example where there is no sandbox says what to start, and where to look', async () => {
  const child = spawn(process.execPath, ['examples/agent/sandbox.ts'], {
    cwd: resolve(import.meta.dirname, '../..'),
    env: { PATH: process.env['PATH'] ?? '', PROKURA_DATA: '.no-such-folder' },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(said).toBe(
    'There is no .no-such-folder/sandbox-keys.json. Start a sandbox first (npm start), in this folder; if it keeps its data elsewhere, set PROKURA_DATA to that folder.\n',
  );
  expect(code).toBe(1);
});

describe('D7: the client against a running server', () => {
  test('exchanges, keeps the token, and renews it before it ends', async () => {
    const one = client();
    const request = { subject_token: await bobs(), mandate_id: mandateId, scope: 'okta.users.read' };
    const first = await one.exchangeToken(request);
    expect(first).toMatchObject({ token_type: 'Bearer', scope: 'okta.users.read' });
    expect(first.claims).toMatchObject({
      mandate_id: mandateId,
      act: { sub: agent.id },
      tenant: world.tenantId,
    });
    const issued = (await world.ledger('TOKEN_ISSUED')).length;
    const same = await Promise.all(Array.from({ length: 5 }, () => one.exchangeToken(request)));
    expect(new Set(same.map(({ access_token }) => access_token))).toEqual(new Set([first.access_token]));
    expect((await world.ledger('TOKEN_ISSUED')).length).toBe(issued);
    shiftMs += 280_000;
    const renewed = await one.exchangeToken(request);
    expect(renewed.access_token).not.toBe(first.access_token);
    expect(renewed.expiresAt.getTime()).toBeGreaterThan(first.expiresAt.getTime());
    expect((await world.ledger('TOKEN_ISSUED')).length).toBe(issued + 1);
  });

  test('a scope that the mandate does not hold is invalid_scope, and nothing is dropped in silence', async () => {
    const error = await failure(
      client().exchangeToken({
        subject_token: await bobs(),
        mandate_id: mandateId,
        scope: 'okta.users.suspend',
      }),
    );
    expect(error).toMatchObject({ code: 'invalid_scope', status: 400, terminal: false, retryable: false });
    expect(error.description).toContain('okta.users.suspend');
  });

  test('a key that is not the agent’s is invalid_client; a server that is not there is unavailable', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const stranger = client({ privateKey: await exportJWK(privateKey) });
    const request = { subject_token: await bobs(), mandate_id: mandateId };
    expect(await failure(stranger.exchangeToken(request))).toMatchObject({
      code: 'invalid_client',
      status: 401,
    });
    const nowhere = client({ issuer: `http://127.0.0.1:9/t/${world.tenantId}` });
    expect(await failure(nowhere.exchangeToken(request))).toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
  });

  test('a revoked mandate is terminal', async () => {
    const one = client();
    const doomed = await world.mandate('bob', agent, { scopes: ['okta.users.read'] });
    const request = { subject_token: await bobs(), mandate_id: doomed };
    const { access_token: token } = await one.exchangeToken(request);
    expect(await one.introspect(token)).toMatchObject({ active: true, mandate_id: doomed });
    await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: doomed, reason: 'enough' });
    expect(await one.introspect(token)).toEqual({ active: false });
    one.forget({ mandate_id: doomed });
    expect(await failure(one.exchangeToken(request))).toMatchObject({
      code: 'invalid_grant',
      mandateStatus: 'revoked',
      reason: 'mandate_revoked',
      terminal: true,
    });
  });

  test('a revoked token is dead, and the next one is another', async () => {
    const one = client();
    const request = { subject_token: await bobs(), mandate_id: mandateId };
    const { access_token: token } = await one.exchangeToken(request);
    await one.revoke(token);
    expect(await one.introspect(token)).toEqual({ active: false });
    const { access_token: next } = await one.exchangeToken(request);
    expect(await one.introspect(next)).toMatchObject({ active: true });
  });

  test('an MCP transport gets a good token for each request, and is told when the mandate has ended', async () => {
    const one = client();
    const mine = await world.mandate('bob', agent, { scopes: ['okta.users.read'] });
    const mcp = new Client({ name: 'e2e', version: '1' });
    const fetch = mcpTransportFetch(one, { subject: 'bob', subject_token: bobs, mandate_id: mine });
    await mcp.connect(new StreamableHTTPClientTransport(new URL(`${world.app.baseUrl}/mcp`), { fetch }));
    const look = () => mcp.callTool({ name: 'okta_find_user', arguments: { query: 'ann' } });
    expect((await look()).structuredContent).toMatchObject({ status: 'done' });
    shiftMs += 600_000;
    expect((await look()).structuredContent).toMatchObject({ status: 'done' });
    await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: mine, reason: 'enough' });
    await expect(look()).rejects.toMatchObject({ terminal: true });
    await mcp.close();
  });
});

describe('verifyDelegation against a running server', () => {
  const verifier = (more: Partial<Parameters<typeof verifyDelegation>[0]> = {}) =>
    verifyDelegation({ issuer, audience: `${world.app.baseUrl}/mcp`, statusList: 'optional', now, ...more });
  const live = async () =>
    (await client().exchangeToken({ subject_token: await bobs(), mandate_id: mandateId })).access_token;

  test('accepts a live token', async () => {
    const claims = await verifier()(await live());
    expect(claims).toMatchObject({
      sub: `oidc:okta:${samplePerson('bob').oktaId}`,
      mandate_id: mandateId,
      tenant: world.tenantId,
    });
    expect(claims.scope.split(' ').sort()).toEqual(['okta.mfa.reset', 'okta.users.read']);
  });

  test('refuses it for another audience or issuer, and once it has expired', async () => {
    const token = await live();
    const verify = verifier();
    await verify(token);
    expect(await failure(verifier({ audience: `${world.app.baseUrl}/v1` })(token))).toMatchObject({
      reason: 'audience',
    });
    const elsewhere = issuer.replace('127.0.0.1', 'localhost');
    expect(await failure(verifier({ issuer: elsewhere })(token))).toMatchObject({ reason: 'issuer' });
    const later = verifier({ now: () => new Date(now().getTime() + 306_000) });
    expect(await failure(later(token))).toMatchObject({ code: 'invalid_token', reason: 'expired' });
  });

  test('refuses HS256 with the public key as secret, none, and a key of somebody else', async () => {
    const [head = '', body = ''] = (await live()).split('.');
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as { kid: string };
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
    const jwks = (await (await fetch(`${issuer}/oauth2/jwks`)).json()) as { keys: unknown[] };
    const secret = new TextEncoder().encode(JSON.stringify(jwks.keys[0]));
    const hs256 = await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'HS256' }).sign(secret);
    const { privateKey } = await generateKeyPair('ES256');
    const forged = await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'ES256' }).sign(privateKey);
    const none = `${Buffer.from(JSON.stringify({ ...header, alg: 'none' })).toString('base64url')}.${body}.`;
    const verify = verifier();
    expect(await failure(verify(hs256))).toMatchObject({ reason: 'algorithm' });
    expect(await failure(verify(none))).toMatchObject({ reason: 'algorithm' });
    expect(await failure(verify(forged))).toMatchObject({ reason: 'signature' });
  });

  test('by introspection a revoked mandate is noticed at once', async () => {
    const doomed = await world.mandate('bob', agent, { scopes: ['okta.users.read'] });
    const one = client();
    const { access_token: token } = await one.exchangeToken({
      subject_token: await bobs(),
      mandate_id: doomed,
    });
    // At this time the cached list has not expired. A new list would also show the revocation.
    const at = now();
    const byAgent = verifier({ introspect: one.introspect, now: () => at });
    await byAgent(token);
    const withoutKey = introspectWithKey({ issuer, apiKey: 'tnt_none:mk_none' });
    expect(await failure(verifier({ introspect: withoutKey })(token))).toMatchObject({
      code: 'unavailable',
      status: 503,
    });
    await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: doomed, reason: 'enough' });
    expect(await failure(byAgent(token))).toMatchObject({ reason: 'inactive' });
  });
});

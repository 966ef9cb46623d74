import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient, mcpTransportFetch, verifyDelegation } from '#client/index.ts';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { samplePerson } from '#sandbox/company.ts';
import { athOf, jktOf, newProofKey, proofBy, wrongProofs } from '../support/dpop.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let agent: TestAgent;
let mandateId: string;
let issuer: string;
const key = newProofKey();
const WRONG = wrongProofs(key);

beforeAll(async () => {
  world = await openWorld();
  agent = await world.agent('dpop-bot', 'carl');
  mandateId = await world.mandate('bob', agent, { scopes: ['okta.users.read'] });
  issuer = `${world.app.baseUrl}/t/${world.tenantId}`;
});
afterAll(() => world.close());

const tokenUrl = () => `${issuer}/oauth2/token`;
async function exchange(dpop: string | null, form: Record<string, string> = {}) {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: await world.okta.tokenFor(samplePerson('bob').email, { scopes: ['delegation:exchange'] }),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    mandate_id: mandateId,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await world.assertion(agent),
    ...form,
  });
  const response = await fetch(tokenUrl(), {
    method: 'POST',
    body,
    headers: dpop === null ? {} : { dpop },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const bound = async (audience: 'v1' | 'mcp' = 'v1', form: Record<string, string> = {}) => {
  const answer = await exchange(await proofBy(key, 'POST', tokenUrl()), {
    audience: `${world.app.baseUrl}/${audience}`,
    ...form,
  });
  expect(answer.status).toBe(200);
  return answer.body;
};
const tools = () => `${world.app.baseUrl}/v1/tools`;
const get = async (authorization: string, dpop: string | null, url = tools()) => {
  const response = await fetch(url, { headers: { authorization, ...(dpop === null ? {} : { dpop }) } });
  return { status: response.status, challenge: response.headers.get('www-authenticate') ?? '' };
};

describe('T25: at the token endpoint', () => {
  test('a proof binds the token to its key: token_type DPoP and cnf.jkt; without one it is Bearer', async () => {
    const body = await bound();
    expect(body['token_type']).toBe('DPoP');
    const jkt = await jktOf(key);
    expect(decodeJwt(String(body['access_token']))['cnf']).toEqual({ jkt });
    expect((await world.ledger('TOKEN_ISSUED')).at(-1)?.data).toMatchObject({ jkt });
    const plain = await exchange(null);
    expect(plain.body['token_type']).toBe('Bearer');
    expect(decodeJwt(String(plain.body['access_token']))['cnf']).toBeUndefined();
  });

  test.each(WRONG)('%s is invalid_dpop_proof, and no token', async (_, change) => {
    const answer = await exchange(await proofBy(key, 'POST', tokenUrl(), null, change(tokenUrl())));
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
    expect(answer.body['access_token']).toBeUndefined();
  });

  test('a proof is good once, and two headers are none', async () => {
    const one = await proofBy(key, 'POST', tokenUrl());
    expect((await exchange(one)).status).toBe(200);
    expect((await exchange(one)).body).toMatchObject({ error: 'invalid_dpop_proof' });
    const two = `${await proofBy(key, 'POST', tokenUrl())}, ${await proofBy(key, 'POST', tokenUrl())}`;
    expect((await exchange(two)).body).toMatchObject({ error: 'invalid_dpop_proof' });
    expect((await world.ledger('TOKEN_REFUSED')).at(-1)?.data).toMatchObject({ error: 'invalid_dpop_proof' });
  });
});

describe('T25: with a bound token', () => {
  test('a proof for this request and this token is let in, once; query and fragment are no part of htu', async () => {
    const token = String((await bound())['access_token']);
    const one = await proofBy(key, 'GET', tools(), token);
    expect((await get(`DPoP ${token}`, one, `${tools()}?a=b`)).status).toBe(200);
    const again = await get(`DPoP ${token}`, one);
    expect(again.status).toBe(401);
    expect(again.challenge).toMatch(/^DPoP error="invalid_dpop_proof".*algs="ES256"/);
  });

  test.each([
    ...WRONG,
    ['another token', () => ({ claims: { ath: athOf('x') } })],
    ['no ath', () => ({ claims: { ath: undefined } })],
  ] as typeof WRONG)('%s is refused with a DPoP challenge', async (_, change) => {
    const token = String((await bound())['access_token']);
    const answer = await get(`DPoP ${token}`, await proofBy(key, 'GET', tools(), token, change(tools())));
    expect(answer.status).toBe(401);
    expect(answer.challenge).toContain('DPoP error="invalid_dpop_proof"');
  });

  test('another key, no proof, and the scheme Bearer are refused; an unbound token is not for DPoP', async () => {
    const token = String((await bound())['access_token']);
    const refused = [
      await get(`DPoP ${token}`, await proofBy(newProofKey(), 'GET', tools(), token)),
      await get(`DPoP ${token}`, null),
      await get(`Bearer ${token}`, null),
      await get(`Bearer ${token}`, await proofBy(key, 'GET', tools(), token)),
    ];
    for (const { status, challenge } of refused) {
      expect(status).toBe(401);
      expect(challenge).toContain('DPoP error="invalid_token"');
    }
    const plain = await world.token(agent, 'bob', mandateId, { audience: `${world.app.baseUrl}/v1` });
    expect((await get(`DPoP ${plain}`, await proofBy(key, 'GET', tools(), plain))).status).toBe(401);
    expect((await get(`Bearer ${plain}`, null)).status).toBe(200);
    expect((await get(`DPoP ${world.company.api_keys.admin}`, null)).status).toBe(401);
  });

  test('MCP asks for the proof too, and introspection says that there must be one', async () => {
    const token = String((await bound('mcp'))['access_token']);
    const url = `${world.app.baseUrl}/mcp`;
    const ask = async (authorization: string, dpop: string | null) =>
      fetch(url, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', ...(dpop === null ? {} : { dpop }) },
        body: '{}',
      });
    const refused = await ask(`Bearer ${token}`, null);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(
      /^DPoP error="invalid_token".*resource_metadata=/,
    );
    expect((await ask(`DPoP ${token}`, await proofBy(key, 'POST', url, token))).status).not.toBe(401);
    const seen = await fetch(`${issuer}/oauth2/introspect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.company.api_keys.admin}` },
      body: new URLSearchParams({ token }),
    });
    expect(await seen.json()).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: await jktOf(key) },
    });
  });
});

describe('a bound token as the subject of an exchange', () => {
  const providers = async () =>
    world.okta.tokenFor(samplePerson('bob').email, {
      scopes: ['delegation:create', 'delegation:read'],
      claims: { cnf: { jkt: await jktOf(key) } },
    });

  test('of the provider: only with a proof by the key that the provider bound it to', async () => {
    const subject_token = await providers();
    const form = { subject_token };
    expect((await exchange(await proofBy(key, 'POST', tokenUrl()), form)).body['token_type']).toBe('DPoP');
    for (const dpop of [null, await proofBy(newProofKey(), 'POST', tokenUrl())]) {
      const { status, body } = await exchange(dpop, form);
      expect({ status, body }).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
      expect(body['error_description']).toContain('bound');
    }
    const mtls = await world.okta.tokenFor(samplePerson('bob').email, {
      scopes: ['delegation:exchange'],
      claims: { cnf: { 'x5t#S256': 'x' } },
    });
    expect((await exchange(null, { subject_token: mtls })).body['error']).toBe('invalid_request');
  });

  test('of the provider, at REST: only with a proof for that request', async () => {
    const token = await providers();
    const url = `${world.app.baseUrl}/v1/calls`;
    expect((await get(`DPoP ${token}`, await proofBy(key, 'GET', url, token), url)).status).toBe(200);
    for (const [scheme, dpop] of [
      ['Bearer', null],
      ['Bearer', await proofBy(key, 'GET', url, token)],
      ['DPoP', await proofBy(newProofKey(), 'GET', url, token)],
      ['DPoP', null],
    ] as const) {
      const { status, challenge } = await get(`${scheme} ${token}`, dpop, url);
      expect(status).toBe(401);
      expect(challenge).toContain('DPoP error="invalid_token"');
    }
  });

  test('of ours: what the next agent makes of it is bound too, to a key of its own', async () => {
    const first = await world.mandate('bob', agent, { scopes: ['okta.users.read'], may_delegate: 1 });
    const next = await world.agent('dpop-next', 'bob');
    const token = String((await bound('v1', { mandate_id: first }))['access_token']);
    const url = `${world.app.baseUrl}/v1/tools/mandate_delegate`;
    const handed = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `DPoP ${token}`,
        dpop: await proofBy(key, 'POST', url, token),
        'content-type': 'application/json',
      },
      body: JSON.stringify({ agent: next.name, purpose: 'a part of it' }),
    });
    const { result } = (await handed.json()) as { result: { mandate_id: string } };
    const mandate_id = result.mandate_id;
    const hand = async (dpop: string | null) =>
      exchange(dpop, { subject_token: token, mandate_id, client_assertion: await world.assertion(next) });
    const own = newProofKey();
    expect((await hand(null)).body).toMatchObject({ error: 'invalid_request' });
    const { status, body } = await hand(await proofBy(own, 'POST', tokenUrl()));
    expect({ status, body }).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    expect(decodeJwt(String(body['access_token']))['cnf']).toEqual({ jkt: await jktOf(own) });
  });
});

test('metadata of issuer and resource name ES256; prokura/client with dpop works through MCP, REST and a resource server', async () => {
  for (const document of [
    `${issuer}/.well-known/oauth-authorization-server`,
    `${world.app.baseUrl}/.well-known/oauth-protected-resource/mcp`,
  ])
    expect(await (await fetch(document)).json()).toMatchObject({
      dpop_signing_alg_values_supported: ['ES256'],
    });
  const client = createClient({ issuer, clientId: agent.id, privateKey: agent.privateJwk, dpop: true });
  const subject_token = await world.okta.tokenFor(samplePerson('bob').email, {
    scopes: ['delegation:exchange'],
  });
  const request = { subject_token, mandate_id: mandateId };
  const transport = new StreamableHTTPClientTransport(new URL(`${world.app.baseUrl}/mcp`), {
    fetch: mcpTransportFetch(client, request),
  });
  const mcp = new Client({ name: 'dpop', version: '1.0.0' });
  await mcp.connect(transport);
  expect((await mcp.listTools()).tools.length).toBeGreaterThan(0);
  await mcp.close();
  const issued = await client.exchangeToken(request);
  expect(issued.token_type).toBe('DPoP');
  const verify = verifyDelegation({ issuer, audience: `${world.app.baseUrl}/mcp` });
  await expect(verify(issued.access_token)).rejects.toMatchObject({ reason: 'dpop_required' });
  expect(await client.introspect(issued.access_token)).toMatchObject({ active: true, token_type: 'DPoP' });
});

import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pkce } from '../support/browser.ts';
import { athOf, jktOf, newProofKey, proofBy, wrongProofs } from '../support/dpop.ts';
import { openWorld, type World } from '../support/world.ts';
import { CLIENT, clientDocument, codeForm, REDIRECT, signIns, type SignIns } from '../support/sign-ins.ts';

const key = newProofKey();
/** How far from now `oidc-provider` accepts the time of a proof, in seconds. */
const LIBRARY_SECONDS = 300;
let world: World;
let signing: SignIns;
let issuer: string;
/** The requirements that the client states in its document. */
let demands: Record<string, unknown> = {};

beforeAll(async () => {
  world = await openWorld({ oauth: { fetch: () => Promise.resolve(clientDocument(demands)) } });
  signing = signIns(world);
  issuer = world.company.issuer;
});
afterAll(() => world.close());

const tokenUrl = () => `${issuer}/oauth2/token`;
const proof = (of = key) => proofBy(of, 'POST', tokenUrl());
const refreshForm = (refresh_token: string) => ({ grant_type: 'refresh_token', refresh_token });
const forRest = () => ({ query: { resource: `${world.app.baseUrl}/v1` } });
async function look(url: string, scheme: string, token: string, dpop?: string, method = 'GET') {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `${scheme} ${token}`,
      'content-type': 'application/json',
      ...(dpop === undefined ? {} : { dpop }),
    },
    ...(method === 'GET' ? {} : { body: '{}' }),
  });
  return { status: response.status, challenge: response.headers.get('www-authenticate') ?? '' };
}

describe('a code that is redeemed with a proof', () => {
  test('gives an access token that is bound to the key, and says so in the answer, at introspection and in the ledger', async () => {
    const { access, body } = await signing.signedIn(forRest(), await proof());
    const cnf = { jkt: await jktOf(key) };
    expect(body['token_type']).toBe('DPoP');
    expect(decodeJwt(access)['cnf']).toEqual(cnf);
    expect((await world.ledger('TOKEN_ISSUED')).at(-1)?.data).toMatchObject(cnf);
    const seen = await fetch(`${issuer}/oauth2/introspect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.company.api_keys.admin}` },
      body: new URLSearchParams({ token: access }),
    });
    expect(await seen.json()).toMatchObject({ active: true, token_type: 'DPoP', cnf });
  });

  test('REST and MCP take it with a proof for each request, once, and in no other way', async () => {
    const { access } = await signing.signedIn(forRest(), await proof());
    const url = `${world.app.baseUrl}/v1/tools`;
    const one = await proofBy(key, 'GET', url, access);
    expect((await look(url, 'DPoP', access, one)).status).toBe(200);
    for (const [scheme, dpop] of [
      ['DPoP', one],
      ['DPoP', undefined],
      ['Bearer', undefined],
      ['Bearer', await proofBy(key, 'GET', url, access)],
      ['DPoP', await proofBy(newProofKey(), 'GET', url, access)],
      ['DPoP', await proofBy(key, 'GET', url, access, { claims: { ath: athOf('x') } })],
    ] as const) {
      const { status, challenge } = await look(url, scheme, access, dpop);
      expect(status).toBe(401);
      expect(challenge).toMatch(/^DPoP error="invalid_(?:token|dpop_proof)"/);
    }
    const mcp = `${world.app.baseUrl}/mcp`;
    const forMcp = (await signing.signedIn({}, await proof())).access;
    expect((await look(mcp, 'Bearer', forMcp, undefined, 'POST')).challenge).toMatch(
      /^DPoP error="invalid_token".*resource_metadata=/,
    );
    const good = await look(mcp, 'DPoP', forMcp, await proofBy(key, 'POST', mcp, forMcp), 'POST');
    expect(good.status).not.toBe(401);
  });

  test.each(wrongProofs(key, LIBRARY_SECONDS))(
    '%s is invalid_dpop_proof, and leaves the code as it was',
    async (_, change) => {
      const { code, verifier } = await signing.toCode();
      const wrong = await proofBy(key, 'POST', tokenUrl(), null, change(tokenUrl()));
      const { status, body } = await signing.redeem(codeForm(code, verifier), wrong);
      expect({ status, body }).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
      expect((await signing.redeem(codeForm(code, verifier), await proof())).status).toBe(200);
    },
  );

  test('a proof is good once: of two codes it redeems one', async () => {
    const [first, second] = [await signing.toCode(), await signing.toCode()];
    const one = await proof();
    expect((await signing.redeem(codeForm(first.code, first.verifier), one)).status).toBe(200);
    const { status, body } = await signing.redeem(codeForm(second.code, second.verifier), one);
    expect({ status, body }).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });
});

describe('dpop_jkt', () => {
  const bound = async () => {
    const { code, verifier } = await signing.toCode({ query: { dpop_jkt: await jktOf(key) } });
    return codeForm(code, verifier);
  };

  test('binds the code to the key: without a proof by that key it is worth nothing', async () => {
    expect((await signing.redeem(await bound())).body['error']).toBe('invalid_grant');
    expect((await signing.redeem(await bound(), await proof(newProofKey()))).body['error']).toBe(
      'invalid_grant',
    );
    expect((await signing.redeem(await bound(), await proof())).body['token_type']).toBe('DPoP');
  });

  test('a pushed request with a proof binds its code to the key; one that names another key is refused', async () => {
    const par = `${issuer}/oauth2/par`;
    const { verifier, challenge } = pkce();
    const push = async (form: Record<string, string>) =>
      fetch(par, {
        method: 'POST',
        headers: { dpop: await proofBy(key, 'POST', par) },
        body: new URLSearchParams({
          client_id: CLIENT,
          response_type: 'code',
          redirect_uri: REDIRECT,
          scope: 'okta.users.read',
          code_challenge: challenge,
          code_challenge_method: 'S256',
          ...form,
        }),
      });
    expect((await push({ dpop_jkt: await jktOf(newProofKey()) })).status).toBe(400);
    const pushedCode = async () => {
      const { request_uri } = (await (await push({})).json()) as { request_uri: string };
      return codeForm((await signing.toCode({ query: { request_uri } })).code, verifier);
    };
    expect((await signing.redeem(await pushedCode())).body['error']).toBe('invalid_grant');
    expect((await signing.redeem(await pushedCode(), await proof())).body['token_type']).toBe('DPoP');
  });
});

describe('the refresh token of a client without credentials', () => {
  test('is bound to the key too: without a proof, or by another key, it gives nothing, and stays good for its holder', async () => {
    const { refresh } = await signing.signedIn({}, await proof());
    expect((await signing.redeem(refreshForm(refresh))).body['error']).toBe('invalid_grant');
    const stolen = await signing.redeem(refreshForm(refresh), await proof(newProofKey()));
    expect(stolen.body['error']).toBe('invalid_grant');
    const { status, body } = await signing.redeem(refreshForm(refresh), await proof());
    expect({ status, body }).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    expect(decodeJwt(String(body['access_token']))['cnf']).toEqual({ jkt: await jktOf(key) });
    // The next token is bound to the same key.
    const next = refreshForm(String(body['refresh_token']));
    expect((await signing.redeem(next)).body['error']).toBe('invalid_grant');
    expect((await signing.redeem(next, await proof())).status).toBe(200);
  });

  test('spent, it answers its key alone for 30 seconds; after that, with a proof as good as the first, it ends the whole family', async () => {
    const { refresh } = await signing.signedIn({}, await proof());
    const second = await signing.redeem(refreshForm(refresh), await proof());
    expect(second.status).toBe(200);
    for (const other of [undefined, await proof(newProofKey())])
      expect((await signing.redeem(refreshForm(refresh), other)).body['error']).toBe('invalid_grant');
    const again = await signing.redeem(refreshForm(refresh), await proof());
    expect(again.body['refresh_token']).toBe(second.body['refresh_token']);
    await world.sql`update oidc_models set consumed_at = consumed_at - interval '30 seconds' where kind = 'RefreshToken'`;
    expect((await signing.redeem(refreshForm(refresh), await proof())).body['error']).toBe('invalid_grant');
    const next = refreshForm(String(second.body['refresh_token']));
    expect((await signing.redeem(next, await proof())).body['error']).toBe('invalid_grant');
  });
});

test('a client whose document says dpop_bound_access_tokens gets no token without a proof', async () => {
  demands = { client_id: 'https://client.example/bound.json', dpop_bound_access_tokens: true };
  const query = { client_id: 'https://client.example/bound.json' };
  const redeem = async (dpop?: string) => {
    const { code, verifier } = await signing.toCode({ query });
    return signing.redeem(codeForm(code, verifier, query), dpop);
  };
  expect((await redeem()).body['error']).toBe('invalid_grant');
  expect((await redeem(await proof())).body['token_type']).toBe('DPoP');
});

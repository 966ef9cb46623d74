import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { suspendHere } from '#domain/person/suspend.ts';
import { createSigningKey } from '#domain/token/keys/signing-keys.ts';
import { transact } from '#engine/transact.ts';
import { samplePerson } from '#sandbox/company.ts';
import { browserSide } from '#surfaces/oauth/browser/index.ts';
import { Browser, pkce } from '../support/browser.ts';
import { openWorld, type World } from '../support/world.ts';
import { CLIENT, clientDocument, codeForm, REDIRECT, signIns, type SignIns } from '../support/sign-ins.ts';

const documents: Record<string, () => Response> = {
  [CLIENT]: clientDocument,
  'https://other.example/stolen.json': () => Response.json({ client_id: CLIENT, redirect_uris: [REDIRECT] }),
  'https://moved.example/doc.json': () => Response.redirect('https://client.example/mcp.json', 302),
};

let world: World;
let issuer: string;
beforeAll(async () => {
  world = await openWorld({
    oauth: {
      fetch: (input) => {
        const { url } = new Request(input);
        return Promise.resolve(documents[url]?.() ?? new Response('', { status: 404 }));
      },
    },
  });
  issuer = `${world.url}/t/${world.tenantId}`;
  ({ toConsent, toCode, redeem, signedIn } = signIns(world));
});
afterAll(() => world.close());

let toConsent: SignIns['toConsent'];
let toCode: SignIns['toCode'];
let redeem: SignIns['redeem'];
let signedIn: SignIns['signedIn'];
const callMcp = (token: string, method: string, params: Record<string, unknown> = {}) =>
  fetch(`${world.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });

const toolCall = async (token: string, name: string, args: Record<string, unknown>) => {
  const response = await callMcp(token, 'tools/call', { name, arguments: args });
  const text = await response.text();
  const json = text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? '{}');
  return (JSON.parse(json) as { result: { structuredContent: Record<string, unknown> } }).result
    .structuredContent;
};
const listTools = async (token: string): Promise<string[]> => {
  const response = await callMcp(token, 'tools/list');
  const text = await response.text();
  const json = text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? '{}');
  return (JSON.parse(json) as { result: { tools: { name: string }[] } }).result.tools.map(({ name }) => name);
};
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

describe('signing in', () => {
  test('the token is short, for one resource, and acts through the client', async () => {
    const { access, body } = await signedIn();
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'okta.users.read', expires_in: 300 });
    const claims = claimsOf(access);
    expect(claims).toMatchObject({
      iss: issuer,
      sub: `oidc:okta:${samplePerson('mona').oktaId}`,
      aud: `${world.url}/mcp`,
      client_id: CLIENT,
      scope: 'okta.users.read',
      act: { sub: CLIENT },
      tenant: world.tenantId,
    });
    expect(claims['mandate_id']).toBeUndefined();
    expect(Number(claims['exp']) - Number(claims['iat'])).toBeLessThanOrEqual(300);
    const issued = await world.ledger('TOKEN_ISSUED');
    expect(issued.at(-1)?.data).toMatchObject({ client_id: CLIENT, jti: claims['jti'] });
  });

  test('tools are held to what the person let the client have', async () => {
    const { access } = await signedIn();
    const names = await listTools(access);
    expect(names).toContain('okta_find_user');
    expect(names).not.toContain('okta_reset_password');
    expect(names).not.toContain('approval_decide');
    expect(await toolCall(access, 'okta_find_user', { query: 'carl' })).toMatchObject({ status: 'done' });
    const carl = (await world.person('carl')).id;
    const lacking = await callMcp(access, 'tools/call', {
      name: 'okta_reset_password',
      arguments: { person: carl },
    });
    expect(lacking.status).toBe(403);
    expect(
      await toolCall(access, 'approval_decide', { approval_id: 'apr_1', decision: 'approve', version: 1 }),
    ).toMatchObject({ status: 'denied', code: 'not_for_agents' });
  });

  test('the policies for agents hold for a client: what changes Okta waits for an approval', async () => {
    const { access } = await signedIn({
      person: 'bob',
      query: { scope: 'okta.users.read okta.password.reset mandate.create' },
    });
    expect(claimsOf(access)['scope']).toBe('okta.users.read okta.password.reset');
    const report = (await world.person('carl')).id;
    const answer = await toolCall(access, 'okta_reset_password', { person: report });
    expect(answer).toMatchObject({ status: 'pending_approval' });
  });

  test('a client that names no scope gets those that only look; one that names no resource gets this tenant', async () => {
    const { verifier, challenge } = pkce();
    const browser = new Browser();
    const address = new URL(`${issuer}/oauth2/authorize`);
    address.search = new URLSearchParams({
      response_type: 'code',
      client_id: CLIENT,
      redirect_uri: REDIRECT,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    }).toString();
    let page = await browser.go(address, REDIRECT);
    page = await browser.press(page, { name: 'login', value: samplePerson('faye').email }, REDIRECT);
    page = await browser.press(page, { name: 'decision', value: 'approve' }, REDIRECT);
    const { body } = await redeem(codeForm(page.url.searchParams.get('code') ?? '', verifier));
    expect(claimsOf(String(body['access_token']))).toMatchObject({
      aud: `${issuer}/mcp`,
      scope: expect.stringContaining('okta.users.read'),
    });
  });

  test('a resource that is not ours is refused, and the answer says who refused it', async () => {
    const { page } = await toConsent({ query: { resource: 'https://elsewhere.example/mcp' } });
    expect(page.url.searchParams.get('error')).toBe('invalid_target');
    expect(page.url.searchParams.get('iss')).toBe(issuer);
  });

  test('a delegation cannot be made from a client token', async () => {
    const { access } = await signedIn();
    const { body } = await redeem({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: access,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    expect(body['access_token']).toBeUndefined();
  });

  test('pushed requests go the same way, once', async () => {
    const { verifier, challenge } = pkce();
    const pushed = await fetch(`${issuer}/oauth2/par`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: CLIENT,
        response_type: 'code',
        redirect_uri: REDIRECT,
        scope: 'okta.users.read',
        code_challenge: challenge,
        code_challenge_method: 'S256',
      }),
    });
    expect(pushed.status).toBe(201);
    const { request_uri } = (await pushed.json()) as { request_uri: string };
    const browser = new Browser();
    const address = `${issuer}/oauth2/authorize?client_id=${encodeURIComponent(CLIENT)}&request_uri=${encodeURIComponent(request_uri)}`;
    let page = await browser.go(address, REDIRECT);
    page = await browser.press(page, { name: 'login', value: samplePerson('bob').email }, REDIRECT);
    page = await browser.press(page, { name: 'decision', value: 'approve' }, REDIRECT);
    expect((await redeem(codeForm(page.url.searchParams.get('code') ?? '', verifier))).status).toBe(200);
    const again = await browser.go(address, REDIRECT);
    expect(again.url.searchParams.get('code')).toBeNull();
  });
});

describe('consent', () => {
  test('the page names client, redirect, person and abilities, runs no script and cannot be framed', async () => {
    const { page } = await toConsent({ person: 'carl' });
    expect(page.status).toBe(200);
    expect(page.text).toContain('Example &lt;Client&gt;');
    expect(page.text).toContain('client.example');
    expect(page.text).toContain(samplePerson('carl').email);
    expect(page.text).toContain('okta.users.read');
    expect(page.text).not.toContain('<script');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain('https://client.example');
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  test('is remembered for this client and these scopes, and asked again for more', async () => {
    await signedIn({ person: 'ann' });
    const again = await toConsent({ person: 'ann' });
    expect(again.page.url.searchParams.get('code')).not.toBeNull();
    const more = await toConsent({ person: 'ann', query: { scope: 'okta.users.read okta.mfa.reset' } });
    expect(more.page.text).toContain('okta.mfa.reset');
  });

  test('is asked each time, with a warning, where the answer stays on the computer', async () => {
    const redirect_uri = 'http://127.0.0.1:49152/callback';
    for (let round = 0; round < 2; round += 1) {
      const { verifier, challenge } = pkce();
      const { browser, page } = await toConsent({ person: 'ann', challenge, query: { redirect_uri } });
      expect(page.text).toContain('on this computer');
      const back = await browser.press(page, { name: 'decision', value: 'approve' }, redirect_uri);
      const code = back.url.searchParams.get('code') ?? '';
      expect((await redeem(codeForm(code, verifier, { redirect_uri }))).status).toBe(200);
    }
  });

  test('refused: the client learns access_denied, with iss and state, and nothing else', async () => {
    const { back } = await toCode({ person: 'nina', decision: 'deny', query: { scope: 'okta.mfa.reset' } });
    expect(back.searchParams.get('error')).toBe('access_denied');
    expect(back.searchParams.get('error_description')).toBe('the person denied access here');
    expect(back.searchParams.get('iss')).toBe(issuer);
    expect(back.searchParams.get('state')).toBe('st-1');
    expect(back.searchParams.get('code')).toBeNull();
  });

  test('a decision without the page’s own token, or from another site, decides nothing', async () => {
    const { browser, page } = await toConsent({ person: 'carl' });
    const action = /action="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const forged = await browser.go(
      action,
      REDIRECT,
      new URLSearchParams({ decision: 'approve', csrf: 'x' }),
    );
    expect(forged.status).toBe(400);
    const csrf = /name="csrf" value="([^"]*)"/.exec(page.text)?.[1] ?? '';
    const crossSite = await fetch(action, {
      method: 'POST',
      headers: { cookie: browser.cookiesFor(new URL(action)), origin: 'https://evil.example' },
      body: new URLSearchParams({ decision: 'approve', csrf }),
    });
    expect(crossSite.status).toBe(400);
  });

  test('another browser can neither decide nor finish a login, even with cookies of its own', async () => {
    const victim = await toConsent({ person: 'carl' });
    const attacker = await toConsent({ person: 'nina', query: { scope: 'okta.mfa.reset' } });
    const bare = await new Browser().go(victim.page.url, REDIRECT);
    expect(bare.status).toBe(400);
    const mixed = new Browser();
    attacker.browser.copyTo(mixed, victim.page.url.pathname);
    expect((await mixed.go(victim.page.url, REDIRECT)).status).toBe(400);
    expect(
      (await mixed.press({ ...victim.page }, { name: 'decision', value: 'approve' }, REDIRECT)).status,
    ).toBe(400);
  });

  test('an answer of Okta is taken in the browser that asked for it, once', async () => {
    const browser = new Browser();
    const address = new URL(`${issuer}/oauth2/authorize`);
    address.search = new URLSearchParams({
      response_type: 'code',
      client_id: CLIENT,
      redirect_uri: REDIRECT,
      scope: 'okta.users.read',
      code_challenge: pkce().challenge,
      code_challenge_method: 'S256',
    }).toString();
    const picker = await browser.go(address, REDIRECT);
    const answer = await browser.press(
      picker,
      { name: 'login', value: samplePerson('carl').email },
      `${issuer}/oauth2/callback`,
    );
    expect((await new Browser().go(answer.url, REDIRECT)).status).toBe(400);
    const taken = await browser.go(answer.url, REDIRECT);
    expect(taken.text).toContain('Approve');
    expect((await browser.go(answer.url, REDIRECT)).status).toBe(400);
  });
});

describe('codes and refresh tokens', () => {
  test('a wrong verifier, redirect or client gets nothing', async () => {
    const { code, verifier } = await toCode({ person: 'ann' });
    expect((await redeem(codeForm(code, pkce().verifier))).body['error']).toBe('invalid_grant');
    expect(
      (await redeem(codeForm(code, verifier, { redirect_uri: 'http://127.0.0.1:1/callback' }))).body['error'],
    ).toBe('invalid_grant');
    expect(
      (await redeem(codeForm(code, verifier, { client_id: 'https://unknown.example/x.json' }))).body['error'],
    ).toBe('invalid_client');
    expect((await redeem(codeForm(code, verifier))).status).toBe(200);
    expect((await world.ledger('TOKEN_REFUSED')).at(-1)?.data).toMatchObject({ error: 'invalid_client' });
  });

  test('without PKCE, or with the plain method, there is no code', async () => {
    const plain = await toConsent({ query: { code_challenge_method: 'plain' } });
    expect(plain.page.url.searchParams.get('error')).toBe('invalid_request');
    const none = await toConsent({ challenge: '', query: { code_challenge: '', code_challenge_method: '' } });
    expect(none.page.url.searchParams.get('error')).toBe('invalid_request');
  });

  test('a redirect that the client did not name is never gone to', async () => {
    const { page } = await toConsent({ query: { redirect_uri: 'https://client.example/callback/../evil' } });
    expect(page.status).toBe(400);
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  test('ten redemptions of one code at once: exactly one succeeds, and the grant is over', async () => {
    const { code, verifier } = await toCode({ person: 'ann' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(codeForm(code, verifier))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const won = answers.find(({ status }) => status === 200)?.body ?? {};
    const refreshed = await redeem({
      grant_type: 'refresh_token',
      refresh_token: String(won['refresh_token']),
    });
    expect(refreshed.body['error']).toBe('invalid_grant');
    expect((await callMcp(String(won['access_token']), 'tools/list')).status).toBe(401);
  });

  test('a refresh token is good for one use; using it again after its grace ends the whole family', async () => {
    const first = await signedIn({ person: 'bob' });
    const second = await redeem({ grant_type: 'refresh_token', refresh_token: first.refresh });
    expect(second.status).toBe(200);
    expect(claimsOf(String(second.body['access_token']))).toMatchObject({
      aud: `${world.url}/mcp`,
      client_id: CLIENT,
    });
    expect((await callMcp(String(second.body['access_token']), 'tools/list')).status).toBe(200);
    await world.sql`update oidc_models set consumed_at = consumed_at - interval '30 seconds' where kind = 'RefreshToken'`;
    const reused = await redeem({ grant_type: 'refresh_token', refresh_token: first.refresh });
    expect(reused.body['error']).toBe('invalid_grant');
    const third = await redeem({
      grant_type: 'refresh_token',
      refresh_token: String(second.body['refresh_token']),
    });
    expect(third.body['error']).toBe('invalid_grant');
    expect((await callMcp(String(second.body['access_token']), 'tools/list')).status).toBe(401);
  });

  test('a refresh cannot widen: more scopes than were consented to are refused', async () => {
    const { refresh } = await signedIn({ person: 'bob' });
    const wider = await redeem({
      grant_type: 'refresh_token',
      refresh_token: refresh,
      scope: 'okta.users.read okta.mfa.reset',
    });
    expect(wider.body['error']).toBe('invalid_scope');
  });

  test('a client that signs out revokes its refresh token, and its access token with it', async () => {
    const { access, refresh } = await signedIn({ person: 'faye' });
    const revoke = (client_id: string) =>
      fetch(`${issuer}/oauth2/revoke`, {
        method: 'POST',
        body: new URLSearchParams({ client_id, token: refresh }),
      });
    expect((await revoke('https://unknown.example/x.json')).status).toBe(400);
    expect((await callMcp(access, 'tools/list')).status).toBe(200);
    expect((await revoke(CLIENT)).status).toBe(200);
    expect((await callMcp(access, 'tools/list')).status).toBe(401);
    expect((await redeem({ grant_type: 'refresh_token', refresh_token: refresh })).body['error']).toBe(
      'invalid_grant',
    );
  });

  test('a resource server sees at introspection through whom the person acts', async () => {
    const { access } = await signedIn({ person: 'faye' });
    const response = await fetch(`${issuer}/oauth2/introspect`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.company.api_keys.admin}` },
      body: new URLSearchParams({ token: access }),
    });
    expect(await response.json()).toMatchObject({ active: true, client_id: CLIENT, act: { sub: CLIENT } });
  });

  test('nothing that lets somebody in stands in the rows as it is', async () => {
    const { refresh } = await signedIn({ person: 'bob' });
    const rows = await world.sql<{ kind: string }[]>`
      select kind from oidc_models where id = ${refresh} or payload::text like ${`%${refresh}%`}`;
    expect([...rows]).toEqual([]);
  });
});

describe('people who go', () => {
  test('a suspension ends token, refresh and session in one commit, and a later sign-in is refused', async () => {
    const { access, refresh } = await signedIn({ person: 'carl' });
    expect((await callMcp(access, 'tools/list')).status).toBe(200);
    const { id } = await world.person('carl');
    await transact(world.app, world.tenantId, (ctx) => suspendHere(ctx, id, 'a test'));
    const refused = await callMcp(access, 'tools/list');
    expect(refused.status).toBe(401);
    expect((await redeem({ grant_type: 'refresh_token', refresh_token: refresh })).body['error']).toBe(
      'invalid_grant',
    );
    const left =
      await world.sql`select kind from oidc_models where payload->>'accountId' = ${`oidc:okta:${samplePerson('carl').oktaId}`}`;
    expect([...left]).toEqual([]);
    const { page } = await toConsent({ person: 'carl' });
    expect(page.status).toBe(403);
    expect(page.text).toContain('IT admin');
    expect((await world.ledger('identity_refused')).at(-1)?.data).toMatchObject({
      reason: 'principal_inactive',
    });
  });
});

describe('clients', () => {
  test.each([
    'http://client.example/mcp.json',
    'https://other.example/stolen.json',
    'https://moved.example/doc.json',
    'https://nowhere.example/doc.json',
  ])('%s is no client', async (client_id) => {
    const { page } = await toConsent({ query: { client_id } });
    expect(page.status).toBe(400);
    expect(page.text).not.toContain('Approve');
  });

  test('registration is off unless the installation turns it on, and the refusal says what a client does instead', async () => {
    for (const path of ['/oauth2/register', '/oauth2/register/some-client']) {
      const response = await fetch(`${issuer}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: [REDIRECT] }),
      });
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({
        error: 'not_found',
        error_description: expect.stringMatching(/use that URL as client_id.*OAUTH_DCR=1/),
      });
    }
  });
});

describe('metadata', () => {
  const wellKnown = (name: string) => [
    `${issuer}/.well-known/${name}`,
    `${world.url}/.well-known/${name}/t/${world.tenantId}`,
  ];

  test('lists endpoints that work, the same at every address', async () => {
    const documents = await Promise.all(
      [...wellKnown('oauth-authorization-server'), ...wellKnown('openid-configuration')].map(
        async (url) => (await (await fetch(url)).json()) as Record<string, unknown>,
      ),
    );
    const [document = {}] = documents;
    for (const other of documents) expect(other).toEqual(document);
    expect(document).toMatchObject({
      issuer,
      code_challenge_methods_supported: ['S256'],
      response_types_supported: ['code'],
      authorization_response_iss_parameter_supported: true,
      client_id_metadata_document_supported: true,
    });
    expect(document['token_endpoint_auth_methods_supported']).toContain('none');
    expect(document['registration_endpoint']).toBeUndefined();
    for (const [name, url] of Object.entries(document)) {
      if (!/_endpoint$|_uri$/.test(name)) continue;
      const method = /^(?:authorization|status_list_aggregation)_endpoint$|_uri$/.test(name) ? 'GET' : 'POST';
      const { status } = await fetch(String(url), { method });
      expect({ name, known: status !== 404 && status !== 405 && status < 500 }).toEqual({
        name,
        known: true,
      });
    }
  });

  test('where nobody can sign in, it says so nowhere but on a page', async () => {
    const closed = browserSide({ app: world.app, kernel: world.server.kernel, login: null });
    expect(await closed.metadata(world.tenantId)).toBeNull();
    const page = await closed.fetch(world.tenantId, new Request(`${issuer}/oauth2/authorize`));
    expect(page.status).toBe(503);
    expect(await page.text()).toContain('OKTA_LOGIN_CLIENT_ID');
  });

  test('a new signing key is used at once, and tokens under the old one live on', async () => {
    const before = await signedIn({ person: 'ann' });
    await transact(world.app, world.tenantId, (ctx) => createSigningKey(ctx, world.app.secrets));
    world.server.kernel.flushCaches();
    const after = await signedIn({ person: 'ann' });
    const kid = (token: string) =>
      (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;
    expect(kid(after.access)).not.toBe(kid(before.access));
    expect((await callMcp(before.access, 'tools/list')).status).toBe(200);
    expect((await callMcp(after.access, 'tools/list')).status).toBe(200);
  });
});

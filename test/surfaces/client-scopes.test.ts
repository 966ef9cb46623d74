import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientScopes } from '#engine/client-tools.ts';
import { pkce } from '../support/browser.ts';
import { openWorld, type World } from '../support/world.ts';
import { CLIENT, clientDocument, codeForm, signIns, type SignIns } from '../support/sign-ins.ts';

let world: World;
let go: SignIns;
beforeAll(async () => {
  world = await openWorld({
    oauth: {
      fetch: (input) =>
        Promise.resolve(
          new Request(input).url === CLIENT ? clientDocument() : new Response('', { status: 404 }),
        ),
    },
  });
  go = signIns(world);
});
afterAll(() => world.close());

const call = (token: string, name: string, args: Record<string, unknown> = {}, path = '/mcp') =>
  fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
const BOTH = 'okta.users.read okta.mfa.reset';

describe('what a client is offered', () => {
  test('the 401 and the metadata name what people may do with a client, and no governance', async () => {
    const refused = await fetch(`${world.url}/mcp`, { method: 'POST' });
    const challenge = refused.headers.get('www-authenticate') ?? '';
    const scopes = /scope="([^"]*)"/.exec(challenge)?.[1]?.split(' ') ?? [];
    const url = /resource_metadata="([^"]*)"/.exec(challenge)?.[1] ?? '';
    const metadata = (await (await fetch(url)).json()) as { scopes_supported: string[] };
    expect(metadata.scopes_supported).toEqual(scopes);
    expect(scopes).toEqual(clientScopes(world.app));
    expect(scopes).toEqual(
      expect.arrayContaining(['okta.users.read', 'okta.mfa.reset', 'okta.password.reset']),
    );
    for (const never of [
      'offline_access',
      'implied',
      'mandate.create',
      'approval.decide',
      'break_glass.manage',
    ])
      expect(scopes).not.toContain(never);
    expect((await refused.json()) as object).toMatchObject({
      error_description: expect.stringMatching(/when its user signs in.*token exchange/),
    });
  });
});

describe('the consent page', () => {
  test('a person takes scopes away: the token lacks them, and the next sign-in asks about them again', async () => {
    const asked = { person: 'carl', query: { scope: BOTH }, untick: ['okta.mfa.reset'] };
    const first = await go.signedIn(asked);
    expect(claimsOf(first.access)['scope']).toBe('okta.users.read');
    const refreshed = await go.redeem({ grant_type: 'refresh_token', refresh_token: first.refresh });
    expect(claimsOf(String(refreshed.body['access_token']))['scope']).toBe('okta.users.read');
    const { page } = await go.toConsent(asked);
    expect(page.text).toContain('value="okta.mfa.reset"');
    const second = await go.signedIn({ ...asked, untick: [] });
    expect(claimsOf(second.access)['scope']).toBe(BOTH);
  });

  test('what was given before can be taken away, and does not come back with the next sign-in', async () => {
    const redirect_uri = 'http://127.0.0.1:49152/callback';
    const signIn = async (untick: string[]) => {
      const query = { scope: BOTH, redirect_uri };
      const { verifier, challenge } = pkce();
      const { browser, page } = await go.toConsent({ person: 'ann', challenge, query });
      const back = await browser.press(page, { name: 'decision', value: 'approve' }, redirect_uri, untick);
      const form = codeForm(back.url.searchParams.get('code') ?? '', verifier, { redirect_uri });
      return String((await go.redeem(form)).body['access_token']);
    };
    expect(claimsOf(await signIn([]))['scope']).toBe(BOTH);
    expect(claimsOf(await signIn(['okta.mfa.reset']))['scope']).toBe('okta.users.read');
    const only = await go.signedIn({ person: 'ann', query: { scope: 'okta.users.read' } });
    expect(claimsOf(only.access)['scope']).toBe('okta.users.read');
    const { page } = await go.toConsent({ person: 'ann', query: { scope: BOTH } });
    expect(page.text).toContain('value="okta.mfa.reset"');
  });

  test('a scope that was not asked for cannot be ticked into the answer', async () => {
    const { browser, page } = await go.toConsent({ person: 'faye' });
    const more = '<input type="checkbox" form="consent" name="scope" value="okta.mfa.reset" checked />';
    const forged = { ...page, text: page.text + more };
    const approve = { name: 'decision', value: 'approve' };
    const back = await browser.press(forged, approve, 'https://client.example/');
    expect(back.url.searchParams.get('code')).not.toBeNull();
    const next = await go.toConsent({ person: 'faye', query: { scope: BOTH } });
    expect(next.page.text).toContain('value="okta.mfa.reset"');
  });

  test('nothing left is a no, and the client learns who said it', async () => {
    const { back } = await go.toCode({ person: 'erin', untick: ['okta.users.read'] });
    expect(back.searchParams.get('error')).toBe('access_denied');
    expect(back.searchParams.get('error_description')).toContain('the person denied access');
  });
});

describe('a scope that a client lacks', () => {
  test('is a 403 that names all that it should then hold; nothing is done, and the ledger has it', async () => {
    const { access } = await go.signedIn({ person: 'bob' });
    const person = (await world.person('carl')).id;
    const calls = async () => (await world.sql`select from calls where tool = 'okta_reset_mfa'`).length;
    const before = await calls();
    const answer = await call(access, 'okta_reset_mfa', { person });
    expect(answer.status).toBe(403);
    const challenge = answer.headers.get('www-authenticate') ?? '';
    expect(challenge).toMatch(/^Bearer error="insufficient_scope"/);
    expect(challenge).toContain(`scope="${BOTH}"`);
    expect(challenge).toContain(`resource_metadata="${world.url}/.well-known/oauth-protected-resource/mcp"`);
    expect(await calls()).toBe(before);
    expect((await world.ledger('CALL_DENIED')).at(-1)?.data).toMatchObject({
      tool: 'okta_reset_mfa',
      code: 'scope_not_delegated',
    });
  });

  test('that no sign-in could give it is no step-up but a denial that a model reads', async () => {
    const { access } = await go.signedIn({ person: 'bob' });
    for (const tool of ['mandate_revoke', 'freeze_apply', 'approval_decide']) {
      const answer = await call(access, tool, {});
      expect({ tool, status: answer.status }).toEqual({ tool, status: 200 });
    }
    expect((await call(access, 'okta_reset_mfa', {}, '/mcp/readonly')).status).toBe(200);
  });
});

describe('scopes that are nothing here', () => {
  test('are invalid_scope before anybody signs in, at authorize and when pushed', async () => {
    const { page } = await go.toConsent({ query: { scope: 'nonsense' } });
    expect(page.url.searchParams.get('error')).toBe('invalid_scope');
    expect(page.url.searchParams.get('error_description')).toContain('okta.users.read');
    const pushed = await fetch(`${world.company.issuer}/oauth2/par`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: CLIENT,
        response_type: 'code',
        redirect_uri: 'https://client.example/callback',
        scope: 'nonsense',
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      }),
    });
    expect({ status: pushed.status, ...((await pushed.json()) as object) }).toMatchObject({
      status: 400,
      error: 'invalid_scope',
    });
  });

  test('among others are left out; a scope without a value is one that was not sent', async () => {
    const some = await go.signedIn({ person: 'nina', query: { scope: 'profile okta.users.read nonsense' } });
    expect(some.body['scope']).toBe('okta.users.read');
    const none = await go.signedIn({ person: 'nina', query: { scope: '' } });
    expect(none.body['scope']).toContain('okta.users.read');
  });

  test('openid alone gives a token that holds what every client does', async () => {
    const { access } = await go.signedIn({ person: 'nina', query: { scope: 'openid' } });
    const listed = await call(access, 'mandate_list');
    expect(listed.status).toBe(200);
    expect(await listed.text()).toContain('\\"status\\":\\"done\\"');
    const find = await call(access, 'okta_find_user', { query: 'ann' });
    expect(find.status).toBe(403);
    expect(find.headers.get('www-authenticate')).toContain('scope="okta.users.read"');
  });
});

import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import type { OAuthClientProvider } from '@modelcontextprotocol/client';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { suspendHere } from '#domain/person/suspend.ts';
import { transact } from '#engine/transact.ts';
import { samplePerson } from '#sandbox/company.ts';
import { signIn } from '../support/browser.ts';
import { openWorld, type World } from '../support/world.ts';

const CLIENT_ID = 'https://client.example/mcp.json';
const REDIRECT = 'http://127.0.0.1:33418/callback';
const insecure = { [oauth.allowInsecureRequests]: true };

let world: World;
beforeAll(async () => {
  world = await openWorld({
    oauth: {
      dynamicRegistration: true,
      fetch: (input) =>
        Promise.resolve(
          new Request(input).url === CLIENT_ID
            ? Response.json({
                client_id: CLIENT_ID,
                client_name: 'Example editor',
                redirect_uris: ['http://127.0.0.1/callback'],
                token_endpoint_auth_method: 'none',
              })
            : new Response('', { status: 404 }),
        ),
    },
  });
});
afterAll(() => world.close());

const throughTheBrowser = (address: URL, person: string, untick: readonly string[] = []) =>
  signIn(address, person, REDIRECT, untick);

type Information = Awaited<ReturnType<OAuthClientProvider['clientInformation']>>;
type Discovery = Parameters<NonNullable<OAuthClientProvider['saveDiscoveryState']>>[0] | undefined;
type Tokens = Awaited<ReturnType<OAuthClientProvider['tokens']>>;

/** A client's own store, as in an editor. */
class Store implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT;
  readonly clientMetadataUrl?: string;
  address: URL | undefined;
  #verifier = '';
  #discovery: Discovery;
  #information: Information;
  #tokens: Tokens;

  constructor(clientMetadataUrl?: string) {
    if (clientMetadataUrl !== undefined) this.clientMetadataUrl = clientMetadataUrl;
  }
  readonly clientMetadata = {
    client_name: 'A registered client',
    redirect_uris: [REDIRECT],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };
  clientInformation() {
    return this.#information;
  }
  saveClientInformation(information: Information) {
    this.#information = information;
  }
  tokens() {
    return this.#tokens;
  }
  saveTokens(tokens: Tokens) {
    this.#tokens = tokens;
  }
  redirectToAuthorization(address: URL) {
    this.address = address;
  }
  saveCodeVerifier(verifier: string) {
    this.#verifier = verifier;
  }
  saveDiscoveryState(state: Discovery) {
    this.#discovery = state;
  }
  discoveryState() {
    return this.#discovery;
  }
  codeVerifier() {
    return this.#verifier;
  }
}

async function connectMcp(
  store: Store,
  person: string,
  untick: readonly string[] = [],
  path = '/mcp',
): Promise<Client> {
  const url = new URL(`${world.url}${path}`);
  const first = new StreamableHTTPClientTransport(url, { authProvider: store });
  await expect(new Client({ name: 'e2e', version: '1' }).connect(first)).rejects.toThrow(UnauthorizedError);
  if (store.address === undefined) throw new Error('the client was not sent to sign in');
  const back = await throughTheBrowser(store.address, person, untick);
  await first.finishAuth(back.searchParams);
  const client = new Client({ name: 'e2e', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(url, { authProvider: store }));
  return client;
}

describe('the MCP SDK as it is', () => {
  test.each([
    ['described at its own address', CLIENT_ID],
    ['registered dynamically', undefined],
  ])('%s: discovers, signs in, lists and calls', async (_how, metadataUrl) => {
    const store = new Store(metadataUrl);
    const client = await connectMcp(store, 'mona');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('okta_find_user');
    const found = await client.callTool({ name: 'okta_find_user', arguments: { query: 'carl' } });
    expect(found.structuredContent).toMatchObject({ status: 'done' });
    const [last] = (await world.ledger('CALL_SUCCEEDED')).slice(-1);
    expect(last?.actor).toContain(` for ${(await world.person('mona')).id}`);
    await client.close();
  });

  test('asks for what people may do with a client, and does it: what changes Okta waits for its approval', async () => {
    const client = await connectMcp(new Store(CLIENT_ID), 'bob');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['okta_find_user', 'okta_reset_mfa', 'okta_reset_password']),
    );
    const { id: person } = await world.person('carl');
    const asked = await client.callTool({ name: 'okta_reset_mfa', arguments: { person } });
    expect(asked.structuredContent).toMatchObject({ status: 'pending_approval' });
    await client.close();
  });

  test('steps up: what the person took away is asked for again when a tool needs it, and nothing else is lost', async () => {
    const store = new Store(CLIENT_ID);
    const client = await connectMcp(store, 'mona', ['okta.mfa.reset']);
    expect(store.tokens()?.scope).toContain('okta.users.read');
    expect(store.tokens()?.scope).not.toContain('okta.mfa.reset');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).not.toContain('okta_reset_mfa');

    store.address = undefined;
    const reset = { name: 'okta_reset_mfa', arguments: { person: (await world.person('bob')).id } };
    await expect(client.callTool(reset)).rejects.toThrow(UnauthorizedError);
    const address: URL | undefined = store.address;
    if (address === undefined) throw new Error('the client was not sent to sign in again');
    expect((address as URL).searchParams.get('scope')?.split(' ')).toEqual(
      expect.arrayContaining(['okta.users.read', 'okta.mfa.reset']),
    );
    expect((await world.ledger('CALL_DENIED')).at(-1)?.data).toMatchObject({
      tool: 'okta_reset_mfa',
      code: 'scope_not_delegated',
      client: CLIENT_ID,
    });
    const transport = new StreamableHTTPClientTransport(new URL(`${world.url}/mcp`), { authProvider: store });
    await transport.finishAuth((await throughTheBrowser(address, 'mona')).searchParams);
    const again = new Client({ name: 'e2e', version: '1' });
    await again.connect(transport);
    const asked = await again.callTool(reset);
    expect(asked.structuredContent).toMatchObject({ status: 'pending_approval' });
    await again.close();
    await client.close();
  });

  test.each(['/mcp/readonly', '/mcp/x/okta', '/mcp/'])('signs in at %s', async (path) => {
    const client = await connectMcp(new Store(CLIENT_ID), 'mona', [], path);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('okta_find_user');
    await client.close();
  });
});

describe('oauth4webapi as it is', () => {
  test('discovery, code with PKCE, the RFC 9207 check, refresh, and the end when the person is suspended', async () => {
    const issuer = new URL(`${world.url}/t/${world.tenantId}`);
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
    );
    const client: oauth.Client = { client_id: CLIENT_ID };
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const address = new URL(as.authorization_endpoint ?? '');
    address.search = new URLSearchParams({
      client_id: CLIENT_ID,
      redirect_uri: REDIRECT,
      response_type: 'code',
      scope: 'openid okta.users.read',
      resource: `${world.url}/mcp`,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString();
    const back = await throughTheBrowser(address, 'ann');
    const params = oauth.validateAuthResponse(as, client, back, state);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      params,
      REDIRECT,
      verifier,
      insecure,
    );
    const first = await oauth.processAuthorizationCodeResponse(as, client, response, {
      requireIdToken: true,
    });
    expect(oauth.getValidatedIdTokenClaims(first)?.sub).toBe(`oidc:okta:${samplePerson('ann').oktaId}`);
    const refresh = async (token: string) =>
      oauth.processRefreshTokenResponse(
        as,
        client,
        await oauth.refreshTokenGrantRequest(as, client, oauth.None(), token, insecure),
      );
    const second = await refresh(first.refresh_token ?? '');
    expect(second.refresh_token).not.toBe(first.refresh_token);
    const mcp = (token: string) =>
      fetch(`${world.url}/mcp`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    expect((await mcp(second.access_token)).status).not.toBe(401);

    const { id } = await world.person('ann');
    await transact(world.app, world.tenantId, (ctx) => suspendHere(ctx, id, 'a test'));
    expect((await mcp(second.access_token)).status).toBe(401);
    await expect(refresh(second.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

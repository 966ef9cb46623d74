import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { signIn } from '../support/browser.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';
import { KITS } from '../support/oauth-kits.ts';

const CLIENT_ID = 'https://client.example/app.json';
const REDIRECT = 'http://127.0.0.1:33418/callback';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

let world: World;
let agent: TestAgent;
let mandateId: string;
let issuer: string;
let tools: string;
beforeAll(async () => {
  world = await openWorld({
    oauth: {
      fetch: () =>
        Promise.resolve(
          Response.json({
            client_id: CLIENT_ID,
            redirect_uris: ['http://127.0.0.1/callback'],
            grant_types: ['authorization_code', 'refresh_token'],
            token_endpoint_auth_method: 'none',
          }),
        ),
    },
  });
  agent = await world.agent('unmodified', 'carl');
  mandateId = await world.mandate('bob', agent, { scopes: ['okta.users.read'] });
  issuer = world.company.issuer;
  tools = `${world.app.baseUrl}/v1/tools`;
});
afterAll(() => world.close());

const subject = async () => ({
  subject_token: await world.okta.tokenFor(samplePerson('bob').email, { scopes: ['delegation:exchange'] }),
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  mandate_id: mandateId,
  resource: `${world.app.baseUrl}/v1`,
});

/** The message with which a library itself refuses something. One library puts it into the cause. */
const whyNot = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => null,
    (thrown: Error) => thrown,
  );
  return error === null
    ? 'it was not refused'
    : `${error.message} ${(error.cause as Error | undefined)?.message}`;
};

describe.each(KITS)('%s as it is', (_, connect) => {
  describe.each([
    ['with bearer tokens', false],
    ['with DPoP', true],
  ])('%s', (_how, dpop) => {
    const token_type = dpop ? 'dpop' : 'bearer';
    const agents = () => connect({ issuer, clientId: agent.id, key: agent.privateJwk, dpop });
    const persons = () => connect({ issuer, clientId: CLIENT_ID, key: null, dpop });
    const asked = () => ({
      redirect_uri: REDIRECT,
      scope: 'okta.users.read',
      resource: `${world.app.baseUrl}/v1`,
    });

    test('an agent exchanges, uses the token, has it introspected and revoked', async () => {
      const client = await agents();
      const token = await client.grant(EXCHANGE, await subject());
      expect(token).toMatchObject({ token_type, scope: 'okta.users.read' });
      expect(decodeJwt(token.access_token)['cnf'] !== undefined).toBe(dpop);
      expect(await client.use(token.access_token, tools)).toBe(200);
      expect(await client.introspect(token.access_token)).toMatchObject({
        active: true,
        token_type: dpop ? 'DPoP' : 'Bearer',
      });
      await client.revoke(token.access_token);
      expect(await client.introspect(token.access_token)).toEqual({ active: false });
      expect(await client.use(token.access_token, tools)).toBe(401);
    });

    test('a refusal reaches it as an OAuth error', async () => {
      const refused = (await agents()).grant(EXCHANGE, { ...(await subject()), scope: 'okta.mfa.reset' });
      await expect(refused).rejects.toMatchObject({ error: 'invalid_scope', status: 400 });
    });

    test.each([
      ['by the address', false],
      ['by a pushed request', true],
    ])('a person signs in %s, and the token works', async (_way, pushed) => {
      const client = await persons();
      const { address, finish } = await client.signIn(asked(), pushed);
      const token = await finish(await signIn(address, 'ann', REDIRECT));
      expect(token).toMatchObject({ token_type });
      expect(decodeJwt(token.access_token)['cnf'] !== undefined).toBe(dpop);
      expect(await client.use(token.access_token, tools)).toBe(200);
    });

    test('a refresh token rotates; used again at once it gives a working token, and signs nobody out', async () => {
      const client = await persons();
      const { address, finish } = await client.signIn(asked());
      const first = await finish(await signIn(address, 'ann', REDIRECT));
      const second = await client.refresh(first.refresh_token ?? '');
      expect(second.refresh_token).not.toBe(first.refresh_token);
      expect(await client.use(second.access_token, tools)).toBe(200);
      const again = await client.refresh(first.refresh_token ?? '');
      for (const token of [second, again]) expect(await client.use(token.access_token, tools)).toBe(200);
      const next = await client.refresh(second.refresh_token ?? '');
      expect(await client.use(next.access_token, tools)).toBe(200);
    });

    test('a person who signs out of a client has their tokens revoked', async () => {
      const client = await persons();
      const { address, finish } = await client.signIn(asked());
      const token = await finish(await signIn(address, 'ann', REDIRECT));
      await client.revoke(token.refresh_token ?? '');
      expect(await client.use(token.access_token, tools)).toBe(401);
    });

    test('T32: of ten redemptions of one code at once, one gets a token', async () => {
      const client = await persons();
      const { address, finish } = await client.signIn(asked());
      const back = await signIn(address, 'ann', REDIRECT);
      const all = await Promise.allSettled(Array.from({ length: 10 }, () => finish(back)));
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refused = all.flatMap((one) =>
        one.status === 'rejected' ? [one.reason as { error: string }] : [],
      );
      expect(new Set(refused.map(({ error }) => error))).toEqual(new Set(['invalid_grant']));
    });

    test('T32: an answer that another issuer claims, or that answers another request, is not redeemed', async () => {
      const client = await persons();
      const [one, other] = [await client.signIn(asked()), await client.signIn(asked())];
      const back = await signIn(one.address, 'ann', REDIRECT);
      expect(back.searchParams.get('iss')).toBe(issuer);
      const mixed = new URL(back);
      mixed.searchParams.set('iss', 'https://evil.example');
      expect(await whyNot(one.finish(mixed))).toMatch(/"iss"/);
      expect(await whyNot(other.finish(back))).toMatch(/"state"/);
      // A client that passes the code on all the same has the wrong verifier, or no proof of the key.
      const injected = new URL(back);
      injected.searchParams.set('state', other.address.searchParams.get('state') ?? '');
      await expect(other.finish(injected)).rejects.toMatchObject({ error: 'invalid_grant' });
    });
  });

  test('a token that is bound to one key is refused from a client with another', async () => {
    const [holder, thief] = [
      await connect({ issuer, clientId: agent.id, key: agent.privateJwk, dpop: true }),
      await connect({ issuer, clientId: agent.id, key: agent.privateJwk, dpop: true }),
    ];
    const { access_token: token } = await holder.grant(EXCHANGE, await subject());
    expect(await thief.use(token, tools)).toBe(401);
    expect(await holder.use(token, tools)).toBe(200);
  });
});

test('oauth4webapi finds the issuer from the address of REST alone (RFC 9728)', async () => {
  const refused = await fetch(tools);
  const named = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '')?.[1];
  const resource = new URL(`${world.app.baseUrl}/v1`);
  const response = await oauth.resourceDiscoveryRequest(resource, { [oauth.allowInsecureRequests]: true });
  expect(response.url).toBe(named);
  const found = await oauth.processResourceDiscoveryResponse(resource, response);
  expect(found.authorization_servers).toEqual([issuer]);
  expect(found.dpop_signing_alg_values_supported).toEqual(['ES256']);
});

test('oauth4webapi as a resource server takes our tokens: type, issuer, audience, signature, and the proof of a bound one', async () => {
  const as = await oauth.processDiscoveryResponse(
    new URL(issuer),
    await oauth.discoveryRequest(new URL(issuer), {
      algorithm: 'oauth2',
      [oauth.allowInsecureRequests]: true,
    }),
  );
  const seen: Request[] = [];
  const client: oauth.Client = { client_id: agent.id };
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const [, connect] = KITS[1];
  const plain = await connect({ issuer, clientId: agent.id, key: agent.privateJwk, dpop: false });
  const bearer = await plain.grant(EXCHANGE, await subject());
  const url = new URL('https://resource.example/orders');
  const ask = async (token: string, proof?: oauth.DPoPHandle) => {
    await oauth.protectedResourceRequest(token, 'GET', url, new Headers(), undefined, {
      [oauth.customFetch]: (input: string, init: object) => {
        seen.push(new Request(input, init));
        return Promise.resolve(new Response());
      },
      ...(proof === undefined ? {} : { DPoP: proof }),
    });
    return oauth.validateJwtAccessToken(as, seen.at(-1) ?? new Request(url), `${world.app.baseUrl}/v1`, {
      [oauth.allowInsecureRequests]: true,
    });
  };
  expect(await ask(bearer.access_token)).toMatchObject({ client_id: agent.id, mandate_id: mandateId });
  const auth = oauth.PrivateKeyJwt({
    key: await crypto.subtle.importKey(
      'jwk',
      agent.privateJwk,
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    ),
    kid: agent.privateJwk.kid ?? '',
  });
  const bound = await oauth.processGenericTokenEndpointResponse(
    as,
    client,
    await oauth.genericTokenEndpointRequest(as, client, auth, EXCHANGE, await subject(), {
      DPoP,
      [oauth.allowInsecureRequests]: true,
    }),
  );
  expect(await ask(bound.access_token, DPoP)).toMatchObject({
    cnf: { jkt: await DPoP.calculateThumbprint() },
  });
  await expect(ask(bound.access_token)).rejects.toThrow(/DPoP|scheme/i);
});

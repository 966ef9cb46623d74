import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createLocalJWKSet, jwtVerify, SignJWT, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentKeyFrom } from '#domain/agent/key.ts';
import { sha256 } from '#lib/crypto.ts';
import { newSecret } from '#lib/id.ts';
import { samplePerson } from '#sandbox/company.ts';
import { Browser, pkce, signIn } from '../support/browser.ts';
import { newProofKey, proofBy } from '../support/dpop.ts';
import { singleAdmin } from '../support/identity-providers.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

const REDIRECT = 'http://127.0.0.1:33418/callback';
const PUBLIC = 'https://client.example/public.json';
const KEYED = 'https://client.example/keyed.json';
const JWT_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const SPIFFE_ID = 'spiffe://acme.test/agents/contract';

type Form = Record<string, string>;
/** How a client authenticates: what goes into the form and into the Authorization header. */
interface Authentication {
  readonly form: Form;
  readonly authorization?: string;
}
interface Key {
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: JWK;
}

const newKey = (alg: 'ES256' | 'RS256', kid: string): Key => {
  const pair =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    alg,
    privateKey: pair.privateKey,
    publicJwk: { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' },
  };
};
const KEYS: Readonly<Record<string, Key>> = {
  ES256: newKey('ES256', 'contract-es'),
  RS256: newKey('RS256', 'contract-rs'),
};
const svid = newKey('ES256', 'svid-1');

let world: World;
let issuer: string;
let metadata: Record<string, unknown>;
/** Agents by their way of authenticating, each with a mandate of Bob's. */
const agents: Record<'key' | 'secret' | 'spiffe', { agent: TestAgent; mandateId: string }> = {} as never;
const secret = `ags_${newSecret()}`;

beforeAll(async () => {
  const documents: Record<string, object> = {
    [PUBLIC]: { token_endpoint_auth_method: 'none' },
    [KEYED]: {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: Object.values(KEYS).map((key) => key.publicJwk) },
    },
  };
  world = await openWorld({
    oauth: {
      dynamicRegistration: true,
      fetch: (input) => {
        const { url } = new Request(input);
        return Promise.resolve(
          Response.json({
            client_id: url,
            redirect_uris: ['http://127.0.0.1/callback'],
            grant_types: ['authorization_code', 'refresh_token'],
            ...documents[url],
          }),
        );
      },
    },
  });
  issuer = world.company.issuer;
  for (const kind of ['key', 'secret', 'spiffe'] as const) {
    const agent = await world.agent(`contract-${kind}`, 'carl');
    if (kind === 'spiffe') await becomeWorkload(agent);
    agents[kind] = { agent, mandateId: await world.mandate('bob', agent, { scopes: ['okta.users.read'] }) };
  }
  for (const key of Object.values(KEYS)) {
    const { kid, alg, publicJwk } = agentKeyFrom(key.publicJwk);
    key.publicJwk.kid = kid;
    await world.sql`insert into agent_keys (tenant_id, agent_id, kid, alg, public_jwk)
      values (${world.tenantId}, ${agents.key.agent.id}, ${kid}, ${alg}, ${world.sql.json(publicJwk)})`;
  }
  await world.sql`update agents set secret_hash = ${sha256(secret)} where id = ${agents.secret.agent.id}`;
  metadata = (await (
    await fetch(`${issuer}/.well-known/oauth-authorization-server`)
  ).json()) as typeof metadata;
});
afterAll(() => world.close());

/** Gives an agent a SPIFFE ID of a trust domain that Dana has set as the only IT admin. */
async function becomeWorkload(agent: TestAgent): Promise<void> {
  await singleAdmin(world, true);
  const steps = [
    [
      'dana',
      'spiffe_bundle_set',
      { trust_domain: 'acme.test', bundle: { keys: [{ ...svid.publicJwk, use: 'jwt-svid' }] } },
    ],
    ['carl', 'agent_rotate_key', { agent: agent.id, spiffe_id: SPIFFE_ID }],
  ] as const;
  for (const [key, tool, input] of steps)
    expect(await world.as(await world.actor(key), tool, input)).toMatchObject({ status: 'done' });
}

const list = (name: string): string[] => metadata[name] as string[];
const assertion = (key: Key, id: string, claims: Record<string, unknown> = {}) =>
  new SignJWT({ iss: id, sub: id, jti: crypto.randomUUID(), ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.publicJwk.kid ?? '' })
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(key.privateKey);
const byKey = async (key: Key, clientId: string): Promise<Authentication> => ({
  form: {
    client_id: clientId,
    client_assertion_type: JWT_ASSERTION,
    client_assertion: await assertion(key, clientId),
  },
});
const ES256 = KEYS['ES256'] as Key;

/** For each authentication method in the metadata, the client that uses it and its credentials. */
const METHODS: Record<
  string,
  { of: keyof typeof agents; as: () => Promise<Authentication> | Authentication }
> = {
  private_key_jwt: { of: 'key', as: () => byKey(ES256, agents.key.agent.id) },
  client_secret_post: {
    of: 'secret',
    as: () => ({ form: { client_id: agents.secret.agent.id, client_secret: secret } }),
  },
  client_secret_basic: {
    of: 'secret',
    as: () => ({
      form: {},
      authorization: `Basic ${Buffer.from(`${agents.secret.agent.id}:${secret}`).toString('base64')}`,
    }),
  },
  spiffe_jwt: {
    of: 'spiffe',
    as: async () => ({
      form: {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe',
        client_assertion: await assertion(svid, SPIFFE_ID, { iss: undefined }),
      },
    }),
  },
};

async function send(endpoint: string, form: Form, authorization?: string, dpop?: string) {
  const response = await fetch(String(metadata[endpoint]), {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(dpop === undefined ? {} : { dpop }),
    },
  });
  const text = await response.text();
  return {
    status: response.status,
    body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>,
  };
}
const bobs = () => world.okta.tokenFor(samplePerson('bob').email, { scopes: ['delegation:exchange'] });
const exchangeForm = async (of: keyof typeof agents): Promise<Form> => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token: await bobs(),
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  mandate_id: agents[of].mandateId,
});
async function tokenBy(
  of: keyof typeof agents,
  { form, authorization }: Authentication,
  more: Form = {},
  dpop?: string,
) {
  const { status, body } = await send(
    'token_endpoint',
    { ...(await exchangeForm(of)), ...form, ...more },
    authorization,
    dpop,
  );
  expect({ status, body }).toMatchObject({ status: 200 });
  return { token: String(body['access_token']), body };
}

/**
 * Signs Ann in to one of her clients. Returns what redeems the code, or the address to which the browser was
 * sent.
 */
async function authorize(more: Form = {}, clientId = PUBLIC) {
  const { verifier, challenge } = pkce();
  const address = new URL(String(metadata['authorization_endpoint']));
  address.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'okta.users.read',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more,
  }).toString();
  return { verifier, address };
}
async function code(more: Form = {}, clientId = PUBLIC) {
  const { verifier, address } = await authorize(more, clientId);
  const back = await signIn(address, 'ann', REDIRECT);
  const form = {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    code_verifier: verifier,
    redirect_uri: REDIRECT,
    client_id: clientId,
  };
  return { back, form };
}
const redeemed = async (more: Form = {}) => (await send('token_endpoint', (await code(more)).form)).body;

describe('T34: whatever the metadata name works, driven by the document itself', () => {
  test('the issuer is the address that it was asked at, and every endpoint is below it', () => {
    expect(metadata['issuer']).toBe(issuer);
    const endpoints = Object.entries(metadata).filter(([name]) => /_endpoint$|_uri$/.test(name));
    expect(endpoints.length).toBeGreaterThan(8);
    for (const [, value] of endpoints) expect(value).toMatch(new RegExp(`^${issuer}/`));
  });

  test('every grant type that it names gives a token, and no other is taken', async () => {
    const first = await redeemed();
    const grants: Record<string, () => Promise<{ status: number }>> = {
      'urn:ietf:params:oauth:grant-type:token-exchange': async () =>
        send('token_endpoint', {
          ...(await exchangeForm('key')),
          ...(await byKey(ES256, agents.key.agent.id)).form,
        }),
      'urn:ietf:params:oauth:grant-type:jwt-bearer': async () =>
        send('token_endpoint', {
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          assertion: await world.okta.tokenFor(samplePerson('bob').email, {
            type: 'id-jag',
            audience: issuer,
            client_id: agents.key.agent.id,
          }),
          ...(await byKey(ES256, agents.key.agent.id)).form,
        }),
      authorization_code: async () => send('token_endpoint', (await code()).form),
      refresh_token: () =>
        send('token_endpoint', {
          grant_type: 'refresh_token',
          refresh_token: String(first['refresh_token']),
          client_id: PUBLIC,
        }),
    };
    expect(list('grant_types_supported').toSorted()).toEqual(Object.keys(grants).toSorted());
    for (const name of list('grant_types_supported'))
      expect([name, (await grants[name]?.())?.status]).toEqual([name, 200]);
    expect(list('authorization_grant_profiles_supported')).toEqual([
      'urn:ietf:params:oauth:grant-profile:id-jag',
    ]);
    const unknown = await send('token_endpoint', {
      grant_type: 'password',
      ...(await byKey(ES256, agents.key.agent.id)).form,
    });
    expect(unknown.body['error']).toBe('unsupported_grant_type');
  });

  test('every way to authenticate works at the token, introspection and revocation endpoints', async () => {
    const [none, bearer] = ['none', 'Bearer'];
    const known = Object.keys(METHODS);
    expect(list('token_endpoint_auth_methods_supported').toSorted()).toEqual([...known, none].toSorted());
    expect(list('introspection_endpoint_auth_methods_supported').toSorted()).toEqual(
      [...known, bearer].toSorted(),
    );
    expect(list('revocation_endpoint_auth_methods_supported').toSorted()).toEqual(
      [...known, none].toSorted(),
    );
    for (const [name, { of, as }] of Object.entries(METHODS)) {
      const { token } = await tokenBy(of, await as());
      const look = async () => {
        const { form, authorization } = await as();
        return (await send('introspection_endpoint', { token, ...form }, authorization)).body;
      };
      expect([name, await look()]).toMatchObject([name, { active: true }]);
      const { form, authorization } = await as();
      expect([name, (await send('revocation_endpoint', { token, ...form }, authorization)).status]).toEqual([
        name,
        200,
      ]);
      expect([name, await look()]).toEqual([name, { active: false }]);
    }
    const { token } = await tokenBy('key', await byKey(ES256, agents.key.agent.id));
    const key = `Bearer ${world.company.api_keys.admin}`;
    expect((await send('introspection_endpoint', { token }, key)).body).toMatchObject({ active: true });
    const own = await redeemed();
    expect(
      (await send('revocation_endpoint', { token: String(own['refresh_token']), client_id: PUBLIC })).status,
    ).toBe(200);
    expect((await send('introspection_endpoint', { token: String(own['access_token']) }, key)).body).toEqual({
      active: false,
    });
  });

  test('every algorithm of assertions works, for agents and for clients that people sign in to', async () => {
    for (const endpoint of ['token', 'introspection', 'revocation'])
      expect(list(`${endpoint}_endpoint_auth_signing_alg_values_supported`).toSorted()).toEqual(
        Object.keys(KEYS).toSorted(),
      );
    for (const key of Object.values(KEYS)) {
      const { token } = await tokenBy('key', await byKey(key, agents.key.agent.id));
      for (const endpoint of ['introspection_endpoint', 'revocation_endpoint'])
        expect(
          (await send(endpoint, { token, ...(await byKey(key, agents.key.agent.id)).form })).status,
        ).toBe(200);
      const { form } = await code({}, KEYED);
      const own = await send('token_endpoint', { ...form, ...(await byKey(key, KEYED)).form });
      expect([key.alg, own]).toMatchObject([key.alg, { status: 200 }]);
      const token_ = String(own.body['refresh_token']);
      expect(
        (await send('revocation_endpoint', { token: token_, ...(await byKey(key, KEYED)).form })).status,
      ).toBe(200);
      expect((await send('token_endpoint', form)).status).toBe(401);
    }
  });

  test('every response mode brings the code and the issuer, and PKCE is S256', async () => {
    expect(list('response_types_supported')).toEqual(['code']);
    expect(list('code_challenge_methods_supported')).toEqual(['S256']);
    /**
     * The parameters that the client gets in each response mode. For `form_post` they come from the page that
     * posts them.
     */
    const modes: Record<string, (address: URL) => Promise<URLSearchParams>> = {
      query: async (address) => (await signIn(address, 'ann', REDIRECT)).searchParams,
      fragment: async (address) =>
        new URLSearchParams((await signIn(address, 'ann', REDIRECT)).hash.slice(1)),
      form_post: async (address) => {
        const browser = new Browser();
        let page = await browser.go(address, REDIRECT);
        page = await browser.press(page, { name: 'login', value: samplePerson('ann').email }, REDIRECT);
        page = await browser.press(page, { name: 'decision', value: 'approve' }, REDIRECT);
        const inputs = page.text.matchAll(/name="([^"]*)" value="([^"]*)"/g);
        return new URLSearchParams(
          [...inputs].map(([, name = '', value = '']): [string, string] => [name, value]),
        );
      },
    };
    expect(list('response_modes_supported').toSorted()).toEqual(Object.keys(modes).toSorted());
    for (const [response_mode, read] of Object.entries(modes)) {
      const answer = await read((await authorize({ response_mode })).address);
      expect([response_mode, answer.has('code'), answer.get('iss')]).toEqual([response_mode, true, issuer]);
    }
    expect(metadata['authorization_response_iss_parameter_supported']).toBe(true);
  });

  test('scopes: each is one that a person can be asked for, and what is not named is refused', async () => {
    for (const scope of list('scopes_supported')) {
      const page = await new Browser().go((await authorize({ scope })).address, REDIRECT);
      expect([scope, page.url.origin]).toEqual([scope, world.okta.url]);
    }
    const back = await new Browser().go((await authorize({ scope: 'no.such.scope' })).address, REDIRECT);
    expect(back.url.searchParams.get('code')).toBeNull();
  });

  test('an ID token has the algorithm, the key and the claims that it names', async () => {
    const own = await redeemed({ scope: 'openid okta.users.read', nonce: 'n-1', max_age: '300' });
    const jwks = (await (await fetch(String(metadata['jwks_uri']))).json()) as { keys: JWK[] };
    const { payload, protectedHeader } = await jwtVerify(String(own['id_token']), createLocalJWKSet(jwks), {
      issuer,
      audience: PUBLIC,
    });
    expect(list('id_token_signing_alg_values_supported')).toEqual([protectedHeader.alg]);
    for (const claim of list('claims_supported'))
      expect([claim, payload[claim]]).toEqual([claim, expect.anything()]);
    expect(list('subject_types_supported')).toEqual(['public']);
  });

  test('pushed requests, registration, details, proofs and status lists work where it says', async () => {
    const { address } = await authorize();
    const pushed = await send(
      'pushed_authorization_request_endpoint',
      Object.fromEntries(address.searchParams),
    );
    expect(pushed.status).toBe(201);
    const registered = await fetch(String(metadata['registration_endpoint']), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [REDIRECT] }),
    });
    expect(registered.status).toBe(201);
    expect(metadata['client_id_metadata_document_supported']).toBe(true);

    const as = () => byKey(ES256, agents.key.agent.id);
    for (const type of list('authorization_details_types_supported')) {
      const { body } = await tokenBy('key', await as(), {
        authorization_details: JSON.stringify([{ type }]),
      });
      expect(body['authorization_details']).toMatchObject([{ type }]);
    }
    for (const alg of list('dpop_signing_alg_values_supported')) {
      const proof = await proofBy(newProofKey(), 'POST', String(metadata['token_endpoint']));
      expect(JSON.parse(Buffer.from(proof.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({
        alg,
      });
      expect((await tokenBy('key', await as(), {}, proof)).body['token_type']).toBe('DPoP');
    }
    const lists = (await (await fetch(String(metadata['status_list_aggregation_endpoint']))).json()) as {
      status_lists: string[];
    };
    for (const one of lists.status_lists) expect((await fetch(one)).status).toBe(200);
    // Only Okta may use it. Every other caller learns only that it must authenticate.
    expect((await send('global_token_revocation_endpoint', {})).status).toBe(401);
  });

  test('nothing is in the metadata that no test here looks at', () => {
    expect(Object.keys(metadata).toSorted()).toMatchInlineSnapshot(`
      [
        "authorization_details_types_supported",
        "authorization_endpoint",
        "authorization_grant_profiles_supported",
        "authorization_response_iss_parameter_supported",
        "claims_supported",
        "client_id_metadata_document_supported",
        "code_challenge_methods_supported",
        "dpop_signing_alg_values_supported",
        "global_token_revocation_endpoint",
        "grant_types_supported",
        "id_token_signing_alg_values_supported",
        "introspection_endpoint",
        "introspection_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
        "issuer",
        "jwks_uri",
        "pushed_authorization_request_endpoint",
        "registration_endpoint",
        "response_modes_supported",
        "response_types_supported",
        "revocation_endpoint",
        "revocation_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_signing_alg_values_supported",
        "scopes_supported",
        "status_list_aggregation_endpoint",
        "subject_types_supported",
        "token_endpoint",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
      ]
    `);
  });
});

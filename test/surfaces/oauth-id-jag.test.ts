import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tightenPerson } from '#domain/person/store.ts';
import { transact } from '#engine/transact.ts';
import { samplePerson } from '#sandbox/company.ts';
import { SANDBOX_WEB_CLIENT_ID, SANDBOX_WEB_CLIENT_SECRET } from '#sandbox/okta/index.ts';
import { jktOf, newProofKey, proofBy } from '../support/dpop.ts';
import { openBareWorld } from '../support/bare-world.ts';
import { exchange, jws, refusal } from '../support/token-requests.ts';
import { withTokens } from '../support/tokens.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

let world: World;
let agent: TestAgent;
let mandateId: string;
let issuer: string;
beforeAll(async () => {
  world = await openWorld();
  agent = await world.agent('helper', 'bob');
  mandateId = await world.mandate('bob', agent);
  issuer = world.company.issuer;
});
afterAll(() => world.close());

type Jag = Parameters<World['okta']['tokenFor']>[1];
const jag = (change: Jag = {}, login = 'bob') =>
  world.okta.tokenFor(samplePerson(login).email, {
    type: 'id-jag',
    audience: issuer,
    client_id: agent.id,
    ...change,
  });

async function present(
  assertion: string,
  form: Record<string, string> = {},
  by = agent,
  dpop: string | null = null,
) {
  const body = new URLSearchParams({
    grant_type: JWT_BEARER,
    assertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await world.assertion(by),
    ...form,
  });
  const headers = dpop === null ? {} : { dpop };
  const answer = await fetch(`${issuer}/oauth2/token`, { method: 'POST', body, headers });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const refused = async (assertion: string, form: Record<string, string> = {}, dpop: string | null = null) => {
  const { status, body } = await present(assertion, form, agent, dpop);
  expect(body).not.toHaveProperty('access_token');
  expect((await world.ledger()).at(-1)).toMatchObject({
    event: 'TOKEN_REFUSED',
    data: { error: body['error'] },
  });
  return `${status} ${String(body['error'])}: ${String(body['error_description'])}`;
};

describe('Cross App Access: an ID-JAG of the organisation’s Okta', () => {
  test('gives the same delegation token as an exchange, for the one mandate of principal and agent', async () => {
    const { status, body } = await present(await jag());
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', scope: 'okta.mfa.reset okta.password.reset' });
    expect(body).not.toHaveProperty('issued_token_type');
    expect(body).not.toHaveProperty('refresh_token');
    const bob = await world.person('bob');
    expect(decodeJwt(String(body['access_token']))).toMatchObject({
      iss: issuer,
      sub: `oidc:okta:${bob.uid}`,
      client_id: agent.id,
      mandate_id: mandateId,
      act: { sub: agent.id },
    });
    expect((await world.ledger('TOKEN_ISSUED')).at(-1)?.data).toMatchObject({
      by: 'id_jag',
      mandate_id: mandateId,
    });
    const again = await jag();
    expect([(await present(again)).status, (await present(again)).status]).toEqual([200, 200]);
  });

  test('T26: for a one-time scope it is good for one exchange, and says invalid_grant then', async () => {
    const settings = (scopes: string[]) => world.sql`
      update tenants set settings = settings || jsonb_build_object('oneTimeScopes', ${scopes}::text[]) where id = ${world.tenantId}`;
    await settings(['okta.mfa.reset']);
    const assertion = await jag();
    expect((await present(assertion, { scope: 'okta.password.reset' })).status).toBe(200);
    expect((await present(assertion)).status).toBe(200);
    expect(await refused(assertion)).toMatch(/^400 invalid_grant: assertion: .*single-use/);
    expect((await present(await jag())).status).toBe(200);
    await settings([]);
  });

  test('one from before the employee was logged out is refused, and a new one is taken', async () => {
    const old = await jag();
    await transact(world.app, world.tenantId, async (ctx) =>
      tightenPerson(ctx, (await world.person('bob')).id, {}),
    );
    expect(await refused(old)).toMatch(/^400 invalid_grant: assertion: .*Sign the employee in again/);
    expect((await world.ledger()).at(-1)?.data).toMatchObject({ reason: 'subject_before_logout' });
    await world.signedInAgain();
    expect((await present(await jag())).status).toBe(200);
  });

  test('a client gets one for an ID token at Okta itself (RFC 8693), and brings it here', async () => {
    const control = await fetch(`${world.okta.url}/_sandbox/cross-app-access`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ audience: issuer, client_id: agent.id }),
    });
    expect(control.status).toBe(200);
    const ask = async (change: Record<string, string>) => {
      const body = new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
        subject_token: await world.okta.tokenFor(samplePerson('bob').email, {
          server: 'org',
          type: 'id_token',
        }),
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        audience: issuer,
        scope: 'okta.mfa.reset',
        client_id: SANDBOX_WEB_CLIENT_ID,
        client_secret: SANDBOX_WEB_CLIENT_SECRET,
        ...change,
      });
      const answer = await fetch(`${world.okta.url}/oauth2/v1/token`, { method: 'POST', body });
      return (await answer.json()) as Record<string, unknown>;
    };
    const given = await ask({});
    expect(given).toMatchObject({
      issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      token_type: 'N_A',
      scope: 'okta.mfa.reset',
    });
    expect((await present(String(given['access_token']))).body['scope']).toBe('okta.mfa.reset');
    expect((await ask({ client_secret: 'x' }))['error']).toBe('invalid_client');
    expect((await ask({ audience: 'https://other.test' }))['error']).toBe('invalid_target');
    expect((await ask({ subject_token: await jag() }))['error']).toBe('invalid_grant');
  });

  test('its scope, resource and details narrow the token', async () => {
    const base = world.app.baseUrl;
    const narrow = await jag({ scopes: ['okta.mfa.reset'], resource: `${base}/v1` });
    expect((await present(narrow)).body['scope']).toBe('okta.mfa.reset');
    expect(decodeJwt(String((await present(narrow)).body['access_token'])).aud).toBe(`${base}/v1`);
    expect(await refused(narrow, { scope: 'okta.password.reset' })).toMatch(/^400 invalid_scope: .*subject/);
    expect(await refused(narrow, { resource: `${base}/mcp` })).toMatch(/^400 invalid_target: /);
    expect(await refused(await jag({ resource: 'https://elsewhere.test' }))).toMatch(/^400 invalid_target: /);
    // Each address of the MCP server is a resource, and all of them have one audience.
    const readonly = await jag({ resource: `${base}/mcp/readonly` });
    for (const form of [{}, { resource: `${base}/mcp/readonly` }, { resource: `${base}/mcp` }])
      expect(decodeJwt(String((await present(readonly, form)).body['access_token'])).aud).toBe(`${base}/mcp`);
    expect(await refused(readonly, { resource: `${base}/v1` })).toMatch(/^400 invalid_target: /);
    const ann = (await world.person('ann')).id;
    const detailed = await jag({
      claims: { authorization_details: [{ type: 'urn:prokura:mandate', resources: [`person:${ann}`] }] },
    });
    expect((await present(detailed)).body['authorization_details']).toMatchObject([
      { resources: [`person:${ann}`] },
    ]);
    const unknown = await jag({ claims: { authorization_details: [{ type: 'payment' }] } });
    expect(await refused(unknown)).toMatch(/^400 invalid_grant: .*authorization_details/);
  });

  test('T37: of another issuer, audience, client, type or time, or bound to a key, it is refused', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const claims = decodeJwt(await jag());
    const header = { alg: 'RS256', kid: 'x', typ: 'oauth-id-jag+jwt' };
    const wrong: [string, Promise<string> | string][] = [
      ['aud', jag({ audience: `${issuer}/` })],
      ['aud', jag({ claims: { aud: [issuer, 'https://other.test'] } })],
      ['client_id', jag({ client_id: 'agt_01jd0000000000000000000000' })],
      ['client_id', jag({ claims: { client_id: null } })],
      ['expired', jag({ ttl_seconds: -10 })],
      ['expired', jag({ claims: { exp: null } })],
      ['not valid yet', jag({ claims: { nbf: Math.floor(Date.now() / 1000) + 60 } })],
      ['jti', jag({ claims: { jti: null } })],
      ['cnf', jag({ claims: { cnf: { jkt: 'x' } } })],
      ['cnf', jag({ claims: { cnf: { 'x5t#S256': 'x' } } })],
      ['cnf', jag({ claims: { cnf: 'x' } })],
      ['sub', jag({ claims: { sub: null } })],
      ['identity provider of this organisation', jag({ claims: { iss: 'https://evil.test' } })],
      ['identity provider of this organisation', jag({ claims: { iss: issuer } })],
      ['typ', world.okta.tokenFor(samplePerson('bob').email, { scopes: ['delegation:exchange'] })],
      ['typ', world.okta.tokenFor(samplePerson('bob').email, { server: 'org', type: 'id_token' })],
      ['does not publish', jws(header, claims, privateKey)],
      ['algorithm|RS256', jws({ ...header, alg: 'none' }, claims, privateKey)],
      ['typ', world.token(agent, 'bob', mandateId)],
      ['JWT', 'x'],
    ];
    // Make all of them first: one is a token of ours, whose ledger entry must not come in between.
    const made = await Promise.all(wrong.map(async ([why, one]) => [why, await one] as const));
    for (const [why, assertion] of made)
      expect(await refused(assertion)).toMatch(new RegExp(`^400 invalid_grant: .*(?:${why})`));
    expect((await present(await jag({ claims: { aud: [issuer] } }))).status).toBe(200);
  });

  test('T37: bound to a key it is taken with a proof by that key alone, and so is the token that it gives', async () => {
    const key = newProofKey();
    const [url, jkt] = [`${issuer}/oauth2/token`, await jktOf(key)];
    const bound = await jag({ claims: { cnf: { jkt } } });
    const { status, body } = await present(bound, {}, agent, await proofBy(key, 'POST', url));
    expect({ status, body }).toMatchObject({ status: 200, body: { token_type: 'DPoP' } });
    expect(decodeJwt(String(body['access_token']))['cnf']).toEqual({ jkt });

    expect(await refused(bound)).toMatch(/^400 invalid_grant: .*proof with that key in the DPoP header/);
    const others = await proofBy(newProofKey(), 'POST', url);
    expect(await refused(bound, {}, others)).toMatch(/^400 invalid_grant: .*a different key/);
    const elsewhere = await proofBy(key, 'POST', `${issuer}/oauth2/introspect`);
    expect(await refused(bound, {}, elsewhere)).toMatch(/^400 invalid_dpop_proof: /);
    const once = await proofBy(key, 'POST', url);
    expect((await present(bound, {}, agent, once)).status).toBe(200);
    expect(await refused(bound, {}, once)).toMatch(/^400 invalid_dpop_proof: /);
    const twofold = await jag({ claims: { cnf: { jkt, 'x5t#S256': 'x' } } });
    expect(await refused(twofold, {}, await proofBy(key, 'POST', url))).toMatch(/^400 invalid_grant: .*cnf/);
  });

  test('it is no subject token, and without a mandate it gives nothing but the way to one', async () => {
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await jag(),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      mandate_id: mandateId,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await world.assertion(agent),
    });
    const answer = await fetch(`${issuer}/oauth2/token`, { method: 'POST', body });
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      'invalid_request',
    ]);
    expect(await refused(await jag({}, 'ann'))).toMatch(
      /^400 invalid_grant: .*not given this agent a mandate/,
    );
    expect(await refused(await jag({}, 'ann'), { mandate_id: mandateId })).toMatch(
      /^400 invalid_grant: No such/,
    );
    expect(await refused(await jag({ claims: { sub: 'bob@acme.test' } }))).toMatch(/^400 invalid_grant: /);
  });

  test('where the principal gave several mandates, the agent must say which', async () => {
    const other = await world.agent('busy', 'bob');
    const mandates = [await world.mandate('bob', other), await world.mandate('bob', other)];
    const { status, body } = await present(await jag({ client_id: other.id }), {}, other);
    expect([status, body['error']]).toEqual([400, 'invalid_grant']);
    expect(body['mandate_ids']).toEqual([...mandates].sort());
    const one = await present(await jag({ client_id: other.id }), { mandate_id: mandates[1] ?? '' }, other);
    expect(decodeJwt(String(one.body['access_token']))).toMatchObject({ mandate_id: mandates[1] });
  });

  test('a token narrowed to one person and one tool works for those alone', async () => {
    const [ann, carl] = [(await world.person('ann')).id, (await world.person('carl')).id];
    const narrow = await world.token(agent, 'bob', mandateId, {
      audience: `${world.app.baseUrl}/v1`,
      authorization_details: JSON.stringify([
        { type: 'urn:prokura:mandate', resources: [`person:${ann}`], tools: ['okta_reset_mfa'] },
      ]),
    });
    const use = async (tool: string, person: string, token: string) => {
      const answer = await fetch(`${world.url}/v1/tools/${tool}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ person }),
      });
      return (await answer.json()) as Record<string, unknown>;
    };
    expect(await use('okta_reset_mfa', carl, narrow)).toMatchObject({ code: 'outside_mandate' });
    expect(await use('okta_reset_password', ann, narrow)).toMatchObject({ code: 'tool_not_delegated' });
    const denials = (await world.ledger('CALL_DENIED')).slice(-2).map((entry) => entry.data['code']);
    expect(denials).toEqual(['outside_mandate', 'tool_not_delegated']);
    const allowed = await use('okta_reset_mfa', ann, narrow);
    expect(['done', 'running', 'pending_approval']).toContain(allowed['status']);
    const [row] = await world.sql<{ actor: { details?: unknown } }[]>`
      select actor from calls where tool = 'okta_reset_mfa' order by id desc limit 1`;
    expect(row?.actor.details).toEqual({
      resources: [`person:${ann}`],
      tools: ['okta_reset_mfa'],
      amount: null,
    });
  });

  test('of an Okta that the organisation has switched off it is worth nothing, until it is switched on again', async () => {
    const set = (enabled: string) =>
      world.sql`update tenants set settings = settings || ${enabled}::text::jsonb where id = ${world.tenantId}`;
    await set('{"enabledProviders":["API_KEY"]}');
    expect(await refused(await jag())).toMatch(/^400 invalid_/);
    await set('{"enabledProviders":["API_KEY","OKTA"]}');
    expect((await present(await jag())).status).toBe(200);
  });

  test('once the mandate is revoked it gives nothing more', async () => {
    const revoked = await world.as(await world.actor('bob'), 'mandate_revoke', {
      mandate_id: mandateId,
      reason: 'done',
    });
    expect(revoked.status).toBe('done');
    expect(await refused(await jag())).toMatch(/^400 invalid_grant: .*not given this agent a mandate/);
    expect(await refused(await jag(), { mandate_id: mandateId })).toMatch(/^400 invalid_grant: .*revoked/);
  });
});

test('of a custom authorization server, where sub is a login, only uid says who it is', async () => {
  const bare = await withTokens(await openBareWorld());
  const tenant = await bare.tenant();
  const now = Math.floor(Date.now() / 1000);
  const made = (claims: Record<string, unknown>) => ({
    grant_type: JWT_BEARER,
    subject_token: undefined,
    subject_token_type: undefined,
    mandate_id: undefined,
    assertion: jws(
      { alg: 'RS256', kid: bare.idp.kid, typ: 'oauth-id-jag+jwt' },
      {
        iss: bare.idp.issuer,
        aud: tenant.issuer,
        client_id: tenant.agentId,
        jti: 'x',
        iat: now,
        exp: now + 300,
        ...claims,
      },
      bare.idp.privateKey,
    ),
  });
  expect(await refusal(bare, tenant, made({ sub: tenant.uid }))).toMatch(/^400 invalid_grant: .*login/);
  expect(await refusal(bare, tenant, made({ sub: tenant.uid, uid: '00uother' }))).toMatch(
    /^400 invalid_grant: .*not given this agent a mandate/,
  );
  expect((await exchange(bare, tenant, made({ sub: 'bob', uid: tenant.uid }))).status).toBe(200);
  await bare.close();
});

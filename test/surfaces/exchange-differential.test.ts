import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHmac } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { exportJWK, generateKeyPair } from 'jose';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agents } from '#domain/agent/tables.ts';
import { groups, groupMappings, memberships } from '#domain/group/tables.ts';
import { LIST_PLACES } from '#domain/mandate/status-place.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { audiencesOf } from '#domain/token/names.ts';
import { sha256 } from '#lib/crypto.ts';
import { newId } from '#lib/id.ts';
import { createPeer } from '../../bench/peer/provider.ts';
import { readMandate } from '../../bench/peer/mandate.ts';
import { BASE, openBareWorld } from '../support/bare-world.ts';
import { AUDIENCE } from '../support/idp.ts';
import { b64, exchangeForm, nowSeconds, subjectToken } from '../support/token-requests.ts';
import { withTokens, type Tenant, type TokenWorld } from '../support/tokens.ts';
import { claimsOf } from '../support/oauth-parties.ts';

/**
 * T41. Sends the same requests to our token endpoint and to a second implementation that shares no code with
 * it (bench/peer/provider.ts), and expects the same status, error and claims. Changes are drawn at random,
 * several at once. If more than one thing is wrong, the two may name different ones, but both must refuse.
 */
const SECRET = `ags_${'s'.repeat(52)}`;
const CASES = 3000;
const AT_ONCE = 12;

let world: TokenWorld;
let tenant: Tenant;
let stranger: Tenant;
let server: Server;
let peer: string;
/** Mandates in every state, by what is wrong with them. */
const ids: Record<string, string> = {};

beforeAll(async () => {
  world = await withTokens(await openBareWorld());
  tenant = await world.tenant();
  stranger = await world.tenant();
  await prepare();
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const answer = createPeer({
    tenantId: tenant.id,
    issuer: tenant.issuer,
    audiences: audiencesOf(BASE, tenant.id),
    listPlaces: LIST_PLACES,
    client: { id: tenant.agentId, secret: SECRET },
    idp: { issuer: world.idp.issuer, jwksUri: `${world.idp.issuer}/v1/keys`, audience: AUDIENCE },
    signingKey: { ...(await exportJWK(privateKey)), kid: 'peer' },
    read: (mandateId) => readMandate(world.sql, tenant.id, mandateId),
    record: () => Promise.resolve(),
  }).callback();
  server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  peer = `http://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(tenant.issuer).pathname}/oauth2/token`;
});
afterAll(async () => {
  server.close();
  await world.close();
});

/** Creates the agent with a secret, and mandates in every state. */
async function prepare(): Promise<void> {
  const { id: tenantId, agentId, personId } = tenant;
  const row = { tenantId };
  const hour = 3600_000;
  await world.write(tenantId, async (ctx) => {
    await ctx.db.update(agents).set({ secretHash: sha256(SECRET) });
    const [other, disabled] = [newId('agt'), newId('agt')];
    const agent = { ...row, ownerId: personId, ceiling: ['okta.mfa.reset'] };
    await ctx.db.insert(agents).values([
      { ...agent, id: other, name: 'other' },
      { ...agent, id: disabled, name: 'disabled', status: 'disabled' },
    ]);
    const persons = { suspended: newId('usr'), held: newId('usr'), powerless: newId('usr') };
    for (const [name, id] of Object.entries(persons)) {
      const login = `${name}@acme.test`;
      await ctx.db.insert(people).values({
        ...row,
        id,
        provider: 'okta',
        uid: id,
        login,
        email: login,
        displayName: name,
        status: name === 'suspended' ? 'SUSPENDED' : 'ACTIVE',
        held: name === 'held',
      });
    }
    const groupId = newId('grp');
    await ctx.db
      .insert(groups)
      .values({ ...row, id: groupId, source: 'okta', uid: groupId, name: 'Half', kind: 'OKTA_GROUP' });
    await ctx.db.insert(groupMappings).values({
      ...row,
      id: newId('map'),
      source: 'okta',
      groupUid: groupId,
      role: 'member',
      scopes: ['okta.mfa.reset'],
    });
    await ctx.db.insert(memberships).values({ ...row, groupId, personId: persons.powerless });
    const add = async (name: string, change: Partial<typeof mandates.$inferInsert>) => {
      ids[name] = newId('mdt');
      await ctx.db.insert(mandates).values({
        ...row,
        id: ids[name],
        principalId: personId,
        agentId,
        scopes: ['okta.mfa.reset', 'okta.password.reset'],
        resources: ['*'],
        purpose: name,
        // Reaches into the second status list.
        statusIndex: LIST_PLACES - 5 + Object.keys(ids).length,
        callId: newId('call'),
        startsAt: new Date(Date.now() - hour),
        expiresAt: new Date(Date.now() + 48 * hour),
        ...change,
      });
    };
    await add('active', {});
    await add('wide', { scopes: ['okta.mfa.reset', 'okta.password.reset', 'finance:approve'] });
    await add('frozen', { state: 'frozen' });
    await add('revoked', { state: 'revoked' });
    await add('expired', { state: 'expired' });
    await add('over', { expiresAt: new Date(Date.now() - 1000) });
    await add('future', { startsAt: new Date(Date.now() + hour) });
    await add('short', { expiresAt: new Date(Date.now() + 200_000) });
    await add('spent', { uses: 3, maxUses: 3 });
    await add('other agent', { agentId: other });
    await add('disabled agent', { agentId: disabled });
    for (const [name, principalId] of Object.entries(persons)) await add(name, { principalId });
  });
  ids['stranger'] = stranger.mandateId;
  ids['nobody'] = newId('mdt');
}

type Form = Record<string, string | string[] | undefined>;
interface Draft {
  form: Form;
  headers: Record<string, string>;
  claims: Record<string, unknown>;
  header: Record<string, unknown>;
  /** Changes the signed subject token. */
  forge: (token: string) => string;
}

const form =
  (change: Form) =>
  (draft: Draft): void =>
    void Object.assign(draft.form, change);
const claim =
  (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
  (draft: Draft): void => {
    Object.assign(draft.claims, claims);
    Object.assign(draft.header, header);
  };
const forge =
  (change: (token: string) => string) =>
  (draft: Draft): void =>
    void (draft.forge = change);

/** The possible changes of a request, each complete in itself. */
const changes = (): ((draft: Draft) => void)[] => {
  const now = nowSeconds();
  const byMac = (token: string) => {
    const [, body = ''] = token.split('.');
    const head = b64({ alg: 'HS256', kid: world.idp.kid });
    const pem = world.idp.publicKey.export({ type: 'spki', format: 'pem' });
    return `${head}.${body}.${createHmac('sha256', pem).update(`${head}.${body}`).digest('base64url')}`;
  };
  return [
    ...Object.values(ids).map((id) => form({ mandate_id: id })),
    form({ mandate_id: undefined }),
    form({ mandate_id: 'mdt_x' }),
    form({ mandate_id: [ids['active']!, ids['wide']!] }),
    form({ scope: undefined }),
    form({ scope: 'okta.password.reset' }),
    form({ scope: 'okta.mfa.reset okta.password.reset' }),
    form({ scope: 'okta.mfa.reset okta.mfa.reset' }),
    form({ scope: 'okta.mfa.reset  okta.password.reset' }),
    form({ scope: 'okta.mfa.reset finance:approve' }),
    form({ scope: 'okta.suspend' }),
    form({ scope: 'OKTA.MFA.RESET' }),
    form({ scope: 'okta.mfa.reset"' }),
    form({ scope: 'okta.mfа.reset' }),
    form({ scope: ['okta.mfa.reset', 'okta.mfa.reset'] }),
    form({ audience: `${BASE}/v1` }),
    form({ resource: `${BASE}/mcp` }),
    form({ audience: `${BASE}/v1`, resource: `${BASE}/v1` }),
    form({ audience: [`${BASE}/v1`, `${BASE}/mcp`] }),
    form({ audience: 'https://elsewhere.test' }),
    form({ audience: `${BASE}/v1/` }),
    form({ subject_token_type: undefined }),
    form({ subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' }),
    form({ subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }),
    form({ requested_token_type: 'urn:ietf:params:oauth:token-type:access_token' }),
    form({ requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }),
    form({ actor_token: 'x' }),
    form({ actor_token_type: 'urn:ietf:params:oauth:token-type:jwt' }),
    form({ actor_token: 'x', actor_token_type: 'urn:ietf:params:oauth:token-type:jwt' }),
    form({ subject_token: undefined }),
    form({ subject_token: 'x' }),
    form({ subject_token: ['a', 'b'] }),
    form({ grant_type: 'urn:ietf:params:oauth:grant-type:unknown' }),
    form({ client_secret: `${SECRET.slice(0, -1)}t` }),
    form({ client_secret: undefined }),
    form({ client_id: newId('agt') }),
    form({ nobody_knows: 'this' }),
    claim({ exp: now - 60 }),
    claim({ exp: undefined }),
    claim({ exp: 'soon' }),
    claim({ exp: now + 7200 }),
    claim({ iat: now + 60 }),
    claim({ iat: undefined }),
    claim({ nbf: now + 60 }),
    claim({ nbf: now - 60 }),
    claim({ aud: 'https://other.test' }),
    claim({ aud: [AUDIENCE] }),
    claim({ aud: [AUDIENCE, 'https://other.test'] }),
    claim({ iss: `${world.idp.issuer}/` }),
    claim({ iss: world.idp.origin }),
    claim({ uid: undefined }),
    claim({ uid: '00usomebody' }),
    claim({ uid: 7 }),
    claim({ cid: undefined }),
    claim({ scp: undefined }),
    claim({ scp: ['openid'] }),
    claim({ scp: 'delegation:exchange' }),
    claim({ nonce: 'n' }),
    claim({ events: {} }),
    claim({ groups: ['Administrators'], act: { sub: 'me' }, client_id: 'me', mandate_id: ids['wide'] }),
    claim({}, { typ: 'JWT' }),
    claim({}, { typ: 'at+jwt' }),
    claim({}, { typ: 'dpop+jwt' }),
    claim({}, { kid: 'other' }),
    claim({}, { kid: undefined }),
    claim({}, { crit: ['x'], x: 1 }),
    claim({}, { jku: 'https://evil.test/jwks', jwk: { kty: 'RSA' } }),
    forge((token) => `${token.slice(0, -8)}AAAAAAAA`),
    forge((token) => `${b64({ alg: 'none', kid: world.idp.kid })}.${token.split('.')[1] ?? ''}.`),
    forge(byMac),
    forge((token) => `${token}.x`),
    forge((token) => token.replace('.', '..')),
  ];
};

interface Answer {
  readonly status: number;
  readonly error: unknown;
  readonly claims: Record<string, unknown> | null;
}

function answerOf(status: number, body: Record<string, unknown>): Answer {
  const token = body['access_token'];
  if (typeof token !== 'string') return { status, error: body['error'], claims: null };
  const { exp, iat, jti: _jti, ...others } = claimsOf(token);
  const life = Number(exp) - Number(iat);
  // Each takes the time when it signs, so they may differ by a second.
  const claims = { ...others, life: life >= 299 ? 300 : Math.round(life / 10) };
  return { status, error: undefined, claims };
}

async function both(draft: Draft): Promise<[Answer, Answer]> {
  const token = draft.forge(subjectToken(world, tenant, draft.claims, draft.header));
  const body = exchangeForm(world, tenant, {
    client_assertion: undefined,
    client_assertion_type: undefined,
    client_id: tenant.agentId,
    client_secret: SECRET,
    mandate_id: ids['active'],
    subject_token: token,
    ...draft.form,
  });
  const init = {
    method: 'POST',
    body: body.toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...draft.headers },
  };
  const [ours, theirs] = await Promise.all([
    world.surface.fetch(new Request(`${tenant.issuer}/oauth2/token`, init)),
    fetch(peer, init),
  ]);
  if (ours === null) throw new Error('not served');
  return [
    answerOf(ours.status, (await ours.json()) as Record<string, unknown>),
    answerOf(theirs.status, (await theirs.json()) as Record<string, unknown>),
  ];
}

test('T41: our token endpoint and a second implementation on oidc-provider answer alike', async () => {
  const all = changes();
  const drawn = fc.sample(
    fc.uniqueArray(fc.nat(all.length - 1), { minLength: 0, maxLength: 3 }),
    CASES - all.length,
  );
  // Each change alone, then random combinations.
  const plans = [...all.map((_, index) => [index]), ...drawn];
  const seen = { granted: 0, refused: new Set<unknown>() };
  const wrong: string[] = [];
  let next = 0;
  const work = async () => {
    for (let plan = plans[next++]; plan !== undefined; plan = plans[next++]) {
      const draft: Draft = { form: {}, headers: {}, claims: {}, header: {}, forge: (token) => token };
      for (const index of plan) all[index]?.(draft);
      const [ours, theirs] = await both(draft);
      if (ours.claims === null) seen.refused.add(ours.error);
      else seen.granted += 1;
      const alike =
        plan.length > 1 && ours.claims === null
          ? theirs.claims === null && ours.status < 500
          : isDeepStrictEqual(ours, theirs);
      if (!alike) wrong.push(JSON.stringify({ plan, ours, theirs, draft }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  expect(wrong.slice(0, 12)).toEqual([]);
  expect(seen.granted).toBeGreaterThan(CASES / 20);
  expect(seen.refused).toEqual(
    new Set([
      'invalid_client',
      'invalid_grant',
      'invalid_request',
      'invalid_scope',
      'invalid_target',
      'unsupported_grant_type',
    ]),
  );
}, 240_000);

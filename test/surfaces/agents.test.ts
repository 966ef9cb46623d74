import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { depart } from '#domain/person/depart.ts';
import { findPerson } from '#domain/person/store.ts';
import { suspendHere } from '#domain/person/suspend.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import type { Outcome } from '#engine/outcome.ts';
import { readPerson } from '#engine/read-person.ts';
import { transact } from '#engine/transact.ts';
import { samplePerson } from '#sandbox/company.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

function done(outcome: Outcome): Record<string, unknown> {
  if (outcome.status !== 'done') throw new Error(`not done: ${JSON.stringify(outcome)}`);
  return { ...outcome.output };
}

const use = async (key: string, tool: string, input: unknown) =>
  done(await world.as(await world.actor(key), tool, input));

function newKey(kid?: string) {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicJwk = pair.publicKey.export({ format: 'jwk' });
  return {
    text: JSON.stringify(publicJwk),
    publicJwk,
    privateJwk: { ...pair.privateKey.export({ format: 'jwk' }), ...(kid === undefined ? {} : { kid }) },
  };
}

/** The agent with a different key. */
async function rotate(key: string, agent: TestAgent, more: Record<string, unknown> = {}): Promise<TestAgent> {
  const pair = newKey();
  const output = await use(key, 'agent_rotate_key', { agent: agent.id, public_key: pair.text, ...more });
  const kid = (output['kids'] as string[]).at(-1) ?? '';
  return { ...agent, privateJwk: { ...pair.privateJwk, kid } };
}

const restToken = (agent: TestAgent, principal: string, mandate: string) =>
  world.token(agent, principal, mandate, { audience: `${world.app.baseUrl}/v1` });

/** The status of a REST request with this token, which runs the strict check of every interface. */
const knock = async (token: string) =>
  (await fetch(`${world.url}/v1/tools`, { headers: { authorization: `Bearer ${token}` } })).status;

const mandateRow = async (id: string) =>
  (
    await world.sql<
      { state: string; reason: string | null; causes: string[] }[]
    >`select state, reason, array(select cause from mandate_freezes f where f.mandate_id = m.id order by cause) as causes from mandates m where id = ${id}`
  )[0];
const agentRow = async (id: string) =>
  (
    await world.sql<
      { status: string; causes: string[]; epoch: number; offered_to: string | null; owner_id: string }[]
    >`select status, causes, epoch, offered_to, owner_id from agents where id = ${id}`
  )[0];

async function ownAndOthers(name: string) {
  const agent = await world.agent(name, 'carl', ['okta.users.read', 'okta.mfa.reset']);
  // Carl gives his own agent a mandate, and Bob, his manager, gives it another.
  const own = await world.mandate('carl', agent, { scopes: ['okta.users.read'], resources: ['*'] });
  const others = await world.mandate('bob', agent, { scopes: ['okta.mfa.reset'] });
  return { agent, own, others };
}

describe('switching an agent off and on', () => {
  test('a disabled agent stops at once at every interface; its owner may do it, an IT admin takes it back', async () => {
    const { agent, own } = await ownAndOthers('switch-bot');
    const token = await restToken(agent, 'carl', own);
    expect(await knock(token)).toBe(200);
    await use('carl', 'agent_disable', { agent: agent.id, reason: 'it misbehaves' });
    expect(await knock(token)).toBe(401);
    expect(await world.exchange(agent, 'carl', own)).toMatchObject({ status: 400 });
    const refused = await world.as(await world.actor('carl'), 'agent_enable', { agent: agent.id });
    expect(refused).toMatchObject({ status: 'denied', denial: { code: 'no_policy_allows' } });
    expect(await use('dana', 'agent_enable', { agent: agent.id })).toMatchObject({ status: 'active' });
    expect(await knock(token)).toBe(401);
    expect(await knock(await restToken(agent, 'carl', own))).toBe(200);
    expect((await world.ledger('AGENT_DISABLED')).at(-1)?.data).toMatchObject({ agent: agent.id });
    expect((await world.ledger('AGENT_ENABLED')).at(-1)?.data).toMatchObject({ agent: agent.id, left: [] });
  });

  test('lifting one cause of an agent never lifts another', async () => {
    const { agent } = await ownAndOthers('two-causes-bot');
    await use('dana', 'freeze_apply', { target: agent.name });
    await use('dana', 'agent_disable', { agent: agent.id });
    expect(await use('dana', 'agent_enable', { agent: agent.id })).toMatchObject({ status: 'frozen' });
    await use('dana', 'agent_disable', { agent: agent.id });
    expect(await use('dana', 'freeze_lift', { target: agent.id })).toMatchObject({
      still_held_by: ['disabled'],
    });
    expect(await agentRow(agent.id)).toMatchObject({ status: 'disabled', causes: ['disabled'] });
  });

  test('a stranger changes nothing, and no agent does', async () => {
    const { agent, own } = await ownAndOthers('closed-bot');
    const inputs = {
      agent_disable: { agent: agent.id },
      agent_enable: { agent: agent.id },
      agent_rotate_key: { agent: agent.id, public_key: newKey().text },
      agent_transfer: { agent: agent.id, owner: 'nina@acme.example' },
      freeze_apply: { target: agent.id },
      freeze_preview: { target: agent.id },
      freeze_lift: { target: agent.id },
    };
    const itself = {
      kind: 'agent' as const,
      surface: 'mcp' as const,
      agentId: agent.id,
      personId: (await world.person('carl')).id,
      mandateId: own,
      scopes: ['okta.users.read', 'agent.manage', 'freeze.manage'],
      jti: 'test',
    };
    for (const [tool, input] of Object.entries(inputs)) {
      const answers = [
        await world.as(await world.actor('nina'), tool, input),
        await world.as(itself, tool, input),
      ];
      expect({ tool, answers: answers.map((answer) => answer.status) }).toEqual({
        tool,
        answers: ['denied', 'denied'],
      });
    }
    expect(await agentRow(agent.id)).toMatchObject({ status: 'active', epoch: 0 });
  });
});

describe('credentials', () => {
  test("new keys kill tokens and old keys at once, and freeze other people's mandates until each confirms", async () => {
    const { agent, own, others } = await ownAndOthers('rotate-bot');
    const tokens = [await restToken(agent, 'carl', own), await restToken(agent, 'bob', others)];
    const renewed = await rotate('carl', agent);
    for (const token of tokens) expect(await knock(token)).toBe(401);
    expect(await world.exchange(agent, 'carl', own)).toMatchObject({ status: 401 });
    // Carl made the change, so his own mandate stays active. Bob's freezes.
    expect(await knock(await restToken(renewed, 'carl', own))).toBe(200);
    expect(await mandateRow(others)).toMatchObject({ state: 'frozen', causes: ['credentials_changed'] });
    expect(await world.exchange(renewed, 'bob', others)).toMatchObject({
      status: 400,
      body: { mandate_status: 'frozen' },
    });
    const stranger = await world.as(await world.actor('carl'), 'mandate_confirm', { mandate_id: others });
    expect(stranger).toMatchObject({ status: 'denied' });
    expect(
      await world.agreed(await world.as(await world.actor('bob'), 'mandate_confirm', { mandate_id: others })),
    ).toMatchObject({ state: 'active' });
    expect(await knock(await restToken(renewed, 'bob', others))).toBe(200);
    expect((await world.ledger('AGENT_KEY_ROTATED')).at(-1)?.data).toMatchObject({
      agent: agent.id,
      frozen: [others],
      grace_hours: 0,
    });
  });

  test('with a grace both keys work, and the timer retires the old one', async () => {
    const { agent, own } = await ownAndOthers('grace-bot');
    const renewed = await rotate('carl', agent, { grace_hours: 2 });
    expect((await world.exchange(agent, 'carl', own)).status).toBe(200);
    expect((await world.exchange(renewed, 'carl', own)).status).toBe(200);
    const jobs = await world.sql<
      { after: Date; data: { kid: string } }[]
    >`select start_after as after, data from pgboss.job where name = 'retire-agent-key' and data->>'agent' = ${agent.id}`;
    expect(jobs).toHaveLength(1);
    expect(jobs[0]?.data.kid).toBe(agent.privateJwk.kid);
    const { default: retireAgentKey } = await import('#jobs/retire-agent-key.ts');
    await retireAgentKey.run(
      world.app,
      world.tenantId,
      { agent: agent.id, kid: agent.privateJwk.kid ?? '' },
      new AbortController().signal,
    );
    expect((await world.exchange(agent, 'carl', own)).status).toBe(401);
    expect((await world.exchange(renewed, 'carl', own)).status).toBe(200);
  });

  test('confirming lifts its own cause alone', async () => {
    const { agent, others } = await ownAndOthers('independent-bot');
    await use('dana', 'freeze_apply', { target: others });
    await rotate('carl', agent);
    expect((await mandateRow(others))?.causes).toEqual([`admin:${others}`, 'credentials_changed']);
    expect(
      await world.agreed(await world.as(await world.actor('bob'), 'mandate_confirm', { mandate_id: others })),
    ).toMatchObject({
      state: 'frozen',
      reason: `admin:${others}`,
    });
    expect(await use('dana', 'freeze_lift', { target: others })).toMatchObject({ thawed: [others] });
    await rotate('carl', agent);
    await use('dana', 'freeze_apply', { target: others });
    expect(await use('dana', 'freeze_lift', { target: others })).toMatchObject({ thawed: [] });
    expect(await mandateRow(others)).toMatchObject({ state: 'frozen', causes: ['credentials_changed'] });
  });

  test('of several that are registered at once under one name, in whatever case, one is made and the others are told', async () => {
    const dana = await world.actor('dana');
    const register = (name: string) =>
      world.as(dana, 'agent_register', {
        name,
        owner: 'carl@acme.example',
        scopes: ['okta.users.read'],
        public_key: newKey().text,
      });
    const results = await Promise.allSettled(['Twin-bot', 'twin-bot', 'TWIN-BOT', 'twin-bot'].map(register));
    const lost = results.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(lost).toHaveLength(3);
    for (const reason of lost)
      expect(reason).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('Choose another name'),
      });
    expect(await world.sql`select id from agents where lower(name) = 'twin-bot'`).toHaveLength(1);
  });

  test('a private key, a key that stands already and both kinds at once are refused, and nothing changes', async () => {
    const { agent } = await ownAndOthers('wrong-key-bot');
    const carl = await world.actor('carl');
    const pair = newKey();
    const rotating = (input: Record<string, unknown>) =>
      world.as(carl, 'agent_rotate_key', { agent: agent.id, ...input });
    await expect(rotating({ public_key: JSON.stringify(pair.privateJwk) })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    await expect(
      rotating({ public_key: pair.text, jwks_url: 'https://agents.example/jwks' }),
    ).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(rotating({ jwks_url: 'http://agents.example/jwks' })).rejects.toMatchObject({
      code: 'invalid_input',
    });
    const { d: _, kid: __, ...same } = agent.privateJwk;
    await expect(rotating({ public_key: JSON.stringify(same) })).rejects.toMatchObject({ code: 'conflict' });
    expect(await agentRow(agent.id)).toMatchObject({ epoch: 0 });
  });

  test('an agent may publish its keys instead', async () => {
    const pair = newKey();
    const kid = 'published-1';
    const publisher = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ keys: [{ ...pair.publicJwk, kid, alg: 'ES256', use: 'sig' }] }));
    });
    await new Promise<void>((ready) => void publisher.listen(0, '127.0.0.1', ready));
    try {
      const { port } = publisher.address() as { port: number };
      const { agent, own, others } = await ownAndOthers('published-bot');
      const url = `http://127.0.0.1:${port}/jwks`;
      await use('carl', 'agent_rotate_key', { agent: agent.id, jwks_url: url });
      expect((await world.exchange(agent, 'carl', own)).status).toBe(401);
      const published = { ...agent, privateJwk: { ...pair.privateJwk, kid } };
      expect(await world.exchange(published, 'carl', own)).toMatchObject({ status: 200 });
      expect((await mandateRow(others))?.causes).toEqual(['credentials_changed']);
      const shown = await use('nina', 'agent_show', { agent: agent.name });
      expect(shown).toMatchObject({ status: 'active', credentials: [`keys published at ${url}`] });
    } finally {
      publisher.close();
    }
  });

  test('a generated secret is answered once over REST, to a key with agent.manage, and stands nowhere in clear', async () => {
    const { agent, own } = await ownAndOthers('secret-bot');
    const make = (scopes: string[]) =>
      transact(world.app, world.tenantId, (ctx) => createApiKey(ctx, 'sandbox', { name: 'console', scopes }));
    const ask = async (bearer: string, id = agent.id) =>
      fetch(`${world.url}/v1/agents/${id}/secret`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}` },
      });
    expect((await ask((await make(['ledger:read'])).presented)).status).toBe(403);
    expect((await world.ledger('CALL_DENIED')).at(-1)?.data).toMatchObject({ targets: [agent.id] });
    const key = (await make(['agent.manage'])).presented;
    expect((await ask(key, `agt_${'0'.repeat(26)}`)).status).toBe(404);
    const response = await ask(key);
    expect(response.status).toBe(201);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { client_secret: secret } = (await response.json()) as { client_secret: string };
    expect(secret).toMatch(/^ags_[0-9a-z]{50,}$/);
    expect((await world.exchange(agent, 'carl', own)).status).toBe(401);
    const token = await fetch(`${world.url}/t/${world.tenantId}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: await world.okta.tokenFor(samplePerson('carl').email, {
          scopes: ['delegation:exchange'],
        }),
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        mandate_id: own,
        client_id: agent.id,
        client_secret: secret,
      }),
    });
    // A key from the console rotated it, not a person, so even the owner must confirm.
    expect(await token.json()).toMatchObject({ error: 'invalid_grant', mandate_status: 'frozen' });
    await use('carl', 'mandate_confirm', { mandate_id: own });
    const rows = await world.sql<
      { n: number }[]
    >`select (select count(*) from calls c where to_jsonb(c)::text like ${`%${secret}%`}) + (select count(*) from ledger l where to_jsonb(l)::text like ${`%${secret}%`}) + (select count(*) from agents a where to_jsonb(a)::text like ${`%${secret}%`}) as n`;
    expect(Number(rows[0]?.n)).toBe(0);
    expect(JSON.stringify(world.logs)).not.toContain(secret);
  });
});

describe('a new owner', () => {
  test('transfer freezes the mandates of everybody but the new owner, and moves who may rotate', async () => {
    const { agent, own, others } = await ownAndOthers('transfer-bot');
    const token = await restToken(agent, 'carl', own);
    const output = await use('carl', 'agent_transfer', { agent: agent.id, owner: 'ann@acme.example' });
    expect(output).toMatchObject({ status: 'active', frozen: [own, others].sort() });
    expect(await knock(token)).toBe(401);
    // The agent now belongs to Ann and is no longer the one to which Carl gave his mandate.
    expect(await mandateRow(own)).toMatchObject({ state: 'frozen', causes: ['credentials_changed'] });
    const late = await world.as(await world.actor('carl'), 'agent_rotate_key', {
      agent: agent.id,
      public_key: newKey().text,
    });
    expect(late).toMatchObject({ status: 'denied' });
    await rotate('ann', agent);
    expect((await world.ledger('AGENT_TRANSFERRED')).at(-1)?.data).toMatchObject({
      agent: agent.id,
      frozen: [own, others].sort(),
    });
  });

  test('a manager takes over only what they were offered', async () => {
    const { agent } = await ownAndOthers('greedy-bot');
    await expect(
      world.as(await world.actor('bob'), 'agent_transfer', { agent: agent.id, owner: 'bob@acme.example' }),
    ).rejects.toMatchObject({ code: 'forbidden' });
    expect(await agentRow(agent.id)).toMatchObject({ status: 'active' });
  });

  test('a suspended owner freezes their agents for others too, and their return is enough', async () => {
    const { agent, own, others } = await ownAndOthers('pause-bot');
    const carl = await world.person('carl');
    await transact(world.app, world.tenantId, (ctx) => suspendHere(ctx, carl.id, 'okta:event-hook'));
    expect(await agentRow(agent.id)).toMatchObject({ status: 'frozen', causes: ['owner_left'] });
    expect(await mandateRow(own)).toMatchObject({ causes: ['principal_suspended'] });
    expect(await mandateRow(others)).toMatchObject({ state: 'frozen', causes: ['owner_left'] });
    expect((await world.exchange(agent, 'bob', others)).status).toBe(400);
    const link = await world.app.provider(world.tenantId);
    await readPerson(world.app, world.tenantId, link, carl.id, 'okta:api');
    expect(await agentRow(agent.id)).toMatchObject({ status: 'active', causes: [], offered_to: null });
    expect((await world.exchange(agent, 'bob', others)).status).toBe(200);
    await world.signedInAgain();
    expect((await world.exchange(agent, 'carl', own)).status).toBe(200);
  });

  test('succession: frozen, offered, taken over, keys rotated, confirmed; nothing is inherited', async () => {
    const { agent, own, others } = await ownAndOthers('heir-bot');
    const token = await restToken(agent, 'bob', others);
    const [carl, bob] = [await world.person('carl'), await world.person('bob')];
    await transact(world.app, world.tenantId, async (ctx) => {
      const person = await findPerson(ctx, carl.id, 'update');
      if (person === null) throw new Error('Carl is not there');
      await depart(ctx, person, {
        actor: 'okta:scim',
        reason: 'User deprovisioned via SCIM',
        mandates: 'revoke',
      });
    });
    await world.sql`update people set scim_active = false where id = ${carl.id}`;
    expect(await knock(token)).toBe(401);
    expect(await agentRow(agent.id)).toMatchObject({
      status: 'frozen',
      causes: ['owner_left', 'rotation_due'],
      offered_to: bob.id,
    });
    expect(await mandateRow(own)).toMatchObject({ state: 'revoked' });
    expect(await mandateRow(others)).toMatchObject({ state: 'frozen', causes: ['owner_left'] });
    expect((await world.ledger('AGENT_OFFERED')).map((entry) => entry.data)).toContainEqual(
      expect.objectContaining({ agent: agent.id, offered_to: bob.id }),
    );

    const offer = await world.slack
      .as('bob')
      .waitsFor(
        (one) => one.text.includes(agent.name) && one.text.includes('frozen and offered to you'),
        90_000,
      );
    expect(offer.text).toContain('Carl Jensen');

    const taken = await use('bob', 'agent_transfer', { agent: agent.id, owner: 'bob@acme.example' });
    expect(taken).toMatchObject({ status: 'frozen' });
    expect(await agentRow(agent.id)).toMatchObject({ causes: ['rotation_due'], owner_id: bob.id });
    // Bob took it over himself, so his own mandate stays active once the agent works.
    expect(await mandateRow(others)).toMatchObject({ state: 'active' });
    expect((await world.exchange(agent, 'bob', others)).status).toBe(400);

    const { d: _, kid: __, ...old } = agent.privateJwk;
    await expect(
      world.as(await world.actor('bob'), 'agent_rotate_key', {
        agent: agent.id,
        public_key: JSON.stringify({ keys: [old, newKey().publicJwk] }),
      }),
    ).rejects.toMatchObject({ code: 'conflict' });
    const renewed = await rotate('bob', agent, { grace_hours: 5 });
    expect(await agentRow(agent.id)).toMatchObject({ status: 'active', causes: [] });
    // Carl's old key is useless: a required rotation has no grace period.
    expect((await world.exchange(agent, 'bob', others)).status).toBe(401);
    expect((await world.exchange(renewed, 'bob', others)).status).toBe(200);
    expect(await mandateRow(own)).toMatchObject({ state: 'revoked' });
  });
});

import { assert as check, asyncProperty, constantFrom } from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentActor } from '#domain/actor.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { mapGroup } from '#domain/tenant/create.ts';
import { decide, decideNow } from '#engine/decide/decide.ts';
import { readonly, transact } from '#engine/transact.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let key: string;
let agent: TestAgent;
let mandateId: string;
let finance: string;

beforeAll(async () => {
  world = await openWorld({ wire: true });
  key = await transact(world.app, world.tenantId, async (ctx) => {
    await mapGroup(ctx, 'okta', '00gfinance00000000h7', 'finance');
    return (await createApiKey(ctx, 'sandbox', { name: 'payments', scopes: ['verify'] })).presented;
  });
  await world.sql`update group_mappings set scopes = '{finance:approve}' where role = 'finance'`;
  await world.sql`insert into scopes (tenant_id, scope, description, holders) values (${world.tenantId}, 'finance:approve', 'Approve invoices', '{}')`;
  agent = await world.agent('helper-bot', 'bob');
  mandateId = await world.mandate('bob', agent);
  const payer = await world.agent('payer-bot', 'faye', ['finance:approve']);
  finance = await grant('faye', payer, {
    scopes: ['finance:approve'],
    resources: ['resource:invoice:2026-*', 'resource:petty-cash'],
  });
});
afterAll(() => world.close());

/** A mandate for one's own agent, approved by those who must. */
async function grant(principal: string, to: TestAgent, terms: Record<string, unknown>): Promise<string> {
  return world.mandate(principal, to, terms);
}

/** The agent as it acts under one of its mandates, with all scopes of the mandate. */
async function actorUnder(id: string): Promise<AgentActor> {
  const [row] = await world.sql<
    { principal_id: string; agent_id: string; scopes: string[] }[]
  >`select principal_id, agent_id, scopes from mandates where id = ${id}`;
  const { agent_id: agentId, principal_id: personId, scopes } = row!;
  return { kind: 'agent', surface: 'rest', agentId, personId, mandateId: id, scopes, jti: '' };
}

async function ask(
  body: Record<string, unknown>,
  bearer = key,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${world.url}/v1/verify`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('POST /v1/verify', () => {
  test('needs an API key with the scope verify', async () => {
    const check = { mandate_id: finance, action: 'finance:approve', resource: 'petty-cash' };
    expect(await ask(check, world.company.api_keys.admin)).toMatchObject({
      status: 403,
      body: {
        required_scope: 'verify',
        detail: expect.stringContaining(
          `POST /v1/tenants/${world.tenantId}/api-keys with {"name": "…", "scopes": ["verify"]}`,
        ),
      },
    });
    expect((await ask(check, 'nonsense')).status).toBe(401);
  });

  test('a scope of another system: allowed on what the mandate names, by text or prefix; every check is in the ledger', async () => {
    const faye = await world.person('faye');
    const check = { agent: 'payer-bot', principal: faye.email, action: 'finance:approve' };
    expect(await ask({ ...check, resource: 'invoice:2026-17' })).toMatchObject({
      status: 200,
      body: { decision: 'allow', reasons: [], mandate_id: finance, principal_id: faye.id },
    });
    expect((await ask({ ...check, resource: 'petty-cash' })).body).toMatchObject({ decision: 'allow' });
    for (const resource of ['invoice:2025-17', 'petty-cash-2', undefined]) {
      expect((await ask({ ...check, resource })).body).toMatchObject({
        decision: 'deny',
        reasons: ['OUTSIDE_MANDATE'],
      });
    }
    const lines = await world.ledger('VERIFIED');
    expect(lines.slice(-5).map((line) => line.data['decision'])).toEqual([
      'allow',
      'allow',
      'deny',
      'deny',
      'deny',
    ]);
    expect(lines.at(-5)).toMatchObject({
      actor: 'api-key:payments',
      data: { action: 'finance:approve', mandate_id: finance },
    });
  });

  test('an address that a former account has too is that of the person who is here', async () => {
    const faye = await world.person('faye');
    await world.sql`
      insert into people (tenant_id, id, provider, uid, login, email, display_name, status)
      values (${world.tenantId}, 'usr_00000000000000000000000000', 'okta', '00uformer00000000h7', 'faye.2019@acme.example', ${faye.email}, 'Faye', 'DEPROVISIONED')`;
    const check = { agent: 'payer-bot', principal: faye.email, action: 'finance:approve' };
    expect((await ask({ ...check, resource: 'petty-cash' })).body).toMatchObject({
      decision: 'allow',
      principal_id: faye.id,
    });
  });

  test('says how to name what was named in another way, or not at all', async () => {
    const faye = (await world.person('faye')).email;
    const check = { mandate_id: finance, action: 'finance:approve' };
    const tool = { action: undefined, mandate_id: mandateId, tool: 'okta_reset_mfa' };
    for (const [more, hint] of [
      [{}, 'Send "resource"'],
      [{ resource: 'ann@acme.example' }, 'person:ann@acme.example.'],
      [{ resource: 'resource:petty-cash' }, 'Omit the prefix "resource:"'],
      [{ resource: 'person:ann' }, 'There is no person "ann". Use a person ID (usr_…) or the full'],
      [{ ...tool }, 'Name the person in "resource"'],
      [{ ...tool, resource: 'ann@acme.example' }, 'person:<id or work email>'],
      [{ ...tool, input: { person: 'nobody@acme.example' } }, 'nobody@acme.example'],
      [{ mandate_id: undefined, agent: 'payer-bot', principal: 'faye' }, 'There is no principal "faye".'],
      [{ mandate_id: undefined, agent: 'payer', principal: faye }, 'There is no agent "payer".'],
    ] as const)
      expect((await ask({ ...check, ...more })).body).toMatchObject({
        decision: 'deny',
        message: expect.stringContaining(hint),
      });
  });

  test('says why not: no mandate, a scope that is not held, an amount, a person who is gone', async () => {
    const nina = (await world.person('nina')).email;
    expect(
      (await ask({ agent: 'payer-bot', principal: nina, action: 'finance:approve' })).body,
    ).toMatchObject({
      reasons: ['NO_MATCHING_MANDATE'],
    });
    expect((await ask({ mandate_id: finance, action: 'finance:pay' })).body).toMatchObject({
      reasons: ['SCOPE_NOT_DELEGATED'],
    });
    await world.sql`update mandates set amount = 100, currency = 'EUR' where id = ${finance}`;
    const check = { mandate_id: finance, action: 'finance:approve', resource: 'petty-cash' };
    expect((await ask({ ...check, amount: 100, currency: 'EUR' })).body).toMatchObject({ decision: 'allow' });
    for (const worth of [{ amount: 100.01, currency: 'EUR' }, { amount: 1, currency: 'USD' }, {}])
      expect((await ask({ ...check, ...worth })).body).toMatchObject({ reasons: ['AMOUNT_EXCEEDED'] });
    await world.sql`update mandates set amount = null, currency = null where id = ${finance}`;
    const faye = (await world.person('faye')).id;
    await world.sql`update people set held = true where id = ${faye}`;
    expect((await ask(check)).body).toMatchObject({ reasons: ['PRINCIPAL_INACTIVE'] });
    await world.sql`update people set held = false where id = ${faye}`;
    await world.sql`update tenants set status = 'frozen'`;
    expect((await ask(check)).body).toMatchObject({ reasons: ['TENANT_FROZEN'] });
    await world.sql`update tenants set status = 'active'`;
    expect((await ask(check)).body).toMatchObject({ decision: 'allow' });
  });

  test('a token says everything; one that is not good is a no and never an error', async () => {
    const token = await world.token(agent, 'bob', mandateId);
    const ann = (await world.person('ann')).email;
    const check = { token, tool: 'okta_reset_mfa', resource: `person:${ann}` };
    expect((await ask(check)).body).toMatchObject({
      decision: 'deny',
      reasons: ['APPROVAL_REQUIRED'],
      mandate_id: mandateId,
    });
    expect((await ask({ token, tool: 'mandate_show', resource: mandateId })).status).toBe(200);
    expect((await ask({ ...check, token: `${token.slice(0, -4)}AAAA` })).body).toMatchObject({
      reasons: ['TOKEN_INVALID'],
    });
    await world.sql`update mandates set epoch = epoch + 1 where id = ${mandateId}`;
    expect((await ask(check)).body).toMatchObject({ decision: 'deny' });
  });

  test('uses: 30 at once on a mandate of 5 give 5 allows; a key sent again gets its first answer and counts nothing', async () => {
    const bot = await world.agent('five-bot', 'faye', ['finance:approve']);
    const five = await grant('faye', bot, {
      scopes: ['finance:approve'],
      resources: ['resource:*'],
      max_uses: 5,
    });
    const check = { mandate_id: five, action: 'finance:approve', resource: 'x', count_use: true };
    expect((await ask(check)).status).toBe(400);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        ask({ ...check, idempotency_key: `burst-number-${index % 15}` }),
      ),
    );
    const byKey = new Map<string, Set<unknown>>();
    for (const [index, { status, body }] of answers.entries()) {
      expect(status).toBe(200);
      const name = String(index % 15);
      byKey.set(name, (byKey.get(name) ?? new Set()).add(body['decision']));
    }
    expect([...byKey.values()].every((decisions) => decisions.size === 1)).toBe(true);
    expect([...byKey.values()].filter((decisions) => decisions.has('allow'))).toHaveLength(5);
    const [row] = await world.sql`select uses, state from mandates where id = ${five}`;
    expect(row).toMatchObject({ uses: 5, state: 'expired' });
    expect((await ask({ ...check, idempotency_key: 'another-key' })).body).toMatchObject({
      decision: 'deny',
      counted: false,
    });
    expect((await ask({ ...check, resource: 'y', idempotency_key: 'burst-number-1' })).status).toBe(409);
    expect(
      (await world.ledger('VERIFIED')).filter(
        (line) => line.data['counted'] === true && line.data['mandate_id'] === five,
      ),
    ).toHaveLength(5);
  });

  test('a batch is answered in order, at most a hundred', async () => {
    const good = { mandate_id: finance, action: 'finance:approve', resource: 'petty-cash' };
    const { body } = await ask({ checks: [good, { ...good, resource: 'other' }, good] });
    expect((body['results'] as { decision: string }[]).map((one) => one.decision)).toEqual([
      'allow',
      'deny',
      'allow',
    ]);
    expect((await ask({ checks: Array.from({ length: 101 }, () => good) })).status).toBe(400);
  });

  test("for tools the answer is the engine's: an allow where the same agent's call would go through, a no everywhere else", async () => {
    const people = await Promise.all(
      ['ann', 'carl', 'bob', 'dana', 'nina', 'otto'].map((name) => world.person(name)),
    );
    const actor = await actorUnder(mandateId);
    await check(
      asyncProperty(
        constantFrom(
          'okta_reset_mfa',
          'okta_reset_password',
          'okta_suspend_user',
          'mandate_list',
          'mandate_create',
          'agent_list',
        ),
        constantFrom(...people),
        async (tool, person) => {
          const entry = world.app.catalogue.get(tool)!;
          const act = entry.tool.effects === 'act';
          const targets = act
            ? ([{ type: 'Person', id: person.id }] as const)
            : ([{ type: 'Tenant' }] as const);
          const decided = await readonly(world.app, world.tenantId, (reader) =>
            decide(reader, world.app.policies, {
              entry,
              actor,
              targets,
              adminRoles: new Map([[person.id, []]]),
            }),
          );
          const { body } = await ask({
            mandate_id: mandateId,
            tool,
            ...(act ? { resource: `person:${person.id}` } : {}),
          });
          const free = decided.allowed && decided.saved.requirements.length === 0;
          expect(body['decision']).toBe(free ? 'allow' : 'deny');
          const [reason] = body['reasons'] as string[];
          const gated = reason === 'APPROVAL_REQUIRED' || reason === 'STEP_UP_REQUIRED';
          expect(gated).toBe(decided.allowed && !free);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('law 4: while mandates are revoked, nothing that is asked after a commit is allowed any more', async () => {
    const bob = await world.actor('bob');
    const ids = await Promise.all(Array.from({ length: 8 }, () => world.mandate('bob', agent)));
    const actors = new Map(await Promise.all(ids.map(async (id) => [id, await actorUnder(id)] as const)));
    const entry = world.app.catalogue.get('mandate_list')!;
    const ended = new Map<string, number>();
    const seen = { allowed: 0, late: 0 };
    const reader = async (nth: number) => {
      for (let turn = nth; ended.size < ids.length; turn += 1) {
        const id = ids[turn % ids.length]!;
        const asked = performance.now();
        const { allowed } = await decideNow(world.app, world.tenantId, {
          entry,
          actor: actors.get(id)!,
          targets: [{ type: 'Tenant' }],
          adminRoles: new Map(),
        });
        if (allowed && (ended.get(id) ?? Infinity) < asked) seen.late += 1;
        else if (allowed) seen.allowed += 1;
      }
    };
    const writer = async (id: string) => {
      expect(await world.as(bob, 'mandate_revoke', { mandate_id: id })).toMatchObject({ status: 'done' });
      ended.set(id, performance.now());
    };
    await Promise.all([
      ...Array.from({ length: 6 }, (_, nth) => reader(nth)),
      (async () => {
        for (const id of ids) await writer(id);
      })(),
    ]);
    expect(seen.late).toBe(0);
    expect(seen.allowed).toBeGreaterThan(0);
  });

  test('without a database: 503, never an allow', async () => {
    world.wire!.cut();
    const { status } = await ask({ mandate_id: finance, action: 'finance:approve', resource: 'petty-cash' });
    expect(status).toBe(503);
    world.wire!.mend();
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { isHighValue } from '#domain/mandate/scopes.ts';
import { requireHolders, requireKnownScopes } from '#domain/scope/rules.ts';
import { scopesOf } from '#domain/scope/store.ts';
import type { Outcome } from '#engine/outcome.ts';
import { IMPLIED_SCOPE } from '#engine/tool.ts';
import { readonly, transact } from '#engine/transact.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const done = (outcome: Outcome): Record<string, unknown> => {
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.output;
};

async function agreed(tool: string, input: Record<string, unknown>): Promise<void> {
  const asked = await world.as(await world.actor('dana'), tool, input);
  if (asked.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(asked)}`);
  await world.vote('ivan', asked.approvalId);
  await eventually(
    async () =>
      (await world.sql`select 1 from calls where id = ${asked.callId} and state = 'succeeded'`).length > 0,
    `${tool} is carried out`,
  );
}

const read = <T>(work: Parameters<typeof readonly<T>>[2]) => readonly(world.app, world.tenantId, work);

describe('the catalogue of scopes', () => {
  test('begins with the scopes of every tool that an agent may be let use', async () => {
    const listed = done(await world.as(await world.actor('carl'), 'scope_list', {}));
    const names = (listed['scopes'] as { scope: string }[]).map((one) => one.scope);
    const okta = world.app.catalogue.all.flatMap(({ tool, family }) =>
      family === 'okta' ? [tool.scope] : [],
    );
    expect(names).toEqual(
      expect.arrayContaining([...new Set(okta)].filter((scope) => scope !== IMPLIED_SCOPE)),
    );
  });

  test('a scope is added and taken away by two humans, and the ledger has both', async () => {
    await agreed('scope_set', {
      scope: 'finance:approve',
      description: 'Approve invoices',
      sensitivity: 'high',
      holders: ['executive'],
      amount_threshold: 10_000,
      currency: 'EUR',
    });
    const [row] =
      await world.sql`select scope, sensitivity, holders, amount_threshold, currency from scopes where scope = 'finance:approve'`;
    expect(row).toEqual({
      scope: 'finance:approve',
      sensitivity: 'high',
      holders: ['executive'],
      amount_threshold: '10000.0000',
      currency: 'EUR',
    });
    await agreed('scope_remove', { scope: 'finance:approve' });
    expect(await world.sql`select 1 from scopes where scope = 'finance:approve'`).toHaveLength(0);
    expect((await world.ledger('scope_changed')).map((line) => line.data)).toMatchObject([
      { scope: 'finance:approve', before: null },
      { scope: 'finance:approve', removed: true },
    ]);
    expect(
      await world.as(await world.actor('bob'), 'scope_set', { scope: 'mine', description: 'mine' }),
    ).toMatchObject({ status: 'denied' });
  });

  test('rules: unknown scopes and roles that may not hold one are refused; high value by mark, amount or currency', async () => {
    await expect(
      read((reader) => requireKnownScopes(reader, ['okta.mfa.reset', 'no.such'])),
    ).rejects.toMatchObject({
      code: 'invalid_input',
      detail: { problems: [{ problem: 'There is no scope no.such.' }] },
    });
    const [one] = await read(scopesOf);
    const scope = { ...one!, scope: 's', holders: ['executive'] };
    expect(() => requireHolders([scope], ['manager'])).toThrow(/only executive/);
    expect(() => requireHolders([scope], ['manager', 'executive'])).not.toThrow();
    await world.sql`insert into scopes (tenant_id, scope, description, sensitivity, amount_threshold, currency, holders) values
      (${world.tenantId}, 'pay', 'Pay', 'normal', 100, 'EUR', '{}'), (${world.tenantId}, 'sign', 'Sign', 'high', null, null, '{}')`;
    const high = (scope: string, amount: number | null, currency: string | null) =>
      read((reader) => isHighValue(reader, { scopes: [scope], amount, currency }));
    expect(await high('pay', 100, 'EUR')).toBe(false);
    expect(await high('pay', 100.01, 'EUR')).toBe(true);
    expect(await high('pay', 1, 'USD')).toBe(true);
    expect(await high('pay', null, null)).toBe(true);
    expect(await high('sign', null, null)).toBe(true);
    expect(await high('okta.mfa.reset', null, null)).toBe(false);
    await world.sql`delete from scopes where scope in ('pay', 'sign')`;
    // A scope that is no longer registered counts as high.
    expect(await high('sign', null, null)).toBe(true);
  });

  test('an empty catalogue has no scope: nothing can be given, and everything is of high value', async () => {
    const agent = await world.agent('nothing-bot', 'bob');
    await world.sql`create table public.kept_catalogue as select * from scopes`;
    const [last, ...others] = await read(scopesOf);
    await world.sql`delete from scopes where scope = any(${others.map(({ scope }) => scope)})`;
    try {
      await agreed('scope_remove', { scope: last!.scope });
      expect(await read(scopesOf)).toEqual([]);
      await expect(
        world.as(await world.actor('bob'), 'mandate_create', {
          agent: agent.id,
          scopes: ['okta.mfa.reset'],
          resources: ['team'],
          purpose: 'from nothing',
        }),
      ).rejects.toMatchObject({ code: 'invalid_input' });
      await expect(read((reader) => requireKnownScopes(reader, ['okta.mfa.reset']))).rejects.toMatchObject({
        code: 'invalid_input',
      });
      expect(await read((reader) => isHighValue(reader, { scopes: ['okta.mfa.reset'] }))).toBe(true);
    } finally {
      await world.sql`insert into scopes select * from kept_catalogue`;
    }
  });

  test('over REST: an API key reads them, and its change waits for two IT admins', async () => {
    const key = await transact(
      world.app,
      world.tenantId,
      async (ctx) =>
        (
          await createApiKey(ctx, 'sandbox', {
            name: 'terraform',
            scopes: ['scope_list', 'scope_set', 'policy_show'],
          })
        ).presented,
    );
    const send = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${world.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    expect(await send('GET', '/v1/scopes')).toMatchObject({
      status: 200,
      body: { result: { scopes: expect.any(Array) as unknown } },
    });
    expect(await send('GET', '/v1/policies?version=0')).toMatchObject({
      status: 200,
      body: { result: { version: 0 } },
    });
    expect((await send('PUT', '/v1/mappings', { group: 'x', role: 'manager' })).status).toBe(403);
    expect((await send('PATCH', '/v1/scopes')).status).toBe(405);
    const asked = await send('PUT', '/v1/scopes', { scope: 'crm:read', description: 'Read the CRM' });
    expect(asked.status).toBe(202);
    const approvalId = String(asked.body['approval_id']);
    await world.vote('dana', approvalId);
    expect(await world.sql`select 1 from scopes where scope = 'crm:read'`).toHaveLength(0);
    await world.vote('ivan', approvalId);
    await eventually(
      async () => (await world.sql`select 1 from scopes where scope = 'crm:read'`).length === 1,
      'the scope stands',
    );
  });
});

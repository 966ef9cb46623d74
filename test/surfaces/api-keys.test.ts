import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
let keys: string;
beforeAll(async () => {
  world = await openWorld();
  keys = `/v1/tenants/${world.tenantId}/api-keys`;
});
afterAll(() => world.close());

type Answer = { status: number; body: Record<string, unknown> };
const rest = async (bearer: string, path: string, body: unknown): Promise<Answer> => {
  const response = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${bearer}`,
      'content-type': 'application/json',
      prefer: 'wait=0',
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const make = (name: string, scopes: readonly string[], by = world.company.api_keys.admin) =>
  rest(by, keys, { name, scopes });
/** A key to which two humans granted these tools. */
async function acting(name: string, scopes: readonly string[]): Promise<string> {
  const { body } = await make(name, []);
  await world.grant(String(body['id']), scopes);
  return String(body['api_key']);
}
const atOkta = (key: string) => {
  const user = world.okta.org.users.get(samplePerson(key).oktaId);
  if (user === undefined) throw new Error(`no ${key} at Okta`);
  return user;
};
const factors = (key: string) => atOkta(key).factors.length;
const state = async (mandateId: string) =>
  (await world.sql<{ state: string }[]>`select state from mandates where id = ${mandateId}`)[0]?.state;

describe('a key makes a key', () => {
  test('that looks, and none that acts or governs, whatever it has itself; a refusal makes nothing', async () => {
    const before = await world.sql`select id from api_keys`;
    const admin = await acting('Second administrator', ['admin', 'okta_reset_mfa']);
    for (const by of [world.company.api_keys.admin, admin])
      for (const scope of ['admin', 'agent.manage', 'scim', 'okta_reset_mfa', 'mandate_thaw', 'policy_set']) {
        const { status, body } = await make('x', ['ledger:read', scope], by);
        expect([scope, status, body['reason'], body['scopes']]).toEqual([
          scope,
          403,
          'humans_grant_this',
          [scope],
        ]);
      }
    expect(await world.sql`select id from api_keys`).toHaveLength(before.length + 1);
    expect((await make('reader', ['ledger:read', 'verify', 'okta_find_user'], admin)).status).toBe(201);
  });

  test('a grant takes two humans: one IT admin alone and an API key change nothing', async () => {
    const { body } = await make('HR desk', []);
    const id = String(body['id']);
    const input = { key: id, scopes: ['okta_suspend_user'] };
    const scopes = async () =>
      (await world.sql<{ scopes: string[] }[]>`select scopes from api_keys where id = ${id}`)[0]?.scopes;
    const denied = await rest(world.company.api_keys.admin, '/v1/tools/api_key_grant', input);
    expect([denied.status, denied.body['code']]).toEqual([403, 'not_for_agents']);
    expect(await world.as(await world.actor('bob'), 'api_key_grant', input)).toMatchObject({
      status: 'denied',
    });
    const asked = await world.as(await world.actor('dana'), 'api_key_grant', input);
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    await expect(world.vote('dana', asked.approvalId)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await scopes()).toEqual([]);
    await world.vote('ivan', asked.approvalId);
    await eventually(async () => (await scopes())?.includes('okta_suspend_user'), 'it is granted');
    expect((await world.ledger('key_granted')).at(-1)).toMatchObject({
      actor: (await world.person('dana')).id,
      data: { key_id: id, granted: ['okta_suspend_user'], scopes: ['okta_suspend_user'] },
    });
  });

  test('a source goes with the scope scim and nothing else; a revoked key gets nothing', async () => {
    const dana = await world.actor('dana');
    const { body } = await make('Entra SCIM', []);
    const [key, secret] = [String(body['id']), String(body['api_key'])];
    for (const input of [
      { key, scopes: ['scim'] },
      { key, scopes: ['ledger:read'], source: 'okta' },
      { key, scopes: ['scim'], source: 'https://unknown.example' },
      { key, scopes: ['everything'] },
      { key, scopes: ['approval_decide'] },
    ])
      await expect(world.as(dana, 'api_key_grant', input)).rejects.toMatchObject({ code: 'invalid_input' });
    const scim = () =>
      fetch(`${world.url}/v1/scim/v2/Users?count=1`, { headers: { authorization: `Bearer ${secret}` } });
    expect((await scim()).status).toBe(403);
    await world.grant(key, ['scim'], 'entra');
    expect((await scim()).status).toBe(200);
    await world.sql`update api_keys set revoked_at = now() where id = ${key}`;
    await expect(world.as(dana, 'api_key_grant', { key, scopes: ['verify'] })).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});

describe('what guards a target holds for a key', () => {
  test('privileged people need two IT admins with step-up, and what loosens waits for a human', async () => {
    const key = await acting('Desk', ['okta_reset_mfa', 'mandate_thaw']);
    const before = factors('dana');
    expect(before).toBeGreaterThan(0);
    const reset = await rest(key, '/v1/tools/okta_reset_mfa', { person: 'dana@acme.example' });
    expect([reset.status, reset.body['status']]).not.toEqual([200, 'done']);
    expect(JSON.stringify(reset.body)).toMatch(/two IT admins must approve, with step-up|pending_approval/);
    expect(factors('dana')).toBe(before);

    const agent = await world.agent('frozen-bot', 'bob');
    const mandate_id = await world.mandate('bob', agent);
    const frozen = await world.as(await world.actor('dana'), 'mandate_freeze', { mandate_id });
    expect(frozen.status).toBe('done');
    const thaw = await rest(key, '/v1/tools/mandate_thaw', { mandate_id });
    expect([thaw.status, thaw.body['status']]).toEqual([202, 'pending_approval']);
    expect(await state(mandate_id)).toBe('frozen');
    await world.vote('ivan', String(thaw.body['approval_id']));
    await eventually(async () => (await state(mandate_id)) === 'active', 'a human let it go');
  });
});

test('what stands between the things of an entry is no part of any name, so nobody is found as somebody else', async () => {
  const dana = await world.person('dana');
  const forged = `x\u001fby ${dana.id}`;
  await world.sql`update api_keys set name = ${forged} where name = 'First administrator'`;
  await rest(world.company.api_keys.admin, '/v1/tools/mandate_list', {});
  const response = await fetch(`${world.url}/v1/ledger?actor=${dana.id}&limit=1000`, {
    headers: { authorization: `Bearer ${world.company.api_keys.admin}` },
  });
  const { entries } = (await response.json()) as { entries: { actor: string }[] };
  expect(entries.filter(({ actor }) => actor !== dana.id)).toEqual([]);
  expect(await world.ledger()).toContainEqual(
    expect.objectContaining({ actor: `api-key:x\uFFFDby ${dana.id}` }),
  );
});

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

describe('API keys and signing keys are changed by calls', () => {
  const path = (rest: string) => `/v1/tenants/${world.tenantId}/${rest}`;
  const ask = (method: string, at: string, body?: object, idempotencyKey?: string) =>
    fetch(`${world.url}${path(at)}`, {
      method,
      headers: {
        authorization: `Bearer ${world.company.api_keys.admin}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const json = async (answer: Response) => (await answer.json()) as Record<string, unknown>;
  const works = async (key: unknown) => {
    const headers = { authorization: `Bearer ${String(key)}` };
    return (await fetch(`${world.url}/v1/ledger?limit=1`, { headers })).status === 200;
  };
  const NEW = { name: 'auditor', scopes: ['ledger:read'] };

  test('each with its call in the ledger, and no secret of a key in any of them', async () => {
    const made = await json(await ask('POST', 'api-keys', NEW));
    const secret = String(made['api_key']).split(':')[1] ?? '-';
    expect((await ask('DELETE', `api-keys/${String(made['id'])}`)).status).toBe(204);
    expect((await ask('POST', 'signing-keys/rotate')).status).toBe(201);
    for (const [tool, event] of [
      ['api_key_create', 'key_created'],
      ['api_key_revoke', 'key_revoked'],
      ['signing_key_rotate', 'SIGNING_KEY_ROTATED'],
    ] as const) {
      const entry = (await world.ledger(event)).at(-1);
      const [call] = await world.sql`
        select tool, state from calls where id = ${String(entry?.data['call_id'])}`;
      expect(call).toEqual({ tool, state: 'succeeded' });
      expect((await world.ledger('CALL_SUCCEEDED')).map(({ data }) => data['call_id'])).toContain(
        entry?.data['call_id'],
      );
    }
    const calls = await world.sql`select * from calls`;
    expect(JSON.stringify([calls, await world.ledger(), world.logs])).not.toContain(secret);
  });

  test('the scope admin is enough at these routes alone, and no agent or other person has the tools', async () => {
    const { admin } = world.company.api_keys;
    const input = { ...NEW, secret_sha256: '0'.repeat(64) };
    for (const [tool, given] of Object.entries({
      api_key_create: input,
      api_key_revoke: { key: 'akey_x' },
      signing_key_rotate: {},
    })) {
      const direct = await rest(admin, `/v1/tools/${tool}`, given);
      expect([tool, direct.status, direct.body['code']]).toEqual([tool, 403, 'no_policy_allows']);
      const bob = await world
        .as(await world.actor('bob'), tool, given)
        .catch(({ code }) => ({ status: code }));
      expect([tool, bob.status]).toEqual([tool, 'denied']);
    }
    // What a person's client can ask for is what agents can have.
    const resource = await fetch(`${world.url}/.well-known/oauth-protected-resource/v1`);
    const { scopes_supported: scopes } = (await resource.json()) as { scopes_supported: string[] };
    expect(scopes).toContain('okta.users.read');
    expect(scopes.filter((scope) => /key/.test(scope))).toEqual([]);
  });

  test('an approval that the organisation requires is waited for; the secret is in that answer and works afterwards', async () => {
    // Nothing else permits anything to a key: what stays does.
    const text = `@id("new-keys-wait") @adds("requirement") @approval("role:it_admin") @reason("New keys wait.")
      permit (principal is Service, action == Action::"api_key_create", resource);`;
    const inForce = (policies: string) => world.sql`
      insert into policy_versions (tenant_id, version, text, note)
      select ${world.tenantId}, coalesce(max(version), 0) + 1, ${policies}, 'from before' from policy_versions where tenant_id = ${world.tenantId}`;
    const [before] = await world.sql<{ text: string }[]>`
      select text from policy_versions where tenant_id = ${world.tenantId} order by version desc limit 1`;
    await inForce(text);
    try {
      const waiting = await ask('POST', 'api-keys', NEW, 'waits');
      const body = await json(waiting);
      expect([waiting.status, body['status']]).toEqual([202, 'pending_approval']);
      expect(waiting.headers.get('location')).toBe(`/v1/calls/${String(body['call_id'])}`);
      const again = await ask('POST', 'api-keys', NEW, 'waits');
      expect([again.status, again.headers.get('location'), await json(again)]).toEqual([
        202,
        waiting.headers.get('location'),
        body,
      ]);
      expect(await works(body['api_key'])).toBe(false);
      await world.vote('ivan', String(body['approval_id']));
      await eventually(() => works(body['api_key']), 'the key works');
      const [made] = await world.sql<
        { id: string }[]
      >`select id from api_keys order by created_at desc limit 1`;
      expect((await ask('DELETE', `api-keys/${made?.id ?? ''}`)).status).toBe(204);
    } finally {
      await inForce(before?.text ?? '');
    }
  });

  test('in a frozen organisation keys are revoked and the signing key is rotated, and none is created', async () => {
    const { id } = await json(await ask('POST', 'api-keys', NEW));
    await world.sql`delete from signing_keys where active_from > now()`;
    await world.sql`update tenants set status = 'frozen' where id = ${world.tenantId}`;
    try {
      const refused = await ask('POST', 'api-keys', NEW, 'frozen');
      expect([refused.status, (await json(refused))['code']]).toEqual([403, 'tenant_frozen']);
      expect((await ask('DELETE', `api-keys/${String(id)}`)).status).toBe(204);
      expect((await ask('POST', 'signing-keys/rotate')).status).toBe(201);
    } finally {
      await world.sql`update tenants set status = 'active' where id = ${world.tenantId}`;
    }
    // What was refused has not used up its key.
    expect((await ask('POST', 'api-keys', NEW, 'frozen')).status).toBe(201);
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

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { openWorld, type World } from '../support/world.ts';

const MANAGERS = '00gmanagers0000000h7';
const HOUR = 3_600_000;

let shift = 0;
let world: World;
beforeAll(async () => {
  world = await openWorld({ now: () => new Date(Date.now() + shift) });
});
afterAll(() => world.close());
beforeEach(() => world.okta.clearFaults());

const byId = (key: string) =>
  world.okta.requests.filter(
    (one) => one.method === 'GET' && one.path === `/api/v1/users/${samplePerson(key).oktaId}`,
  ).length;

describe('what is known of a person at Okta is relied on for six hours', () => {
  test('an exchange reads them again too, once; where Okta does not answer there is no token for now', async () => {
    const agent = await world.agent('age-token-bot', 'bob');
    const mandate = await world.mandate('bob', agent);
    await world.sql`update people set read_at = now() - interval '7 hours', checked_at = null`;
    world.okta.fault({
      method: 'GET',
      path: `/users/${samplePerson('bob').oktaId}`,
      times: 1000,
      status: 503,
    });
    expect(await world.exchange(agent, 'bob', mandate)).toMatchObject({
      status: 503,
      body: { error: 'temporarily_unavailable', reason: 'directory_outdated' },
    });
    world.okta.clearFaults();
    const before = byId('bob');
    expect(await world.exchange(agent, 'bob', mandate)).toMatchObject({ status: 200 });
    expect(await world.exchange(agent, 'bob', mandate)).toMatchObject({ status: 200 });
    expect(byId('bob')).toBe(before + 1);
  });

  test('a token without the scope of the tool is told so at any age, and nobody is read again for it', async () => {
    const agent = await world.agent('age-scope-bot', 'bob');
    const mandate = await world.mandate('bob', agent, {
      scopes: ['okta.mfa.reset', 'okta.password.reset'],
      resources: ['team'],
    });
    const audience = `${world.url}/v1`;
    const token = await world.token(agent, 'bob', mandate, { audience, scope: 'okta.mfa.reset' });
    const before = byId('bob');
    await world.sql`update people set read_at = now() - interval '7 hours', checked_at = null`;
    const response = await fetch(`${world.url}/v1/tools/okta_reset_password`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ person: 'ann@acme.example' }),
    });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('scope_not_delegated');
    expect(byId('bob')).toBe(before);
    await world.sql`update people set read_at = now()`;
  });

  test('within them nobody is read again; beyond them by id before the decision, and then for six hours more', async () => {
    const bob = await world.actor('bob');
    shift = 5 * HOUR;
    const before = byId('bob');
    expect(await world.as(bob, 'mandate_list', {})).toMatchObject({ status: 'done' });
    expect(byId('bob')).toBe(before);
    shift = 7 * HOUR;
    expect(await world.as(bob, 'mandate_list', {})).toMatchObject({ status: 'done' });
    expect(await world.as(bob, 'mandate_list', {})).toMatchObject({ status: 'done' });
    expect(byId('bob')).toBe(before + 1);
  });

  test('where Okta does not answer the answer is no, in words; what only takes away is done all the same', async () => {
    const mandate = await world.mandate('bob', await world.agent('age-bot', 'bob'));
    const bob = await world.actor('bob');
    shift = 14 * HOUR;
    world.okta.fault({
      method: 'GET',
      path: `/users/${samplePerson('bob').oktaId}`,
      times: 1000,
      status: 503,
    });
    expect(await world.as(bob, 'mandate_list', {})).toMatchObject({
      status: 'denied',
      denial: {
        code: 'directory_outdated',
        message: expect.stringContaining('The identity provider data about Bob Meyer is too old') as string,
      },
    });
    expect(await world.as(bob, 'mandate_freeze', { mandate_id: mandate, reason: 'now' })).toMatchObject({
      status: 'done',
    });
    world.okta.clearFaults();
    expect(await world.as(bob, 'mandate_list', {})).toMatchObject({ status: 'done' });
  });

  test('a group that they left at Okta meanwhile gives nothing more', async () => {
    shift = 21 * HOUR;
    world.okta.org.groups.get(MANAGERS)?.members.delete(samplePerson('bob').oktaId);
    expect(
      await world.as(await world.actor('bob'), 'okta_reset_password', { person: 'ann@acme.example' }),
    ).toMatchObject({ status: 'denied', denial: { code: 'no_policy_allows' } });
  });

  test('a deactivation that no import has seen is seen, and the bound is the one that the organisation chose', async () => {
    await world.sql`update tenants set settings = settings || '{"directorySeconds": 60}'`;
    shift = 21 * HOUR + 120_000;
    const carl = await world.actor('carl');
    const user = world.okta.org.users.get(samplePerson('carl').oktaId);
    if (user === undefined) throw new Error('no Carl at Okta');
    user.status = 'DEPROVISIONED';
    expect(await world.as(carl, 'mandate_list', {})).toMatchObject({
      status: 'denied',
      denial: { code: 'principal_inactive' },
    });
    expect((await world.person('carl')).status).toBe('DEPROVISIONED');
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFleet } from '../support/process.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let agent: TestAgent;
let token: string;
let mandateId: string;

beforeAll(async () => {
  world = await openWorld({ wire: true });
  agent = await world.agent('cut-bot', 'bob');
  mandateId = await world.mandate('bob', agent);
  token = await world.token(agent, 'bob', mandateId);
});
afterAll(() => world.close());

const rpc = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
const mcp = () =>
  fetch(`${world.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify(rpc),
  });
const scim = () =>
  fetch(`${world.url}/v1/scim/v2/Users?count=1`, {
    headers: { authorization: `Bearer ${world.company.api_keys.scim}` },
  });

describe('the database is gone', () => {
  test('every interface refuses, none allows, and none says "not found"', async () => {
    const before =
      await world.sql`select count(*)::int as calls, (select count(*)::int from ledger) as entries from calls`;
    const okta = world.okta.requests.length;
    world.wire?.cut();
    const answers = {
      mcp: (await mcp()).status,
      scim: (await scim()).status,
      rest: (
        await fetch(`${world.url}/v1/calls`, {
          headers: { authorization: `Bearer ${world.company.api_keys.admin}` },
        })
      ).status,
      token: (await world.exchange(agent, 'bob', mandateId)).status,
      ready: (await fetch(`${world.url}/readyz`)).status,
      alive: (await fetch(`${world.url}/healthz`)).status,
    };
    expect(answers).toEqual({ mcp: 503, scim: 503, rest: 503, token: 503, ready: 503, alive: 200 });
    const typed = await world.slack.as('bob').types('/okta reset password @ann');
    expect(JSON.stringify(typed)).not.toContain('Send request');
    expect(
      world.okta.requests.filter((one) => one.method === 'POST' && one.path.includes('/lifecycle/')).length,
    ).toBe(0);
    expect(world.okta.requests.length).toBeGreaterThanOrEqual(okta);
    expect(
      await world.sql`select count(*)::int as calls, (select count(*)::int from ledger) as entries from calls`,
    ).toEqual(before);
  });

  test('it comes back by itself: interfaces, jobs and waiting', async () => {
    world.wire?.mend();
    await eventually(async () => (await fetch(`${world.url}/readyz`)).status === 200, 'ready again', 90_000);
    expect((await mcp()).status).toBe(200);
    expect((await scim()).status).toBe(200);
    const outcome = await world.as(
      await world.actor('bob'),
      'okta_reset_password',
      { person: 'ann@acme.example' },
      { waitMs: 60_000 },
    );
    expect(outcome).toMatchObject({ status: 'done' });
  });

  test('a connection lost in the middle of many calls loses nothing and does nothing twice', async () => {
    const bob = await world.actor('bob');
    const calls = Array.from({ length: 12 }, (_, index) =>
      world
        .as(bob, 'okta_reset_mfa', { person: index % 2 === 0 ? 'ann@acme.example' : 'carl@acme.example' })
        .catch((error: unknown) => error),
    );
    setTimeout(() => world.wire?.cut(), 60);
    setTimeout(() => world.wire?.mend(), 600);
    await Promise.all(calls);
    await eventually(async () => (await fetch(`${world.url}/readyz`)).status === 200, 'ready again', 90_000);
    await eventually(
      async () => (await world.sql`select 1 from calls where state in ('ready', 'running')`).length === 0,
      'every call that stands is settled',
      90_000,
    );
    const open =
      await world.sql`select state, count(*)::int from calls where tool = 'okta_reset_mfa' group by state`;
    expect(open.every((row) => row['state'] === 'succeeded' || row['state'] === 'denied')).toBe(true);
  });

  test('a server process survives ten losses under load, and answers again after each', async () => {
    const fleet = await openFleet({ wire: true });
    try {
      const server = await fleet.start();
      for (let loss = 0; loss < 10; loss += 1) {
        const load = Array.from({ length: 40 }, () =>
          fetch(`${server.url}/v1/scim/v2/Users`, {
            headers: { authorization: `Bearer tnt_${'0'.repeat(26)}:mk_test_${'0'.repeat(52)}` },
          }).then((one) => one.status),
        );
        await sleep(5 * loss);
        fleet.wire?.cut();
        for (const status of await Promise.all(load)) expect([401, 503]).toContain(status);
        fleet.wire?.mend();
        await eventually(
          async () => (await fetch(`${server.url}/readyz`)).status === 200,
          'ready again',
          90_000,
        );
      }
      expect(await server.kill('SIGTERM')).toBe(0);
    } finally {
      await fleet.close();
    }
  });
});

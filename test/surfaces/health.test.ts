import { afterAll, beforeAll, expect, test } from 'vitest';
import { health } from '../../src/health.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const ready = () => fetch(`${world.url}/readyz`);

test('readiness asks Slack once in half a minute, however often it is asked itself', async () => {
  const asked = () => world.slack.calls.filter(({ method }) => method === 'auth.test').length;
  const before = asked();
  const answers = await Promise.all(Array.from({ length: 100 }, ready));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(asked() - before).toBeLessThanOrEqual(1);
});

test('Slack being away is reported, and takes nothing out of service', async () => {
  const door = health(world.app, { ready: () => Promise.reject(new Error('ratelimited')) });
  const answer = await door.fetch(new Request('http://127.0.0.1/readyz'));
  expect([answer?.status, await answer?.json()]).toEqual([
    200,
    { status: 'ready', database: 'ok', policies: 'ok', slack: 'unavailable' },
  ]);
});

test('a connection that nobody uses stays open for longer than a load balancer keeps it', async () => {
  expect((await ready()).headers.get('keep-alive')).toBe('timeout=75');
});

test('setting up an organisation takes POST, any case of Bearer, and a body of bounded length', async () => {
  const at = `${world.url}/v1/bootstrap`;
  expect((await fetch(at)).status).toBe(405);
  const wrong = await fetch(at, { method: 'POST', headers: { authorization: `bearer ${'x'.repeat(43)}` } });
  expect([wrong.status, await wrong.json()]).toMatchObject([
    401,
    { detail: expect.stringMatching(/wrong or already used/) },
  ]);
});

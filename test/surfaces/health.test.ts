import { afterAll, beforeAll, expect, test } from 'vitest';
import { Fault } from '#lib/fault.ts';
import { slackSurface } from '#surfaces/slack/index.ts';
import { health } from '../../src/main/health.ts';
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
  const secret = 'xoxb-that-somebody-quotes';
  const answered = async (why: Error) => {
    const surface = health(world.app, { ready: () => Promise.reject(why) });
    const answer = await surface.fetch(new Request('http://127.0.0.1/readyz'));
    return [answer?.status, await answer?.json()];
  };
  const away = { status: 'ready', database: 'ok', policies: 'ok', slack: 'unavailable' };
  const refused = new Fault('unavailable', secret, { detail: { reason: 'invalid_auth' } });
  expect(await answered(refused)).toEqual([200, { ...away, reasons: { slack: 'invalid_auth' } }]);
  // What is no code of ours is not shown to strangers.
  const quoting = new Fault('unavailable', secret, { detail: { reason: `bad token: ${secret}` } });
  for (const why of [quoting, new Error(secret)])
    expect(await answered(why)).toEqual([200, { ...away, reasons: { slack: 'unknown' } }]);
});

test('readiness says why Slack is not there', async () => {
  world.slack.faults.add({ method: 'auth.test', kind: 'error', error: 'token_revoked' });
  const slack = slackSurface(world.app, {
    teamId: world.slack.teamId,
    appId: world.slack.appId,
    botToken: world.slack.botToken,
    signingSecrets: [world.slack.signingSecret],
    apiUrl: world.slack.apiUrl,
  });
  const answer = await health(world.app, await slack).fetch(new Request('http://127.0.0.1/readyz'));
  expect(await answer?.json()).toMatchObject({
    slack: 'unavailable',
    reasons: { slack: 'token_revoked' },
  });
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

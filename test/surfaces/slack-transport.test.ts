import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { signSlackRequest, type SendOptions } from '#sandbox/slack/index.ts';
import { slackSurface } from '#surfaces/slack/index.ts';
import { slackIsThrough } from '../support/slack-through.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
afterEach(() => world.slack.faults.clear());

/** A command as Slack would send it, with its own trigger. */
const command = (more: Record<string, unknown> = {}): SendOptions => ({
  kind: 'command',
  payload: {
    team_id: world.slack.teamId,
    api_app_id: world.slack.appId,
    user_id: samplePerson('bob').slackId,
    user_name: 'erin',
    channel_id: 'D0BOB000000',
    command: '/approval',
    text: 'list',
    trigger_id: randomUUID(),
    response_url: `${world.slack.url}/_response/none`,
    ...more,
  },
});

/** How often Slack was asked about a user, after the work behind the acknowledgement is done. */
async function usersAsked(): Promise<number> {
  await slackIsThrough(world);
  return world.slack.calls.filter((call) => call.method === 'users.info').length;
}

async function raw(body: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${world.url}/slack/events`, { method: 'POST', body, headers });
}

const signed = (
  body: string,
  skewSeconds = 0,
  secret = world.slack.signingSecret,
): Record<string, string> => ({
  'content-type': 'application/x-www-form-urlencoded',
  ...signSlackRequest(body, secret, Math.floor(Date.now() / 1000) + skewSeconds),
});

describe('A1, A2: only what Slack signed now is heard', () => {
  test.each([
    ['another secret', { secret: 'another-secret-of-thirty-two-chars' }],
    ['another body than was signed', { body: 'command=%2Fapproval&text=list' }],
    ['another version of the signature', { version: 'v1' }],
    ['no signature', { headers: { 'x-slack-signature': '' } }],
    ['a signature that is none', { headers: { 'x-slack-signature': 'v0=nonsense' } }],
    ['no timestamp', { headers: { 'x-slack-request-timestamp': '' } }],
    ['a timestamp that is no number', { headers: { 'x-slack-request-timestamp': 'now' } }],
    ['301 seconds ago', { skewSeconds: -302 }],
    ['301 seconds ahead, which Bolt itself takes', { skewSeconds: 302 }],
  ])('%s is 401, and nobody is asked about', async (_, tamper) => {
    const before = await usersAsked();
    expect(await world.slack.send({ ...command(), tamper })).toMatchObject({
      status: 401,
      headers: { 'x-slack-no-retry': '1' },
    });
    expect(await usersAsked()).toBe(before);
  });

  test('299 seconds on either side are heard', async () => {
    for (const skewSeconds of [-298, 298])
      expect(await world.slack.send({ ...command(), tamper: { skewSeconds } })).toMatchObject({
        status: 200,
      });
  });
});

describe('A4, A7: once only', () => {
  test('the same signed bytes have no second effect, in this process and in another', async () => {
    const before = await usersAsked();
    const { request } = await world.slack.send(command({ user_id: samplePerson('nina').slackId }));
    expect(await usersAsked()).toBe(before + 1);
    expect(await world.slack.send({ replay: request })).toMatchObject({ status: 200 });
    const second = await world.second();
    expect(
      (
        await fetch(`${second.url}/slack/events`, {
          method: 'POST',
          body: request.body,
          headers: request.headers,
        })
      ).status,
    ).toBe(200);
    expect(await usersAsked()).toBe(before + 1);
  });

  test('an event that Slack sends again is acknowledged, with retry headers or without; so is a trigger', async () => {
    const event = {
      kind: 'event',
      payload: {
        type: 'event_callback',
        team_id: world.slack.teamId,
        api_app_id: world.slack.appId,
        event_id: 'Ev1',
        event: { type: 'app_home_opened', user: 'U1' },
      },
    } as const;
    expect(await world.slack.send(event)).toMatchObject({ status: 200 });
    expect(await world.slack.send({ ...event, retry: { num: 1, reason: 'http_timeout' } })).toMatchObject({
      status: 200,
    });
    const same = command({ trigger_id: 'one-trigger', user_id: samplePerson('faye').slackId });
    const before = await usersAsked();
    await world.slack.send(same);
    await world.slack.send({ ...same, payload: { ...same.payload, text: 'list ' } });
    expect(await usersAsked()).toBe(before + 1);
  });
});

describe('A5, A6: form', () => {
  test('a body of more than a mebibyte is 413, before its signature is looked at', async () => {
    expect(
      (await raw('x'.repeat(1024 * 1024 + 1), { 'content-type': 'application/x-www-form-urlencoded' }))
        .status,
    ).toBe(413);
  });

  test.each([
    ['another media type', 'a=1', { 'content-type': 'text/plain' }, 415],
    ['a field that is named twice', 'command=%2Fokta&command=%2Fagent', {}, 400],
    ['a payload that is no JSON', 'payload=%7B', {}, 400],
    ['a payload that is a list', 'payload=%5B%5D', {}, 400],
    ['JSON that is none', '{', { 'content-type': 'application/json' }, 400],
  ])('%s is refused', async (_, body, headers, status) => {
    expect((await raw(body, { ...signed(body), ...headers })).status).toBe(status);
  });

  test('a charset in the media type does not matter', async () => {
    const body = new URLSearchParams(command().payload as Record<string, string>).toString();
    expect(
      (
        await raw(body, {
          ...signed(body),
          'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        })
      ).status,
    ).toBe(200);
  });

  test('an unsigned ssl_check is answered, and what it carries is not processed; another value is no check', async () => {
    const before = await usersAsked();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const smuggled = new URLSearchParams({
      ssl_check: '1',
      ...(command().payload as Record<string, string>),
    }).toString();
    expect((await raw(smuggled, form)).status).toBe(200);
    expect((await raw('ssl_check=true', form)).status).toBe(401);
    expect(await usersAsked()).toBe(before);
  });

  test('url_verification is answered to Slack alone', async () => {
    const body = JSON.stringify({ type: 'url_verification', challenge: 'abc' });
    const json = { 'content-type': 'application/json' };
    expect((await raw(body, json)).status).toBe(401);
    expect(await (await raw(body, { ...signed(body), ...json })).json()).toEqual({ challenge: 'abc' });
  });

  test('only POST, only this path; a command that this version does not have is answered', async () => {
    expect((await fetch(`${world.url}/slack/events`)).status).toBe(405);
    expect(await world.slack.send(command({ command: '/unheard' }))).toMatchObject({ status: 200 });
  });
});

describe('A8, A9: settings', () => {
  test('an empty or short signing secret does not start', () => {
    const settings = { teamId: 'T1', appId: 'A1', botToken: 'xoxb-1' };
    expect(() => slackSurface(world.app, { ...settings, signingSecrets: [] })).toThrow(RangeError);
    expect(() => slackSurface(world.app, { ...settings, signingSecrets: [''] })).toThrow(RangeError);
  });

  test('while the secret is being rotated both are taken', async () => {
    const next = 'the-next-secret-of-thirty-two-char';
    const { slack } = world;
    const surface = await slackSurface(world.app, {
      teamId: slack.teamId,
      appId: slack.appId,
      botToken: slack.botToken,
      apiUrl: slack.apiUrl,
      signingSecrets: [next, slack.signingSecret],
    });
    const statuses = [];
    for (const secret of [next, slack.signingSecret, 'a-third-secret-that-nobody-has-set']) {
      const body = new URLSearchParams(command().payload as Record<string, string>).toString();
      statuses.push(
        (
          await surface.fetch(
            new Request('https://prokura.test/slack/events', {
              method: 'POST',
              body,
              headers: signed(body, 0, secret),
            }),
          )
        )?.status,
      );
    }
    await surface.close();
    expect(statuses).toEqual([200, 200, 401]);
  });

  test('another app or workspace is refused', async () => {
    expect(await world.slack.send(command({ api_app_id: 'A0OTHER' }))).toMatchObject({ status: 403 });
    expect(await world.slack.send(command({ team_id: 'T0OTHER' }))).toMatchObject({ status: 403 });
  });

  test('ready asks Slack whose token it is', async () => {
    const { slack } = world;
    const base = { appId: slack.appId, apiUrl: slack.apiUrl, signingSecrets: [slack.signingSecret] };
    await expect(
      (await slackSurface(world.app, { ...base, teamId: slack.teamId, botToken: slack.botToken })).ready(),
    ).resolves.toBeUndefined();
    await expect(
      (await slackSurface(world.app, { ...base, teamId: 'T0OTHER', botToken: slack.botToken })).ready(),
    ).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('T0OTHER') as string });
    await expect(
      (await slackSurface(world.app, { ...base, teamId: slack.teamId, botToken: 'xoxb-wrong' })).ready(),
    ).rejects.toMatchObject({ code: 'unavailable' });
  });
});

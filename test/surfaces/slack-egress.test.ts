import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '#lib/log.ts';
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

const signed = (
  body: string,
  skewSeconds = 0,
  secret = world.slack.signingSecret,
): Record<string, string> => ({
  'content-type': 'application/x-www-form-urlencoded',
  ...signSlackRequest(body, secret, Math.floor(Date.now() / 1000) + skewSeconds),
});

test('O2: an answer goes to Slack and nowhere else, whatever response_url says', async () => {
  const heard: string[] = [];
  const trap = createServer((request, response) => {
    heard.push(request.url ?? '');
    response.end('ok');
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  const address = trap.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await world.slack.send(command({ response_url: `http://127.0.0.1:${port}/steal` }));
  await slackIsThrough(world);
  trap.close();
  expect(heard).toEqual([]);
});

test('O3: no log line at any level holds a token, a secret, a response URL, a trigger or private_metadata', async () => {
  const lines: string[] = [];
  const log = createLogger('trace', { write: (line) => void lines.push(line) });
  const { slack } = world;
  const surface = await slackSurface(
    { ...world.app, log },
    {
      teamId: slack.teamId,
      appId: slack.appId,
      botToken: slack.botToken,
      apiUrl: slack.apiUrl,
      signingSecrets: [slack.signingSecret],
    },
  );
  const canary = `canary-${randomUUID()}`;
  const send = async (
    payload: Record<string, unknown>,
    form: (payload: Record<string, unknown>) => string,
  ) => {
    const body = form(payload);
    return (
      await surface.fetch(
        new Request('https://prokura.test/slack/events', { method: 'POST', body, headers: signed(body) }),
      )
    )?.status;
  };
  slack.faults.add({ method: 'users.info', kind: 'server_error', times: 5 });
  await send(
    { ...command().payload, trigger_id: canary, response_url: `${slack.url}/_response/${canary}` },
    (payload) => new URLSearchParams(payload as Record<string, string>).toString(),
  );
  const view = {
    type: 'view_submission',
    team: { id: slack.teamId },
    user: { id: samplePerson('bob').slackId, team_id: slack.teamId },
    api_app_id: slack.appId,
    trigger_id: canary,
  };
  await send(
    {
      ...view,
      view: {
        callback_id: 'prokura.form',
        private_metadata: canary,
        state: { values: { canary } },
        blocks: [{ type: 'input', block_id: 'field.x' }],
      },
    },
    (payload) => new URLSearchParams({ payload: JSON.stringify(payload) }).toString(),
  );
  await send(
    {
      type: 'event_callback',
      team_id: slack.teamId,
      api_app_id: slack.appId,
      event_id: canary,
      event: { type: canary },
    },
    (payload) => new URLSearchParams({ payload: JSON.stringify(payload) }).toString(),
  );
  await surface.close();
  expect(lines.length).toBeGreaterThan(0);
  for (const secret of [canary, slack.botToken, slack.signingSecret, '_response/'])
    expect(lines.filter((line) => line.includes(secret))).toEqual([]);
});

/* oxlint-disable unicorn/require-post-message-target-origin -- chat.postMessage is Slack's, not a window's */
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, HTTPReceiver, verifySlackRequest } from '@slack/bolt';
import type { KnownBlock, ModalView } from '@slack/types';
import { WebClient } from '@slack/web-api';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  checkMessageBlocks,
  checkView,
  CHANNELS,
  slackDriver,
  startSlackSimulator,
  type SlackPerson,
  type SlackSimulator,
} from '#sandbox/slack/index.ts';

const plain = (text: string): { type: 'plain_text'; text: string } => ({ type: 'plain_text', text });
const button = (text: string, id: string, more = {}): Record<string, unknown> => ({
  type: 'button',
  text: plain(text),
  action_id: id,
  value: 'req_1',
  ...more,
});
const approval = (label: string): KnownBlock[] =>
  [
    { type: 'header', text: plain('Reset password for Ann Lee') },
    { type: 'section', text: { type: 'mrkdwn', text: `asked by <@UBOB0000000>; *${label}*` } },
    {
      type: 'actions',
      block_id: 'decide',
      elements: [
        button('Approve', 'approve', {
          confirm: { title: plain('Sure?'), text: plain('Really'), confirm: plain('Yes'), deny: plain('No') },
        }),
        button('Deny…', 'deny'),
      ],
    },
  ] as KnownBlock[];

const denyForm: ModalView = {
  type: 'modal',
  callback_id: 'deny',
  title: plain('Deny'),
  submit: plain('Send'),
  private_metadata: 'draft_1',
  notify_on_close: true,
  blocks: [
    {
      type: 'input',
      block_id: 'reason',
      label: plain('Reason'),
      element: { type: 'plain_text_input', action_id: 'text' },
    },
    {
      type: 'input',
      block_id: 'person',
      optional: true,
      label: plain('Person'),
      element: { type: 'external_select', action_id: 'who', min_query_length: 2 },
    },
    {
      type: 'input',
      block_id: 'flags',
      optional: true,
      label: plain('Flags'),
      element: {
        type: 'checkboxes',
        action_id: 'set',
        options: [{ text: plain('Urgent'), value: 'urgent' }],
      },
    },
  ],
};

/** A small real Bolt app. It shows that the simulator's requests are those that Bolt expects. */
function boltApp(sim: SlackSimulator): { app: App; receiver: HTTPReceiver; heard: string[] } {
  const receiver = new HTTPReceiver({ signingSecret: sim.signingSecret });
  const app = new App({
    receiver,
    authorize: async () => ({ botToken: sim.botToken, botId: 'BPROKURA000', botUserId: 'UPROKURA000' }),
    convoStore: false,
    clientOptions: { slackApiUrl: sim.apiUrl, retryConfig: { retries: 0 } },
  });
  const heard: string[] = [];
  app.command('/okta', async ({ command, ack, client, respond }) => {
    heard.push(command.text);
    if (command.text === 'silent') return;
    await ack();
    if (command.text === 'form') await client.views.open({ trigger_id: command.trigger_id, view: denyForm });
    else if (command.text.startsWith('ask')) {
      await client.chat.postMessage({
        channel: CHANNELS.approvals,
        text: 'Approval needed',
        blocks: approval('pending'),
      });
    } else await respond({ text: `you said ${command.text}` });
  });
  app.action('approve', async ({ ack, body, client, action }) => {
    await ack();
    heard.push(`approve ${body.user.id} ${'value' in action ? action.value : ''}`);
    if (body.type !== 'block_actions' || !body.message || !body.channel) throw new Error('no message');
    await client.chat.update({
      channel: body.channel.id,
      ts: body.message.ts,
      text: 'Approved',
      blocks: approval('done').slice(0, 2),
    });
  });
  app.action('deny', async ({ ack, body, client }) => {
    await ack();
    if (body.type === 'block_actions')
      await client.views.open({ trigger_id: body.trigger_id, view: denyForm });
  });
  app.options('who', async ({ ack, payload }) => {
    const names = ['Ann Lee', 'Bob Meyer'].filter((name) =>
      name.toLowerCase().includes(payload.value.toLowerCase()),
    );
    await ack({ options: names.map((name) => ({ text: plain(name), value: `id-${name.slice(0, 3)}` })) });
  });
  app.view('deny', async ({ ack, view, body, client }) => {
    const reason = view.state.values['reason']?.['text']?.value ?? '';
    if (reason.length < 3)
      return ack({ response_action: 'errors', errors: { reason: 'Say a little more.' } });
    heard.push(JSON.stringify(view.state.values));
    await ack();
    await client.chat.postMessage({ channel: body.user.id, text: `Denied: ${reason}` });
    return undefined;
  });
  app.view({ callback_id: 'deny', type: 'view_closed' }, async ({ ack }) => {
    heard.push('closed');
    await ack();
  });
  app.event('app_home_opened', async ({ event, client }) => {
    await client.views.publish({
      user_id: event.user,
      view: { type: 'home', blocks: [{ type: 'section', text: plain(`Hello ${event.user}`) }] },
    });
  });
  return { app, receiver, heard };
}

let sim: SlackSimulator;
let heard: string[];
let client: WebClient;
let stop: () => Promise<void>;

beforeAll(async () => {
  sim = await startSlackSimulator({ settleMs: 800 });
  const bolt = boltApp(sim);
  heard = bolt.heard;
  const server = (await bolt.app.start(0)) as Server;
  sim.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
  client = new WebClient(sim.botToken, {
    slackApiUrl: sim.apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
  });
  stop = async () => {
    await bolt.app.stop();
    await sim.close();
  };
});
afterAll(() => stop());
afterEach(() => sim.faults.clear());

const drivers: readonly (readonly [string, (name: string) => SlackPerson])[] = [
  ['in the process', (name) => sim.as(name)],
  ['over HTTP', (name) => slackDriver(sim.url).as(name)],
];

describe.each(drivers)('a person %s', (_, as) => {
  test('types a command with mentions escaped, and reads the answer alone', async () => {
    const answer = await as('bob').types('/okta reset @ann & "x<y" a@b.example @nobody');
    expect(answer).toMatchObject({ status: 200, shown: null });
    expect(heard.at(-1)).toBe(
      'reset <@UANN0000000|ann> &amp; "x&lt;y" <mailto:a@b.example|a@b.example> @nobody',
    );
    expect(answer.ephemerals).toHaveLength(1);
    expect((await as('ann').sees()).some((message) => message.ts === answer.ephemerals[0]?.ts)).toBe(false);
  });

  test('clicks what is stored: confirm dialogs are honoured, absent buttons throw, stale copies still send', async () => {
    await as('bob').types('/okta ask');
    const message = (await as('dana').sees()).findLast((one) => one.text === 'Approval needed');
    if (message === undefined) throw new Error('nothing was posted');
    await expect(as('dana').clicks(message, 'Approve all')).rejects.toThrow('no button "Approve all"');
    await expect(as('guest').clicks(message, 'Approve')).rejects.toThrow('cannot see');
    const declined = await as('dana').clicks(message, 'Approve', { confirm: false });
    expect(declined).toMatchObject({ cancelled: true, status: 0, confirm: { title: 'Sure?' } });

    expect(await as('dana').clicks(message, 'Approve')).toMatchObject({ status: 200, cancelled: false });
    expect(heard.at(-1)).toBe('approve UDANA000000 req_1');
    const edited = await as('dana').waitsFor((one) => one.ts === message.ts && one.text === 'Approved');
    expect(edited.versions).toHaveLength(1);
    await expect(as('ivan').clicks(message, 'Approve')).rejects.toThrow('no button');
    expect(await as('ivan').clicks(message, 'Approve', { staleCopy: message })).toMatchObject({
      status: 200,
    });
  });

  test("fills a modal: required fields, the app's errors, external menus, and what is sent", async () => {
    const { view } = await as('mona').types('/okta form');
    if (view === undefined) throw new Error('no modal');
    expect(await as('mona').fills(view, {}).submits()).toMatchObject({
      status: 0,
      errors: { reason: /required/ },
    });
    const short = await as('mona').fills(view, { Reason: 'no' }).submits();
    expect(short).toMatchObject({
      status: 200,
      responseAction: 'errors',
      errors: { reason: 'Say a little more.' },
    });
    expect(await as('mona').choosesOption(view, 'person', 'e')).toEqual([]);
    expect(await as('mona').choosesOption(view, 'person', 'ann')).toEqual([
      { text: 'Ann Lee', value: 'id-Ann' },
    ]);
    await expect(as('mona').fills(view, { Colour: 'red' }).submits()).rejects.toThrow('no input "Colour"');

    const done = await as('mona')
      .fills(view, { Reason: 'too wide', 'person/who': 'id-Ann', Flags: ['Urgent'] })
      .submits();
    expect(done).toMatchObject({ status: 200, shown: null });
    expect(done.view).toBeUndefined();
    expect(JSON.parse(heard.at(-1) ?? '')).toMatchObject({
      reason: { text: { type: 'plain_text_input', value: 'too wide' } },
      person: { who: { type: 'external_select', selected_option: { value: 'id-Ann' } } },
      flags: { set: { type: 'checkboxes', selected_options: [{ value: 'urgent' }] } },
    });
    expect((await as('mona').waitsFor((one) => one.text === 'Denied: too wide')).channel).toMatch(/^D/);
    expect(await as('mona').modal()).toBeNull();
  });

  test('cancels a modal, and opens the Home tab', async () => {
    const { view } = await as('erin').types('/okta form');
    if (view === undefined) throw new Error('no modal');
    await as('erin').fills(view, {}).cancels();
    expect(heard.at(-1)).toBe('closed');
    const home = await as('erin').opensHome();
    expect(home).toMatchObject({ type: 'home', user: 'UERIN000000' });
  });
});

describe('requests to the app', () => {
  test('are signed as Bolt verifies them, and refused by it once tampered with', async () => {
    await sim.as('ann').types('/okta signed');
    const request = sim.sent.at(-1);
    if (request === undefined) throw new Error('nothing was sent');
    const headers = {
      'x-slack-signature': request.headers['x-slack-signature'] ?? '',
      'x-slack-request-timestamp': Number(request.headers['x-slack-request-timestamp']),
    };
    verifySlackRequest({ signingSecret: sim.signingSecret, body: request.body, headers });
    const { payload } = request;
    const tampers = [
      { secret: 'wrong' },
      { skewSeconds: -301 },
      { body: `${request.body}&x=1` },
      { version: 'v1' },
    ];
    for (const tamper of tampers) {
      expect(await sim.send({ kind: 'command', payload, tamper })).toMatchObject({
        status: 401,
        shown: 'dispatch_failed',
      });
    }
    expect(await sim.send({ replay: request })).toMatchObject({ status: 200 });
  });

  test('that are not acknowledged within three seconds are shown as operation_timeout', async () => {
    expect(await sim.as('ann').types('/okta silent')).toMatchObject({
      status: 0,
      shown: 'operation_timeout',
    });
  });
});

describe('the Web API', () => {
  const refusal = async (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => 'accepted',
      (error: unknown) =>
        (error as { data?: { error?: string } }).data?.error ?? (error as { code?: string }).code,
    );

  test('refuses without token, with a wrong one, and without the scope', async () => {
    const poor = await startSlackSimulator({ scopes: ['users:read'], signingSecret: 's'.repeat(32) });
    try {
      const poorClient = new WebClient(poor.botToken, { slackApiUrl: poor.apiUrl });
      expect(await refusal(new WebClient(undefined, { slackApiUrl: poor.apiUrl }).auth.test())).toBe(
        'not_authed',
      );
      expect(await refusal(new WebClient('xoxb-other', { slackApiUrl: poor.apiUrl }).auth.test())).toBe(
        'invalid_auth',
      );
      await expect(
        poorClient.chat.postMessage({ channel: CHANNELS.general, text: 'x' }),
      ).rejects.toMatchObject({
        data: { error: 'missing_scope', needed: 'chat:write', provided: 'users:read' },
      });
      expect((await poorClient.users.info({ user: 'UANN0000000' })).user?.profile?.email).toBeUndefined();
    } finally {
      await poor.close();
    }
  });

  test('knows every account for which an app must not take a person at their word', async () => {
    const info = async (user: string): Promise<unknown> =>
      (await client.users.info({ user: sim.as(user).id })).user;
    expect(await info('mona')).toMatchObject({
      deleted: false,
      is_restricted: false,
      profile: { email: 'mona@acme.example' },
    });
    expect(await info('quin')).toMatchObject({ deleted: true });
    expect(await info('guest')).toMatchObject({ is_restricted: true });
    expect(await info('singleguest')).toMatchObject({ is_ultra_restricted: true });
    expect(await info('stranger')).toMatchObject({
      is_stranger: true,
      team_id: 'T0EVIL00000',
      profile: { email: 'bob@acme.example' },
    });
    expect(await info('unconfirmed')).toMatchObject({ is_email_confirmed: false });
    expect(await info('workflowbot')).toMatchObject({ is_bot: true, is_workflow_bot: true });
    expect(await info('impostor')).toMatchObject({
      profile: { display_name: 'Mona Patel', email: 'mallory@acme.example' },
    });
  });

  test('opens one modal for a trigger_id, within three seconds', async () => {
    let clock = Date.now();
    const timed = await startSlackSimulator({ now: () => clock, appUrl: 'http://127.0.0.1:1/', settleMs: 0 });
    try {
      const api = new WebClient(timed.botToken, { slackApiUrl: timed.apiUrl });
      const trigger = async (): Promise<string> => {
        await timed.as('ann').types('/okta x');
        return String(timed.sent.at(-1)?.payload['trigger_id']);
      };
      const open = (id: string): Promise<unknown> =>
        refusal(api.views.open({ trigger_id: id, view: denyForm }));
      const first = await trigger();
      expect(await open(first)).toBe('accepted');
      expect(await open(first)).toBe('exchanged_trigger_id');
      const second = await trigger();
      clock += 3001;
      expect(await open(second)).toBe('expired_trigger_id');
      expect(await open('1.2.3')).toBe('invalid_trigger_id');

      const responseUrl = String(timed.sent.at(-1)?.payload['response_url']);
      const post = async (): Promise<string> =>
        (await fetch(responseUrl, { method: 'POST', body: JSON.stringify({ text: 'late' }) })).text();
      const answers = [await post(), await post(), await post(), await post(), await post(), await post()];
      expect(answers).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'used_url']);
      await timed.as('ann').types('/okta x');
      const fresh = String(timed.sent.at(-1)?.payload['response_url']);
      clock += 30 * 60 * 1000 + 1;
      expect(await (await fetch(fresh, { method: 'POST', body: '{"text":"x"}' })).text()).toBe('expired_url');
    } finally {
      await timed.close();
    }
  });

  test('refuses to edit what is not there or not ours, to publish over a newer hash, and to post where it is no member', async () => {
    expect(await refusal(client.chat.update({ channel: CHANNELS.general, ts: '1.1', text: 'x' }))).toBe(
      'message_not_found',
    );
    await sim.as('ann').types('hello', 'general');
    const hers = sim.messages('#general').at(-1);
    expect(
      await refusal(client.chat.update({ channel: CHANNELS.general, ts: hers?.ts ?? '', text: 'x' })),
    ).toBe('cant_update_message');
    expect(await refusal(client.chat.postMessage({ channel: CHANNELS.random, text: 'x' }))).toBe(
      'not_in_channel',
    );
    expect(await refusal(client.conversations.open({ users: 'UOTHERBOT00' }))).toBe('cannot_dm_bot');
    const home = { type: 'home' as const, blocks: [] };
    const { view } = await client.views.publish({ user_id: 'UNINA000000', view: home });
    await client.views.publish({ user_id: 'UNINA000000', view: home });
    expect(
      await refusal(client.views.publish({ user_id: 'UNINA000000', view: home, hash: view?.hash ?? '' })),
    ).toBe('hash_conflict');
    expect(await refusal(client.apiCall('chat.shout'))).toBe('unknown_method');
  });

  test('fails on request: 429 with Retry-After, 500, a chosen error, so many times', async () => {
    const post = (): Promise<unknown> =>
      refusal(client.chat.postMessage({ channel: CHANNELS.general, text: 'x' }));
    sim.faults.add({ method: 'chat.postMessage', kind: 'rate_limited', retryAfter: 7 });
    await expect(client.chat.postMessage({ channel: CHANNELS.general, text: 'x' })).rejects.toMatchObject({
      retryAfter: 7,
    });
    sim.faults.add({ method: 'chat.postMessage', kind: 'error', error: 'invalid_blocks', times: 2 });
    expect([await post(), await post(), await post()]).toEqual([
      'invalid_blocks',
      'invalid_blocks',
      'accepted',
    ]);
    sim.faults.add({ method: 'chat.postMessage', kind: 'server_error' });
    expect(await post()).toMatch(/http|request/);
  });

  test('goes on after a restart with the same secrets, messages and people', async () => {
    const stateFile = join(mkdtempSync(join(tmpdir(), 'sandbox-slack-')), 'slack.json');
    const before = await startSlackSimulator({ stateFile });
    const api = new WebClient(before.botToken, { slackApiUrl: before.apiUrl });
    await api.chat.postMessage({ channel: 'UANN0000000', text: 'kept' });
    await before.setEmail('ann', 'ann@elsewhere.example');
    await before.close();
    const after = await startSlackSimulator({ stateFile });
    expect((await after.as('ann').inbox()).map((one) => one.text)).toEqual(['kept']);
    expect([after.signingSecret, after.botToken]).toEqual([before.signingSecret, before.botToken]);
    expect(statSync(stateFile).mode & 0o077).toBe(0);
    await after.close();
  });
});

describe('the block checker', () => {
  const section = (text: unknown): unknown => ({ type: 'section', text });
  const cases: readonly (readonly [string, unknown[], RegExp])[] = [
    ['more than 50 blocks', Array.from({ length: 51 }, () => ({ type: 'divider' })), /no more than 50 items/],
    ['an unknown block', [{ type: 'sparkle' }], /unsupported type: sparkle/],
    ["a modal's block in a message", [{ type: 'alert', text: plain('x') }], /not allowed in a message/],
    [
      'a header of mrkdwn',
      [{ type: 'header', text: { type: 'mrkdwn', text: 'x' } }],
      /unsupported type: mrkdwn/,
    ],
    [
      'a long header',
      [{ type: 'header', text: plain('x'.repeat(151)) }],
      /less than 151 characters.*\/blocks\/0\/text\/text/,
    ],
    ['a long section', [section(plain('x'.repeat(3001)))], /less than 3001/],
    ['an empty section', [{ type: 'section' }], /one of text and fields/],
    ['empty text', [section(plain(''))], /more than 0 characters/],
    [
      'too many fields',
      [{ type: 'section', fields: Array.from({ length: 11 }, () => plain('x')) }],
      /no more than 10/,
    ],
    ['a long field', [{ type: 'section', fields: [plain('x'.repeat(2001))] }], /less than 2001/],
    [
      'too much context',
      [{ type: 'context', elements: Array.from({ length: 11 }, () => plain('x')) }],
      /no more than 10/,
    ],
    [
      'too many buttons',
      [{ type: 'actions', elements: Array.from({ length: 26 }, (__, n) => button('x', `a${n}`)) }],
      /no more than 25/,
    ],
    ['a long button', [{ type: 'actions', elements: [button('x'.repeat(76), 'a')] }], /less than 76/],
    [
      'a long value',
      [{ type: 'actions', elements: [button('x', 'a', { value: 'x'.repeat(2001) })] }],
      /less than 2001/,
    ],
    ['a long action_id', [{ type: 'actions', elements: [button('x', 'a'.repeat(256))] }], /less than 256/],
    [
      'twin action_ids',
      [{ type: 'actions', elements: [button('x', 'a'), button('y', 'a')] }],
      /`action_id` "a" already exists/,
    ],
    [
      'twin block_ids',
      [
        { type: 'divider', block_id: 'b' },
        { type: 'divider', block_id: 'b' },
      ],
      /`block_id` "b" already exists/,
    ],
    ['an unknown member', [{ type: 'divider', colour: 'red' }], /invalid additional property: colour/],
    [
      'an unknown style',
      [{ type: 'actions', elements: [button('x', 'a', { style: 'loud' })] }],
      /valid enum value/,
    ],
    [
      'an e-mail input',
      [{ type: 'input', label: plain('x'), element: { type: 'email_text_input', action_id: 'a' } }],
      /not allowed in a message/,
    ],
    [
      'an input among actions',
      [{ type: 'actions', elements: [{ type: 'plain_text_input', action_id: 'a' }] }],
      /not allowed in actions/,
    ],
    [
      'rich text without structure',
      [{ type: 'rich_text', elements: [{ type: 'text', text: 'x' }] }],
      /unsupported type: text/,
    ],
    [
      'a menu without options',
      [{ type: 'actions', elements: [{ type: 'static_select', action_id: 'a' }] }],
      /exactly one of options/,
    ],
    [
      'a long option',
      [
        {
          type: 'actions',
          elements: [
            { type: 'static_select', action_id: 'a', options: [{ text: plain('x'.repeat(76)), value: 'v' }] },
          ],
        },
      ],
      /less than 76/,
    ],
    [
      'a javascript link',
      [{ type: 'actions', elements: [button('x', 'a', { url: 'javascript:alert(1)' })] }],
      /valid URL/,
    ],
    [
      'two tables',
      [
        { type: 'table', rows: [[{ type: 'raw_text', text: 'x' }]] },
        { type: 'table', rows: [[{ type: 'raw_text', text: 'x' }]] },
      ],
      /no more than 1 table/,
    ],
  ];

  test.each(cases)('refuses %s', (_, blocks, problem) => {
    expect(checkMessageBlocks(blocks).join('\n')).toMatch(problem);
  });

  test('takes what Slack takes', () => {
    expect(checkMessageBlocks(approval('pending'))).toEqual([]);
    expect(checkView(denyForm, 'modal')).toEqual([]);
    const rich = [
      {
        type: 'rich_text',
        elements: [
          {
            type: 'rich_text_quote',
            elements: [{ type: 'text', text: '<!channel>', style: { bold: true } }],
          },
        ],
      },
      {
        type: 'plan',
        title: 'Timeline',
        tasks: [{ type: 'task_card', task_id: '1', title: 'Asked', status: 'complete' }],
      },
      {
        type: 'container',
        title: plain('Exactly'),
        is_collapsible: true,
        child_blocks: [{ type: 'divider' }],
      },
    ];
    expect(checkMessageBlocks(rich)).toEqual([]);
  });

  test('holds modals to their own limits', () => {
    const wrong = (change: object): string => checkView({ ...denyForm, ...change }, 'modal').join('\n');
    expect(wrong({ title: plain('x'.repeat(25)) })).toMatch(/less than 25.*\/view\/title/);
    expect(wrong({ submit: undefined })).toMatch(/missing required field: submit/);
    expect(wrong({ private_metadata: 'x'.repeat(3001) })).toMatch(/less than 3001/);
    expect(wrong({ blocks: Array.from({ length: 101 }, () => ({ type: 'divider' })) })).toMatch(
      /no more than 100/,
    );
    expect(wrong({ blocks: [{ type: 'table', rows: [[{ type: 'raw_text', text: 'x' }]] }] })).toMatch(
      /not allowed in a modal/,
    );
    expect(checkView({ type: 'home', title: plain('x'), blocks: [] }, 'home').join()).toMatch(
      /additional property: title/,
    );
  });

  test('stands at the API: invalid_blocks with the reasons, and text is required', async () => {
    const blocks = [{ type: 'header', text: plain('x'.repeat(151)) }] as KnownBlock[];
    await expect(
      client.chat.postMessage({ channel: CHANNELS.general, text: 'x', blocks }),
    ).rejects.toMatchObject({
      data: {
        error: 'invalid_blocks',
        response_metadata: { messages: [expect.stringContaining('/blocks/0/text/text')] },
      },
    });
    await expect(
      client.apiCall('chat.postMessage', { channel: CHANNELS.general, blocks: approval('x') }),
    ).rejects.toMatchObject({
      data: { error: 'no_text' },
    });
  });
});

describe('the page', () => {
  test('draws messages escaped, under a strict policy, for this host only', async () => {
    await client.chat.postMessage({
      channel: 'UIVAN000000',
      text: 'x',
      blocks: [{ type: 'section', text: plain('<img src=x onerror=alert(1)>') }],
    });
    const response = await fetch(`${sim.url}/?as=ivan`);
    expect(response.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self'/);
    expect(await response.text()).toContain('Simulated Slack: sandbox');
    const state = (await (await fetch(`${sim.url}/_page/state?as=ivan`)).json()) as { main: string };
    expect(state.main).toContain('&lt;img src=x onerror=alert(1)&gt;');
    const foreign = await fetch(`${sim.url}/_sandbox/as/ivan/types`, {
      method: 'POST',
      headers: { origin: 'https://evil.example', 'content-type': 'application/json' },
      body: '{"text":"/okta x"}',
    });
    expect(foreign.status).toBe(403);
  });
});

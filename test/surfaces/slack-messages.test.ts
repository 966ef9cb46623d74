import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { checkMessageBlocks } from '#sandbox/slack/index.ts';
import { slackApprovals, words, type SlackApprovals } from '../support/slack-approvals.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let bot: TestAgent;
let slack: SlackApprovals;
beforeAll(async () => {
  world = await openWorld();
  bot = await world.agent('deploy-bot', 'carl');
  slack = slackApprovals(world, bot);
});
afterAll(() => world.close());
afterEach(() => world.slack.faults.clear());

describe('O7: messages follow what happens elsewhere', () => {
  test('Refresh draws a copy anew from the rows', async () => {
    const { approvalId } = await slack.ask();
    const seen = await slack.copy('mona', approvalId);
    await world.sql`update approvals set version = version + 1 where id = ${approvalId}`;
    expect(await slack.click('mona', 'prokura.refresh', `${approvalId}:1`)).toContain('up to date now');
    await world.slack
      .as('mona')
      .waitsFor((one) => one.ts === seen.ts && words(one).includes(`${approvalId}:2`));
  });

  test('a decision over another interface edits every copy', async () => {
    const { approvalId } = await slack.ask();
    await slack.copy('mona', approvalId);
    await slack.copy('bob', approvalId);
    await world.vote('mona', approvalId);
    for (const who of ['mona', 'bob'])
      expect(words(await slack.becomes(who, approvalId, /^Done. Approved by Mona Patel/))).not.toContain(
        'prokura.withdraw',
      );
  });

  test('a message that somebody deleted does not hold up the others, and is not posted again', async () => {
    const { approvalId } = await slack.ask();
    const seen = await slack.copy('mona', approvalId);
    await slack.copy('bob', approvalId);
    world.slack.faults.add({ method: 'chat.update', kind: 'error', error: 'message_not_found' });
    await world.vote('mona', approvalId);
    await slack.becomes('bob', approvalId, /^Done/);
    const monas = (await world.slack.as('mona').inbox()).filter((one) => words(one).includes(approvalId));
    expect(monas.map((one) => one.ts)).toEqual([seen.ts]);
  });

  test('Slack being away for a moment delays a copy, and does not lose or double it', async () => {
    world.slack.faults.add({ method: 'chat.postMessage', kind: 'server_error', times: 2 });
    const { approvalId } = await slack.ask();
    const seen = await eventually(
      async () => (await world.slack.as('mona').inbox()).find((one) => words(one).includes(approvalId)),
      'the copy',
      90_000,
    );
    await eventually(
      async () => (await world.slack.as('bob').inbox()).find((one) => words(one).includes(approvalId)),
      'the requester’s copy',
      90_000,
    );
    expect(
      (await world.slack.as('mona').inbox())
        .filter((one) => words(one).includes(approvalId))
        .map((one) => one.ts),
    ).toEqual([seen.ts]);
  });

  test('two processes that draw one thing at once post one copy each', async () => {
    const second = await world.second();
    const { approvalId, callId } = await slack.ask();
    await Promise.all(
      [world.app, second.app, world.app, second.app].map((app) =>
        app.queue.send('slack-project', { tenant: world.tenantId, fact: 'test', thing: callId, id: 'x' }),
      ),
    );
    await slack.copy('mona', approvalId);
    await slack.copy('bob', approvalId);
    expect(
      await world.sql`select audience, count(*)::int from slack_messages where thing = ${callId} group by audience order by audience`,
    ).toEqual([
      { audience: 'approver', count: 1 },
      { audience: 'requester', count: 1 },
    ]);
  });
});

test('a process whose lock was cut posts nothing more: who began after it does', async () => {
  const second = await world.second();
  const answered = Promise.withResolvers<void>();
  // Many: the first message that is posted may be about the agent, and not yet this call's.
  world.slack.faults.add({ method: 'chat.postMessage', kind: 'slow', until: answered.promise, times: 20 });
  const { approvalId, callId } = await slack.ask();
  const begun = () => world.sql`select audience from slack_messages where thing = ${callId} and ts is null`;
  const [first] = await eventually(async () => {
    const rows = await begun();
    return rows.length === 1 ? rows : undefined;
  }, 'the first copy, on its way');
  await world.sql`
    select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())
      and (classid::bigint << 32) | objid::bigint = hashtextextended(${`slack ${world.tenantId} ${callId}`}, 0)`;
  const job = { tenant: world.tenantId, fact: 'test', thing: callId };
  await second.app.queue.send('slack-project', job);
  answered.resolve();
  await slack.copy('mona', approvalId);
  await slack.copy('bob', approvalId);
  // Until the first one has returned from its slow post and the queue has repeated its job.
  await eventually(
    async () => {
      const [left] = await world.sql`
        select 1 from pgboss.job where name = 'slack-project' and data ->> 'thing' = ${callId} and state in ('created', 'retry', 'active')`;
      return left === undefined;
    },
    'the end of every job',
    90_000,
  );
  const copies =
    await world.sql`select audience, count(*)::int from slack_messages where thing = ${callId} group by audience order by audience`;
  expect(copies).toEqual([
    { audience: 'approver', count: 1 },
    { audience: 'requester', count: 1 },
  ]);
  const other = first?.['audience'] === 'approver' ? 'bob' : 'mona';
  const seen = (await world.slack.as(other).inbox()).filter((one) => words(one).includes(approvalId));
  expect(seen).toHaveLength(1);
});

describe('Z9: a channel for approvals', () => {
  const setChannel = (channel: string | null) =>
    world.sql`update tenants set settings = settings || jsonb_build_object('approvalChannel', ${channel}::text)`;
  afterEach(() => setChannel(null));

  test('gets one message for everybody; the buttons still obey who clicks', async () => {
    await setChannel('C0APPROVALS');
    const { approvalId, callId } = await slack.ask();
    const seen = await world.slack
      .as('dana')
      .waitsFor((one) => one.channel === 'C0APPROVALS' && words(one).includes(approvalId));
    await slack.told('dana', seen, 'Approve', /Approvers: Mona Patel/);
    await world.slack.as('mona').clicks(seen, 'Approve');
    await eventually(async () => (await slack.state(callId)) === 'succeeded', 'the mandate');
    expect((await world.slack.as('mona').inbox()).some((one) => words(one).includes(approvalId))).toBe(false);
  });

  test('that another company shares gets nothing: direct messages instead', async () => {
    await setChannel('C0SHARED000');
    const { approvalId } = await slack.ask();
    expect((await slack.copy('mona', approvalId)).channel).toMatch(/^D/);
    expect(world.slack.messages('C0SHARED000').some((one) => words(one).includes(approvalId))).toBe(false);
  });
});

test("the agent's gated call: Bob's manager decides in Slack, and Bob reads what Okta did", async () => {
  const mandateId = await world.mandate('bob', bot, { purpose: 'agent work' });
  const actor = {
    kind: 'agent',
    surface: 'mcp',
    agentId: bot.id,
    personId: (await world.person('bob')).id,
    mandateId,
    scopes: ['okta.mfa.reset'],
    jti: 'j1',
  } as const;
  const outcome = await world.as(
    actor,
    'okta_reset_mfa',
    { person: (await world.person('ann')).id },
    { reason: 'Ann lost her phone' },
  );
  if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
  const asked = await slack.copy('mona', outcome.approvalId);
  for (const part of [
    'through agent deploy-bot, owned by Carl Jensen',
    'written by an agent',
    'Ann lost her phone',
    'Ann Lee (ann@acme.example)',
    'agent work',
  ])
    expect(words(asked)).toContain(part);
  await world.slack.as('mona').clicks(asked, 'Approve');
  const told = await world.slack
    .as('bob')
    .waitsFor((one) => /^Done: .* for Ann Lee, asked by your agent deploy-bot/.test(one.text), 90_000);
  // It is told in the thread of the request, which has become the result; the agent's reason and the result
  // stand there alone.
  const card = await slack.becomes('bob', outcome.approvalId, /^Done. Approved by Mona Patel/);
  expect(told.threadTs).toBe(card.ts);
  expect(words(card)).toContain('Removed');
  expect(words(told)).not.toContain('Removed');
  expect(words(await slack.becomes('mona', outcome.approvalId, /^Done/))).not.toContain('Removed');

  const again = await world.as(
    actor,
    'okta_reset_mfa',
    { person: (await world.person('ann')).id },
    { reason: 'And once more' },
  );
  if (again.status !== 'waiting') throw new Error(JSON.stringify(again));
  expect(words(await slack.copy('mona', again.approvalId))).toContain('Nothing to do: ');
});

test('O1: other people’s words stand there as they are, and mean nothing', async () => {
  const evil = '<!channel> <@UERIN0000000> <https://evil.example|Okta> *bold* `code` \u202eevil :tada: &lt;';
  const { approvalId } = await slack.ask({ purpose: evil }, evil);
  const seen = await slack.copy('mona', approvalId);
  expect(seen.text.replace(/<!date\^\d+\^[^<>]*>/, '')).not.toMatch(/</);
  expect(JSON.stringify(seen)).not.toContain('\u202e');
  const kinds = new Set<string>();
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(walk);
    if (typeof value !== 'object' || value === null) return;
    const { type, text } = value as { type?: string; text?: unknown };
    if (typeof text === 'string' && text.includes('<!channel>')) kinds.add(String(type));
    Object.values(value).forEach(walk);
  };
  walk(seen.blocks);
  expect([...kinds]).toEqual(['text']);
  const posted = world.slack.calls.filter((one) => one.method === 'chat.postMessage').at(-1);
  expect([String(posted?.args['unfurl_links']), String(posted?.args['unfurl_media'])]).toEqual([
    'false',
    'false',
  ]);
});

test('O6: a reason of ten thousand characters with emoji and CJK fits, and Details hold it whole', async () => {
  const reason = '理由🔑'.repeat(2500);
  const { approvalId } = await slack.ask({}, reason);
  const seen = await slack.copy('mona', approvalId);
  expect(words(seen)).toContain('(full text in Details)');
  const { view } = await world.slack.as('mona').clicks(seen, 'Details');
  const whole = (view?.blocks ?? [])
    .flatMap((block) => (block.type === 'rich_text' ? block.elements : []))
    .flatMap((element) => (element.type === 'rich_text_quote' ? element.elements : []))
    .map((leaf) => ('text' in leaf ? leaf.text : ''))
    .join('');
  expect(whole).toBe(reason);
});

test('O5, O6: in every state every message fits Slack, has a text, and holds no secret', () => {
  const messages = world.slack.messages();
  expect(messages.length).toBeGreaterThan(20);
  for (const message of messages) {
    for (const version of [message, ...message.versions]) {
      expect(version.text.trim()).not.toBe('');
      expect(checkMessageBlocks(version.blocks)).toEqual([]);
      const ids = version.blocks.flatMap((block) => block.block_id ?? []);
      expect(new Set(ids).size).toBe(ids.length);
    }
  }
  const everything = JSON.stringify(messages);
  for (const secret of [
    world.slack.botToken,
    world.slack.signingSecret,
    'PRIVATE KEY',
    '"d":',
    'recovery_token',
    'activationToken',
    '/signin/reset-password',
  ])
    expect(everything).not.toContain(secret);
});

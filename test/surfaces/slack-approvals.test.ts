import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { slackApprovals, words, type SlackApprovals } from '../support/slack-approvals.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let bot: TestAgent;
let slack: SlackApprovals;
beforeAll(async () => {
  world = await openWorld();
  bot = await world.agent('deploy-bot', 'carl');
  slack = slackApprovals(world, bot);
  // Bob is known from Slack, whichever test comes first.
  await world.slack.as('bob').types('/mandate list');
});
afterAll(() => world.close());
afterEach(() => world.slack.faults.clear());

describe('the story: a mandate in Slack', () => {
  test('Bob types it, Mona gets the message and approves, every copy says so, and Bob gets a direct message', async () => {
    const [bob, mona] = [world.slack.as('bob'), world.slack.as('mona')];
    const card = (
      await bob.types('/mandate create deploy-bot okta.mfa.reset,okta.password.reset "Help the team" days=7')
    ).ephemerals.at(-1);
    if (card === undefined) throw new Error('no card');
    await bob.clicks(card, 'Send request');
    const isThis = (one: Parameters<typeof words>[0]) => words(one).includes('Help the team');
    expect(
      (await bob.waitsFor((one) => one.text.startsWith('Waiting for approval by') && isThis(one))).text,
    ).toContain('Mona Patel');

    const asked = await mona.waitsFor(
      (one) => one.text.startsWith('Approval needed: Give a mandate to deploy-bot') && isThis(one),
    );
    for (const part of [
      'Bob Meyer (bob@acme.example)',
      'Help the team',
      'okta.mfa.reset',
      "1 approval from the requester's manager",
      'Who can approve: ',
      'Mona Patel',
      'This request expires: ',
      'digest ',
    ])
      expect(words(asked)).toContain(part);
    expect(words(asked)).not.toContain('mandate_create');
    // What is made is said once, and nothing was there before it.
    expect(words(asked).match(/may use okta/g)).toHaveLength(1);
    expect(words(asked)).not.toContain('(none)');
    expect(asked.text).toMatch(
      /This request expires <!date\^\d+\^\{date_short_pretty\} \{time\}\|[^<>]* UTC>\.$/,
    );
    const mine = await bob.waitsFor(
      (one) => one.ephemeralFor === null && words(one).includes('prokura.withdraw') && isThis(one),
    );
    expect(words(mine)).not.toContain('prokura.approve');

    await slack.told('mona', asked, 'Approve', /^You approved\. That was the last approval needed\./);
    for (const [who, seen] of [
      ['mona', asked],
      ['bob', mine],
    ] as const) {
      const edited = await world.slack
        .as(who)
        .waitsFor(
          (one) =>
            one.ts === seen.ts &&
            one.channel === seen.channel &&
            one.text.startsWith('Done. Approved by Mona Patel'),
          90_000,
        );
      expect(edited.versions.length).toBeGreaterThan(0);
      expect(words(edited)).not.toContain('prokura.approve');
    }
  });

  test('the card of a mandate’s requester becomes the mandate, and a line in its thread says so: nobody has two messages', async () => {
    const { approvalId, callId, purpose } = await slack.ask();
    const [bob, mona] = [world.slack.as('bob'), world.slack.as('mona')];
    const mine = await slack.copy('bob', approvalId);
    await mona.clicks(await slack.copy('mona', approvalId), 'Approve');
    const mandate = await bob.waitsFor(
      (one) => one.ts === mine.ts && one.text.includes('Mandate for agent'),
      90_000,
    );
    expect(mandate.text).toBe('Done. Approved by Mona Patel. Mandate for agent deploy-bot: Active');
    const [{ id } = { id: '' }] = await world.sql<{ id: string }[]>`
      select id from mandates where call_id = ${callId}`;
    expect(words(mandate)).toContain(id);
    const line = await bob.waitsFor((one) => one.threadTs === mine.ts, 90_000);
    expect(line.text).toMatch(/^Done: Give a mandate/);
    // A mention notifies of a thread that he did not begin.
    expect(words(line)).toContain(`"user_id":"${bob.id}"`);
    const about = async (who: string) =>
      (await world.slack.as(who).inbox()).filter(
        (one) =>
          one.threadTs === null &&
          one.ephemeralFor === null &&
          [approvalId, id, purpose].some((part) => words(one).includes(part)),
      );
    expect(await about('bob')).toHaveLength(1);
    expect(await about('mona')).toHaveLength(1);
    // The owner of the agent reads of it for the first time.
    await world.slack.as('carl').waitsFor((one) => words(one).includes(id), 90_000);
    expect(await about('carl')).toHaveLength(1);
    // What happens to it later is shown by the same message.
    await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: id });
    await bob.waitsFor(
      (one) => one.ts === mine.ts && one.text.startsWith('Mandate for agent deploy-bot: Revoked'),
      90_000,
    );
  });

  test('who voted, and with which words, is for the requester alone: the owner of the agent reads neither', async () => {
    const { approvalId, callId } = await slack.ask();
    await world.vote('mona', approvalId, 'approve', 'Bob is on probation.');
    const mine = await slack.becomes('bob', approvalId, /^Done\. Approved by Mona Patel\. Mandate/);
    expect(words(mine)).toContain('Bob is on probation.');
    const [{ id } = { id: '' }] = await world.sql<{ id: string }[]>`
      select id from mandates where call_id = ${callId}`;
    const owners = await world.slack.as('carl').waitsFor((one) => words(one).includes(id), 90_000);
    expect(owners.text).toBe('Mandate for agent deploy-bot: Active');
    for (const part of ['probation', 'Mona', approvalId]) expect(words(owners)).not.toContain(part);
  });

  test('a request with more votes and notes than Slack takes says how many it leaves out, and nothing of what is decided', async () => {
    const { approvalId, callId, purpose } = await slack.ask({}, 'A reason of its own.');
    const mona = world.slack.as('mona');
    await slack.copy('mona', approvalId);
    await world.sql`
      insert into people (tenant_id, id, provider, uid, login, email, display_name, status)
      select ${world.tenantId}, 'usr_voter' || n, 'okta', 'voter' || n, 'voter' || n, 'voter' || n, 'Voter ' || n, 'ACTIVE'
        from generate_series(1, 30) n`;
    await world.sql`
      insert into votes (tenant_id, id, approval_id, voter_id, vote, note, identity, created_at)
      select ${world.tenantId}, 'vot_' || n, ${approvalId}, 'usr_voter' || n, 'approve', 'Note ' || n, '{}', now() + n * interval '1 second'
        from generate_series(1, 30) n`;
    await mona.clicks(await slack.copy('mona', approvalId), 'prokura.approve');
    const card = await mona.waitsFor(
      (one) => one.ephemeralFor === null && words(one).includes(approvalId) && /Note 30"/.test(words(one)),
      90_000,
    );
    expect(card.blocks.length).toBeLessThanOrEqual(50);
    expect(words(card)).toMatch(/… and \d+ more votes before these/);
    for (const part of [purpose, 'A reason of its own.', 'Exactly what will run', 'prokura.details'])
      expect(words(card)).toContain(part);
    expect(await slack.state(callId)).toBeDefined();
  });

  test('the card that was sent goes where the request has its message in the same conversation, and points there elsewhere', async () => {
    const bob = world.slack.as('bob');
    const send = async (purpose: string, channel?: string) => {
      const line = `/mandate create deploy-bot okta.mfa.reset "${purpose}" days=2`;
      await bob.types(line, channel);
      const card = await bob.waitsFor(
        (one) => words(one).includes('prokura.send') && words(one).includes(purpose),
      );
      await bob.clicks(card, 'Send request');
      await bob.waitsFor(
        (one) => words(one).includes(purpose) && words(one).includes('prokura.withdraw'),
        90_000,
      );
      return card;
    };
    const here = await send('Sent at home');
    await eventually(async () => !(await bob.sees()).some((one) => one.ts === here.ts), 'the card has gone');
    const there = await send('Sent in public', 'C0GENERAL00');
    const pointer = await bob.waitsFor(
      (one) => one.ts === there.ts && one.text.startsWith('Waiting for approval by Mona Patel'),
      90_000,
    );
    expect(words(pointer)).not.toContain('prokura.send');
  });

  test('as a form, it waits in one message of his own', async () => {
    const bob = world.slack.as('bob');
    const { view } = await bob.types('/mandate create deploy-bot okta.mfa.reset');
    if (view === undefined) throw new Error('no form');
    const before = (await bob.inbox()).length;
    const sent = await bob.fills(view, { Purpose: 'Typed into a form' }).submits();
    expect(sent).toMatchObject({ status: 200, shown: null });
    const mine = await bob.waitsFor(
      (one) => words(one).includes('Typed into a form') && words(one).includes('prokura.withdraw'),
    );
    expect(mine.text).toMatch(/^Waiting for approval/);
    await world.slack.as('mona').waitsFor((one) => words(one).includes('Typed into a form'));
    expect((await bob.inbox()).length).toBe(before + 1);
  });

  test('a denial needs a reason, which the requester reads', async () => {
    const { approvalId, callId } = await slack.ask();
    const mona = world.slack.as('mona');
    const { view } = await mona.clicks(await slack.copy('mona', approvalId), 'Deny…');
    if (view === undefined) throw new Error('no form');
    expect(await mona.fills(view, { 'Why?': 'no' }).submits()).toMatchObject({
      errors: { 'field.reason': expect.any(String) as string },
    });
    expect(await mona.fills(view, { 'Why?': 'Too wide: ask for one person.' }).submits()).toMatchObject({
      status: 200,
      shown: null,
    });
    expect(words(await slack.becomes('mona', approvalId, /^Denied by Mona Patel/))).toContain('Too wide');
    expect((await world.slack.as('bob').waitsFor((one) => one.text.startsWith('Denied: '))).text).toContain(
      'Too wide: ask for one person.',
    );
    expect(await slack.state(callId)).toBe('rejected');
  });

  test('the requester withdraws, and the approver’s copy says so', async () => {
    const { approvalId, callId } = await slack.ask();
    await slack.copy('mona', approvalId);
    await world.slack.as('bob').clicks(await slack.copy('bob', approvalId), 'Withdraw request');
    await slack.becomes('mona', approvalId, /^Withdrawn/);
    expect(await slack.state(callId)).toBe('withdrawn');
  });

  test('Details show everything to a party, and nothing to anybody else', async () => {
    const { approvalId, purpose } = await slack.ask();
    const mona = world.slack.as('mona');
    const { view } = await mona.clicks(await slack.copy('mona', approvalId), 'Details');
    expect(JSON.stringify(view?.blocks)).toContain(purpose);
    const refused = await slack.click('nina', 'prokura.details', `${approvalId}:1`);
    expect(refused).toMatch(/You are not an approver of this.*Mona Patel/);
  });
});

describe('Z1: who may not decide', () => {
  test.each([
    ['a colleague', 'nina', /You are not an approver/],
    ['the requester', 'bob', /You made this request, so someone else must decide it/],
    ["the agent's owner", 'carl', /This request concerns you/],
  ])('%s is told who can, it is in the ledger, and nothing changes', async (_, who, said) => {
    const { approvalId, callId } = await slack.ask();
    await slack.copy('mona', approvalId);
    const text = await slack.click(who, 'prokura.approve', `${approvalId}:1`);
    expect(text).toMatch(said);
    expect(text).toContain('Approvers: Mona Patel');
    expect(await slack.state(callId)).toBe('waiting');
    const denied = (await world.ledger('CALL_DENIED')).filter((entry) =>
      JSON.stringify(entry.data).includes(approvalId),
    );
    expect(denied).toHaveLength(1);
  });

  test('somebody who was an approver when the message was posted, and is none at the click', async () => {
    const { approvalId, callId } = await slack.ask();
    const seen = await slack.copy('mona', approvalId);
    const [bob, erin] = [await world.person('bob'), await world.person('erin')];
    await world.sql`update people set manager_id = ${erin.id} where id = ${bob.id}`;
    await slack.told('mona', seen, 'Approve', /not an approver.*Erin Clarke/);
    await world.sql`update people set manager_id = ${(await world.person('mona')).id} where id = ${bob.id}`;
    expect(await slack.state(callId)).toBe('waiting');
  });
});

test.each([
  ['an id of nothing', 'apr_00000000000000000000000000:1'],
  ['a value that is no id', 'apr_1'],
  ['a value with something behind it', 'apr_00000000000000000000000000:1:approve'],
  ['JSON', '{"approval_id":"x"}'],
])('Z2: %s is not found', async (_, value) => {
  expect(await slack.click('mona', 'prokura.approve', value)).toMatch(/^Not found: There is no/);
});

describe('Z3: a click that comes too late', () => {
  test('on an older version changes nothing, and the message is drawn anew', async () => {
    const { approvalId, callId } = await slack.ask();
    const seen = await slack.copy('mona', approvalId);
    await world.sql`update approvals set version = version + 1 where id = ${approvalId}`;
    await slack.told('mona', seen, 'Approve', /has changed since you saw it.*refreshed/);
    expect(await slack.state(callId)).toBe('waiting');
    const anew = await world.slack
      .as('mona')
      .waitsFor((one) => one.ts === seen.ts && words(one).includes(`${approvalId}:2`));
    await world.slack.as('mona').clicks(anew, 'Approve');
    await slack.becomes('mona', approvalId, /^Done/);
  });

  test.each([
    ['decided', async (approvalId: string) => void (await world.vote('mona', approvalId, 'deny', 'not now'))],
    [
      'withdrawn',
      async (approvalId: string) =>
        void (await world.as(await world.actor('bob'), 'approval_cancel', { approval_id: approvalId })),
    ],
    [
      'expired',
      async (approvalId: string) =>
        void (await world.sql`update approvals set expires_at = now() - interval '1 minute' where id = ${approvalId}`),
    ],
  ])('on something that is %s changes nothing', async (word, happens) => {
    const { approvalId, callId } = await slack.ask();
    const seen = await slack.copy('mona', approvalId);
    await happens(approvalId);
    const before = await slack.state(callId);
    await slack.told('mona', seen, 'Approve', word === 'expired' ? /has expired/ : /already been decided/, {
      staleCopy: seen,
    });
    expect(await slack.state(callId)).toBe(before);
  });
});

test('Z4: many clicks at once are one vote and one execution', async () => {
  const { approvalId, callId } = await slack.ask();
  const seen = await slack.copy('mona', approvalId);
  const mona = world.slack.as('mona');
  await Promise.all([1, 2, 3, 4].map(() => mona.clicks(seen, 'Approve', { staleCopy: seen })));
  await slack.becomes('mona', approvalId, /^Done/);
  expect(await world.sql`select id from votes where approval_id = ${approvalId}`).toHaveLength(1);
  expect(await world.sql`select id from mandates where call_id = ${callId}`).toHaveLength(1);
});

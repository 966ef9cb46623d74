import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Actor } from '#domain/actor.ts';
import { samplePerson } from '#sandbox/company.ts';
import { words } from '../support/slack-approvals.ts';
import { previewOf } from '../support/slack-card.ts';
import { approvalPages } from '../support/step-up.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
let pages: ReturnType<typeof approvalPages>;
let late = 0;

beforeAll(async () => {
  world = await openWorld({ now: () => new Date(Date.now() + late) });
  pages = approvalPages(world);
  await agreed('dana', 'break_glass_name', { person: 'dana@acme.example' }, 'ivan');
  await agreed('dana', 'break_glass_name', { person: 'ivan@acme.example' }, 'ivan');
});
afterAll(() => world.close());
afterEach(async () => {
  late = 0;
  // Every test begins without an open use and without waiting calls.
  for (const { id, person_id: user } of await world.sql<{ id: string; person_id: string }[]>`
    select id, person_id from break_glass_uses where reviewed_at is null`) {
    const other = (await world.person('ivan')).id === user ? 'dana' : 'ivan';
    await world.as(await world.actor(other), 'approval_review', { use: id, note: 'looked at' });
  }
  await eventually(
    async () => (await world.sql`select from calls where state in ('ready', 'running')`).length === 0,
    'everything has been carried out',
  );
  await world.sql`update calls set state = 'withdrawn' where state = 'waiting'`;
  await world.sql`update approvals set state = 'withdrawn' where state = 'pending'`;
  for (const user of world.okta.org.users.values()) if (user.status === 'RECOVERY') user.status = 'ACTIVE';
});

/** Asks for something that another person must approve, and has them approve it. */
async function agreed(who: string, tool: string, input: unknown, by: string): Promise<void> {
  const outcome = await world.as(await world.actor(who), tool, input);
  if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
  expect(await world.vote(by, outcome.approvalId)).toMatchObject({ output: { state: 'approved' } });
  await eventually(
    async () => (await world.sql`select from calls where id = ${outcome.callId} and state = 'succeeded'`)[0],
    `${tool} is done`,
  );
}
/** Asks for something that waits. */
async function asks(actor: Actor, person: string, tool = 'okta_reset_password') {
  const outcome = await world.as(actor, tool, { person: samplePerson(person).email });
  if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
  return outcome;
}
const uses = () =>
  world.sql<{ id: string; approval_id: string; reviewed_at: Date | null }[]>`
    select id, approval_id, reviewed_at from break_glass_uses order by at`;
const statusOf = (key: string) => world.okta.org.users.get(samplePerson(key).oktaId)?.status;
const emergency = { note: 'The only other administrator cannot be reached' };

describe('an emergency', () => {
  test('what too few could approve says so to everybody who reads it, and its way out to whoever has one', async () => {
    const dana = world.slack.as('dana');
    await dana.clicks(await previewOf(dana, '/okta reset multi-factor @mona'), 'Send request');
    const short = '2 people must approve this, but only 1 can.';
    const told = await dana.waitsFor((one) => one.text.startsWith('Not carried out'));
    expect(told.text).toContain(`${short} The requester`);
    expect(told.text).toContain('You are named for break-glass');

    const [{ id } = { id: '' }] = await world.sql<{ id: string }[]>`
      select id from approvals where state = 'pending'`;
    const asked = words(await dana.waitsFor((one) => words(one).includes(id)));
    expect(asked).toMatch(/Who can approve: .*?Ivan Novak/);
    expect(asked).toContain('You can still use break-glass');
    const seen = words(await world.slack.as('ivan').waitsFor((one) => words(one).includes(id)));
    expect(seen).toContain(short);
    expect(seen).toContain('Unless that changes, this request will expire.');
    expect(seen).not.toContain('You can still use break-glass');
    expect(seen.match(/cannot be undone/g)).toHaveLength(1);

    const { page } = await pages.opens('ivan', id);
    expect(page.text.match(/cannot be undone/g)).toHaveLength(1);
    expect(page.text).not.toContain('For:');
  });

  test('what nobody else could approve is carried out at once, and everybody concerned is told', async () => {
    const { approvalId, callId } = await asks(await world.actor('dana'), 'mona');
    const card = await world.slack
      .as('dana')
      .waitsFor((one) => words(one).includes(approvalId) && words(one).includes('Break glass'));
    expect(words(card)).toContain(pages.pageOf(approvalId));

    const dana = await pages.opens('dana', approvalId);
    expect(dana.page.text).toContain('Run it now');
    expect(dana.page.text).not.toContain('value="approve"');
    expect(await pages.presses(dana, 'break_glass', emergency)).toMatchObject({
      status: 200,
      text: expect.stringContaining('The request runs now'),
    });
    await eventually(async () => statusOf('mona') === 'RECOVERY', 'Okta resets the password');

    const [use] = (await uses()).filter((one) => one.approval_id === approvalId);
    for (const told of ['ivan', 'erin'])
      await world.slack.as(told).waitsFor((one) => words(one).includes(use?.id ?? 'no use'));
    expect((await world.ledger('BREAK_GLASS_USED')).at(-1)?.data).toMatchObject({
      use_id: use?.id,
      call_id: callId,
      tool: 'okta_reset_password',
      waived: ['privileged-people-need-two-admins'],
      why: emergency.note,
      identity: { matched_by: 'okta_sign_in', acr: 'urn:okta:loa:2fa:any', step_up: expect.any(String) },
    });
    expect(await world.sql`select from votes where approval_id = ${approvalId}`).toHaveLength(0);
  });

  test('the next use by anybody waits for the review of the last, by another human', async () => {
    const first = await asks(await world.actor('dana'), 'mona');
    const second = await asks(await world.actor('ivan'), 'faye');
    const ivan = await pages.opens('ivan', second.approvalId);
    await pages.presses(await pages.opens('dana', first.approvalId), 'break_glass', emergency);
    const [use] = (await uses()).slice(-1);

    expect(await pages.presses(ivan, 'break_glass', emergency)).toMatchObject({
      status: 409,
      text: expect.stringContaining('has not been reviewed yet'),
    });
    const blocked = (await pages.opens('ivan', second.approvalId)).page.text;
    expect(blocked).toContain('has not been reviewed yet');
    expect(blocked).not.toContain('<form');

    const review = (who: string) =>
      world
        .actor(who)
        .then((actor) => world.as(actor, 'approval_review', { use: use?.id, note: 'it was right' }));
    await expect(review('dana')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(review('mona')).rejects.toMatchObject({ code: 'forbidden' });
    expect(await review('bob')).toMatchObject({ status: 'denied' });
    expect(await review('ivan')).toMatchObject({ status: 'done' });
    expect((await world.ledger('BREAK_GLASS_REVIEWED')).at(-1)?.data).toMatchObject({ use_id: use?.id });

    const again = await pages.opens('ivan', second.approvalId);
    expect(await pages.presses(again, 'break_glass', emergency)).toMatchObject({ status: 200 });
    await eventually(async () => statusOf('faye') === 'RECOVERY', 'Okta resets the password');
  });

  test('of two uses at once exactly one is carried out', async () => {
    const [one, two] = [
      await asks(await world.actor('dana'), 'mona'),
      await asks(await world.actor('ivan'), 'faye'),
    ];
    const before = (await uses()).length;
    const [dana, ivan] = [
      await pages.opens('dana', one.approvalId),
      await pages.opens('ivan', two.approvalId),
    ];
    const answers = await Promise.all([
      pages.presses(dana, 'break_glass', emergency),
      pages.presses(ivan, 'break_glass', emergency),
    ]);
    expect(answers.map(({ status }) => String(status)).sort()).toEqual(['200', '409']);
    expect(await uses()).toHaveLength(before + 1);
    const states =
      await world.sql`select state from approvals where id in (${one.approvalId}, ${two.approvalId})`;
    expect(states.map(({ state }) => state as string).sort()).toEqual(['pending', 'waived']);
  });
});

describe('the alarm in the approval channel', () => {
  const setChannel = (channel: string | null) =>
    world.sql`update tenants set settings = settings || jsonb_build_object('approvalChannel', ${channel}::text)`;
  afterEach(() => setChannel(null));

  /** Dana uses break-glass. Returns the id of the use. */
  async function used(): Promise<string> {
    const { approvalId } = await asks(await world.actor('dana'), 'mona');
    await pages.presses(await pages.opens('dana', approvalId), 'break_glass', emergency);
    const use = (await uses()).find((one) => one.approval_id === approvalId);
    if (use === undefined) throw new Error('nothing was used');
    return use.id;
  }

  test('says who did what to whom and why, beside what each concerned is told, and later who reviewed it', async () => {
    await setChannel('C0APPROVALS');
    const use = await used();
    const inChannel = (more: string) =>
      world.slack
        .as('dana')
        .waitsFor(
          (one) => one.channel === 'C0APPROVALS' && words(one).includes(use) && words(one).includes(more),
        );
    const alarm = await inChannel(emergency.note);
    expect(words(alarm)).toContain('Dana Ruiz');
    expect(words(alarm)).toContain('Reset password for Mona Patel');
    await world.slack.as('ivan').waitsFor((one) => one.channel.startsWith('D') && words(one).includes(use));

    await world.as(await world.actor('ivan'), 'approval_review', { use, note: 'it was right' });
    const reviewed = await inChannel('Ivan Novak');
    expect(reviewed.ts).toBe(alarm.ts);
    expect(world.slack.messages('C0APPROVALS').filter((one) => words(one).includes(use))).toHaveLength(1);
  });

  test('does not go into one that another company shares; everybody concerned is told all the same', async () => {
    await setChannel('C0SHARED000');
    const use = await used();
    for (const told of ['ivan', 'erin'])
      await world.slack.as(told).waitsFor((one) => one.channel.startsWith('D') && words(one).includes(use));
    expect(world.slack.messages('C0SHARED000').some((one) => words(one).includes(use))).toBe(false);
  });
});

describe('what break-glass never does', () => {
  const breaks = async (actor: Actor, approvalId: string, version = 1) =>
    world.as(actor, 'approval_break_glass', { approval_id: approvalId, why: emergency.note, version });

  test('nothing without a fresh step-up', async () => {
    const { approvalId } = await asks(await world.actor('dana'), 'mona');
    await expect(breaks(await world.actor('dana'), approvalId)).rejects.toMatchObject({
      detail: { reason: 'step_up_required' },
    });
    const dana = await pages.opens('dana', approvalId);
    late = 301_000;
    expect(await pages.presses(dana, 'break_glass', emergency)).toMatchObject({ status: 403 });
    expect(await pages.presses(dana, 'break_glass', { note: '' })).toMatchObject({ status: 403 });
    expect(statusOf('mona')).toBe('ACTIVE');
  });

  test('nothing for somebody who is not named, nor for what somebody else asked', async () => {
    const mona = await world.actor('mona');
    const { approvalId } = await asks(mona, 'bob');
    expect((await pages.opens('mona', approvalId)).page.status).toBe(404);
    await expect(breaks(mona, approvalId)).rejects.toMatchObject({ detail: { reason: 'not_named' } });
    await expect(breaks(await world.actor('dana'), approvalId)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('no change of the rules: governance waits for its second human', async () => {
    const dana = await world.actor('dana');
    const outcome = await world.as(dana, 'break_glass_name', { person: 'erin@acme.example' });
    if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
    expect((await pages.opens('dana', outcome.approvalId)).page.status).toBe(404);
    await expect(breaks(dana, outcome.approvalId)).rejects.toMatchObject({
      detail: { reason: 'not_an_act' },
    });
  });

  test('nothing for an agent, for what an agent asked, or for an API key', async () => {
    const bot = await world.agent('glass-bot', 'dana');
    const mandate = await world.mandate('dana', bot, { scopes: ['okta.password.reset'], resources: ['*'] });
    const agent: Actor = {
      kind: 'agent',
      surface: 'mcp',
      agentId: bot.id,
      personId: (await world.person('dana')).id,
      mandateId: mandate,
      scopes: ['okta.password.reset'],
      jti: 'jti',
    };
    const { approvalId } = await asks(agent, 'carl');
    expect(await breaks(agent, approvalId)).toMatchObject({ status: 'denied' });
    expect((await pages.opens('dana', approvalId)).page.status).toBe(404);
    await expect(breaks(await world.actor('dana'), approvalId)).rejects.toMatchObject({
      detail: { reason: 'not_an_act' },
    });
    const [key] = await world.sql<{ id: string }[]>`select id from api_keys limit 1`;
    const service: Actor = {
      kind: 'service',
      surface: 'rest',
      keyId: key?.id ?? '',
      name: 'key',
      tools: ['approval_break_glass'],
    };
    expect(await breaks(service, approvalId)).toMatchObject({ status: 'denied' });
  });

  test('no forbid and no missing permit is passed over: it is decided again when it is carried out', async () => {
    const { approvalId, callId } = await asks(await world.actor('dana'), 'mona');
    const dana = await pages.opens('dana', approvalId);
    const text = `${world.app.policies.text}
      @id("hands-off-mona") @reason("Nobody touches Mona.")
      forbid (principal, action == Action::"okta_reset_password", resource == Person::"${(await world.person('mona')).id}");`;
    await agreed('dana', 'policy_set', { text, note: 'for a test' }, 'ivan');
    expect(await pages.presses(dana, 'break_glass', emergency)).toMatchObject({ status: 200 });
    const [row] = await eventually(async () => {
      const rows = await world.sql`select error from calls where id = ${callId} and state = 'denied'`;
      return rows.length > 0 && rows;
    }, 'the call is denied');
    expect(row?.['error']).toMatchObject({ code: 'forbidden_by_policy' });
    expect(statusOf('mona')).toBe('ACTIVE');
  });
});

describe('the list', () => {
  test('changes with two humans only, and says who is named and what was done', async () => {
    await agreed('ivan', 'break_glass_remove', { person: 'dana@acme.example' }, 'dana');
    expect((await world.ledger('BREAK_GLASS_REMOVED')).at(-1)?.data).toMatchObject({
      person: (await world.person('dana')).id,
    });
    const listed = await world.as(await world.actor('ivan'), 'break_glass_list', {});
    expect(listed).toMatchObject({
      status: 'done',
      output: {
        named: [{ name: 'Ivan Novak' }],
        uses: expect.arrayContaining([expect.objectContaining({ why: emergency.note })]),
      },
    });
    expect(await world.as(await world.actor('bob'), 'break_glass_list', {})).toMatchObject({
      status: 'denied',
    });
    // A person who is no longer named is refused at once, because nobody could approve.
    expect(
      await world.as(await world.actor('dana'), 'okta_reset_mfa', { person: 'mona@acme.example' }),
    ).toMatchObject({ status: 'denied', denial: { code: 'no_approver' } });
  });
});

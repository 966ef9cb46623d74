import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { slackIsThrough } from '../support/slack-through.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
afterEach(() => world.slack.faults.clear());

/** What a person reads after a command: the newest ephemeral message. */
async function answer(who: string, text: string, channel?: string): Promise<string> {
  const { ephemerals, status } = await world.slack.as(who).types(text, channel);
  expect(status).toBe(200);
  return ephemerals.at(-1)?.text ?? '';
}

const refusals = async () => (await world.ledger('identity_refused')).map((entry) => entry.data);

describe('I2 to I4: an account that is nobody is told so, and the ledger says it first', () => {
  test.each([
    ['guest', '#partner-project', 'guest', /Guests/],
    ['singleguest', '#partner-project', 'guest', /Guests/],
    ['stranger', '#partner-project', 'stranger', /another company/],
    ['unconfirmed', undefined, 'unconfirmed_email', /Confirm the email/],
    ['invited', undefined, 'invited', /Accept your invitation/],
    ['impostor', undefined, 'no_person', /Nobody in the directory/],
    ['otto', undefined, 'not_active', /SUSPENDED/],
  ])('%s', async (who, channel, code, words) => {
    const before = (await refusals()).length;
    expect(await answer(who, '/okta reset password @ann', channel)).toMatch(words);
    const mine = (await refusals()).slice(before);
    expect(mine).toEqual([
      expect.objectContaining({
        code,
        surface: 'slack',
        doing: '/okta command',
        account: expect.stringContaining(world.slack.as(who).id) as string,
      }),
    ]);
  });

  test('a bot and a deleted account are refused, though they cannot type: their payloads are', async () => {
    const send = (userId: string) =>
      world.slack.send({
        kind: 'command',
        payload: {
          team_id: world.slack.teamId,
          api_app_id: world.slack.appId,
          user_id: userId,
          channel_id: 'C0GENERAL00',
          command: '/okta',
          text: 'help',
          trigger_id: `t${userId}`,
          response_url: `${world.slack.url}/_response/none`,
        },
      });
    const before = (await refusals()).length;
    for (const who of ['otherbot', 'workflowbot', 'quin']) await send(world.slack.as(who).id);
    await slackIsThrough(world);
    const codes = (await refusals()).slice(before).map((data) => String(data['code']));
    expect(codes.sort((one, other) => one.localeCompare(other))).toEqual(['bot', 'bot', 'deleted']);
  });

  test('I3: a payload that names another home team is refused, whatever users.info says', async () => {
    const before = (await refusals()).length;
    await world.slack.send({
      kind: 'interactive',
      payload: {
        type: 'block_actions',
        team: { id: world.slack.teamId },
        user: { id: samplePerson('mona').slackId, team_id: 'T0EVIL00000' },
        api_app_id: world.slack.appId,
        trigger_id: 'x',
        response_url: `${world.slack.url}/_response/none`,
        container: {},
        actions: [{ type: 'button', action_id: 'prokura.approve', action_ts: '1.1', value: 'apr_1' }],
      },
    });
    await expect
      .poll(async () => (await refusals()).slice(before).map((data) => data['code']))
      .toEqual(['foreign_team']);
  });

  test.each([
    ['another domain', 'nina@elsewhere.example', 'foreign_domain'],
    ['a domain that only looks the same', 'nina@аcme.example', 'not_ascii'],
    ['a subdomain', 'nina@evil.acme.example', 'foreign_domain'],
    ['a second @', 'nina@x@acme.example', 'foreign_domain'],
    ['a plus address', 'nina+admin@acme.example', 'no_person'],
    ['no address', null, 'no_email'],
  ])('I4: %s is nobody', async (_, email, code) => {
    await world.slack.setEmail('nina', email);
    const before = (await refusals()).length;
    await answer('nina', '/okta suspend @ann');
    await world.slack.setEmail('nina', samplePerson('nina').email);
    expect((await refusals()).slice(before)).toEqual([expect.objectContaining({ code })]);
  });

  test('I4: an address in other letter case is the same; two people with one address are nobody', async () => {
    await world.slack.setEmail('nina', 'NINA@Acme.example');
    expect(await answer('nina', '/okta suspend @ann')).toMatch(/You are about to/);
    await world.slack.setEmail('nina', samplePerson('nina').email);
    await world.sql`update people set login = ${samplePerson('nina').email} where uid = ${samplePerson('pia').oktaId}`;
    expect(await answer('nina', '/okta suspend @ann')).toMatch(/More than one person/);
    await world.sql`update people set login = ${samplePerson('pia').email} where uid = ${samplePerson('pia').oktaId}`;
  });
});

test('I1: who acts is who Slack signed, not what a name, a value or private_metadata says', async () => {
  const { view } = await world.slack.as('nina').types('/okta suspend');
  if (view === undefined) throw new Error('no form');
  const form = {
    callback_id: 'prokura.form',
    private_metadata: view.privateMetadata,
    blocks: view.blocks,
    state: {
      values: {
        'field.person': {
          'prokura.person': {
            type: 'external_select',
            selected_option: { value: (await world.person('ann')).id },
          },
        },
      },
    },
  };
  // Bob submits Nina's form. It is not his, so nothing is sent.
  const stolen = await world.slack.send({
    kind: 'interactive',
    payload: {
      type: 'view_submission',
      team: { id: world.slack.teamId },
      user: { id: samplePerson('bob').slackId, team_id: world.slack.teamId, name: 'nina' },
      api_app_id: world.slack.appId,
      trigger_id: 'stolen',
      view: form,
    },
  });
  expect(stolen.body).toMatchObject({
    response_action: 'errors',
    errors: { 'field.person': expect.stringMatching(/used already/) as string },
  });
  expect(await world.sql`select id from calls where tool = 'okta_suspend_user'`).toHaveLength(0);
});

describe('I6: what Slack says is asked anew', () => {
  test('a look counts for a minute, a change never, and without an answer nobody is let in', async () => {
    await answer('faye', '/agent list');
    const asked = () => world.slack.calls.filter((one) => one.method === 'users.info').length;
    const before = asked();
    await answer('faye', '/mandate list');
    expect(asked()).toBe(before);
    await answer('faye', '/okta suspend ann@acme.example');
    expect(asked()).toBe(before + 1);
    world.slack.faults.add({ method: 'users.info', kind: 'server_error' });
    expect(await answer('faye', '/okta suspend ann@acme.example')).toMatch(
      /Slack does not tell us who you are/,
    );
  });

  test('an account that was deactivated a moment ago decides nothing', async () => {
    const card = (await world.slack.as('dana').types('/okta suspend ann@acme.example')).ephemerals.at(-1);
    if (card === undefined) throw new Error('no card');
    await world.slack.setUser('dana', { deleted: true });
    const { ephemerals } = await world.slack.as('dana').clicks(card, 'Send request');
    await world.slack.setUser('dana', { deleted: false });
    expect(ephemerals.at(-1)?.text).toMatch(/deactivated/);
    expect(await world.sql`select id from calls where tool = 'okta_suspend_user'`).toHaveLength(0);
  });
});

describe('I7: a person who is named is held to the same rules', () => {
  test.each(['@guest', '@stranger', '@impostor', '@otherbot'])(
    '%s is nobody, and the form asks',
    async (who) => {
      const { view } = await world.slack.as('dana').types(`/okta suspend ${who}`);
      expect(JSON.stringify(view?.blocks)).toMatch(/belongs to nobody in the directory/);
      expect(JSON.stringify(view?.blocks)).not.toMatch(/initial_option/);
    },
  );

  test("a mention's label and a mail link's label mean nothing", async () => {
    const text = 'suspend <mailto:ann@acme.example|erin@acme.example>';
    await world.slack.send({
      kind: 'command',
      payload: {
        team_id: world.slack.teamId,
        api_app_id: world.slack.appId,
        user_id: samplePerson('dana').slackId,
        channel_id: 'D0DANA00000',
        command: '/okta',
        text,
        trigger_id: 'label',
        response_url: `${world.slack.url}/_response/none`,
      },
    });
    const card = await world.slack
      .as('dana')
      .waitsFor((one) => JSON.stringify(one.blocks).includes('Send request'));
    expect(JSON.stringify(card.blocks)).toContain('Ann Lee');
    expect(JSON.stringify(card.blocks)).not.toContain('erin');
  });
});

test('Z7: menus of people are for people only', async () => {
  const dana = world.slack.as('dana');
  const { view } = await dana.types('/okta suspend');
  if (view === undefined) throw new Error('no form');
  expect((await dana.choosesOption(view, 'field.person', 'lee')).map((option) => option.text)).toEqual([
    'Ann Lee',
  ]);
  expect(await dana.choosesOption(view, 'field.person', '%')).toEqual([]);
  const options = await world.slack.send({
    kind: 'options',
    payload: {
      type: 'block_suggestion',
      team: { id: world.slack.teamId },
      user: { id: world.slack.as('stranger').id, team_id: 'T0EVIL00000' },
      api_app_id: world.slack.appId,
      action_id: 'prokura.person',
      block_id: 'field.person',
      value: 'lee',
    },
  });
  expect(options.body).toEqual({ options: [] });
});

describe('I5: an email address that has changed since we first knew the account', () => {
  test('who writes another address into their profile becomes nobody, until another IT admin links them again', async () => {
    expect(await answer('carl', '/mandate list')).not.toMatch(/changed/);
    await world.slack.as('carl').types('/okta reset password @ann');
    await world.slack.setEmail('carl', samplePerson('bob').email);
    expect(await answer('carl', '/okta reset password @ann')).toMatch(/changed since we first saw it/);
    expect((await refusals()).at(-1)).toMatchObject({ code: 'email_changed' });
    const bob = await world.person('bob');
    expect(
      await world.sql`select 1 from slack_accounts where person_id = ${bob.id} and slack_user = ${samplePerson('carl').slackId}`,
    ).toHaveLength(0);
    expect(
      await world.as(await world.actor('nina'), 'account_relink', { person: 'carl@acme.example' }),
    ).toMatchObject({ status: 'denied' });
    expect(
      await world.as(await world.actor('dana'), 'account_relink', { person: 'carl@acme.example' }),
    ).toMatchObject({
      status: 'done',
      output: { forgotten: [samplePerson('carl').slackId] },
    });
    await world.slack.setEmail('carl', samplePerson('carl').email);
    expect(await answer('carl', '/okta reset password @ann')).not.toMatch(/changed/);
  });

  test('a second account with the address of somebody who is known is nobody; they and the IT admins are told, and linking it takes two', async () => {
    // An account that has never been seen before.
    await world.sql`delete from slack_accounts where slack_user = ${samplePerson('nina').slackId}`;
    await answer('ivan', '/okta reset multi-factor carl@acme.example');
    await world.slack.setEmail('ivan', 'ivan.old@acme.example');
    await world.slack.setEmail('nina', samplePerson('ivan').email);
    // Reads are refused too, as soon as Slack was asked again.
    for (const text of ['/okta reset multi-factor carl@acme.example', '/mandate list'])
      expect(await answer('nina', text)).toMatch(/already know another Slack account/);
    const ivan = await world.person('ivan');
    expect((await refusals()).at(-1)).toMatchObject({
      code: 'email_changed',
      account: `${world.slack.teamId}/${samplePerson('nina').slackId}`,
      person: ivan.id,
      known_account: samplePerson('ivan').slackId,
    });
    expect(await world.sql`select slack_user from slack_accounts where person_id = ${ivan.id}`).toEqual([
      { slack_user: samplePerson('ivan').slackId },
    ]);
    for (const who of ['ivan', 'dana'])
      await world.slack
        .as(who)
        .waitsFor((one) => /A second Slack account, .* shows the work email of Ivan/.test(one.text), 20_000);
    expect((await world.slack.as('nina').sees()).some((one) => /A second Slack account/.test(one.text))).toBe(
      false,
    );
    expect(
      await world.as(await world.actor('dana'), 'account_relink', { person: samplePerson('ivan').email }),
    ).toMatchObject({ status: 'waiting' });
    await world.slack.setEmail('nina', samplePerson('nina').email);
    await world.slack.setEmail('ivan', samplePerson('ivan').email);
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  checkMessageBlocks,
  type CommandAnswer,
  type SimView,
  type SlackPerson,
} from '#sandbox/slack/index.ts';
import { unfolded } from '../support/slack-form.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let bot: TestAgent;
beforeAll(async () => {
  world = await openWorld();
  bot = await world.agent('deploy-bot', 'bob');
});
afterAll(() => world.close());
afterEach(() => world.slack.faults.clear());

/** The answer to a command, however long it takes. Other messages may come before it. */
async function typed(person: SlackPerson, line: string): Promise<CommandAnswer> {
  const before = new Set((await person.sees()).map((one) => one.ts));
  const answer = await person.types(line);
  if (answer.view !== undefined || answer.ephemerals.length > 0) return answer;
  return eventually(async () => {
    const ephemerals = (await person.sees()).filter(
      (one) => one.ephemeralFor !== null && !before.has(one.ts),
    );
    const view = (await person.modal()) ?? undefined;
    return (ephemerals.length > 0 || view !== undefined) && { ...answer, ephemerals, ...(view && { view }) };
  }, `an answer to ${line}`);
}

const last = ({ ephemerals }: CommandAnswer) => {
  const message = ephemerals.at(-1);
  if (message === undefined) throw new Error('nothing was answered');
  return message;
};
const words = (value: unknown): string => JSON.stringify(value);

function formOf({ view, ephemerals }: CommandAnswer): SimView {
  if (view === undefined) throw new Error(`no form, but: ${ephemerals.map((one) => one.text).join(' | ')}`);
  return view;
}

const calls = (tool: string) =>
  world.sql<
    { id: string; state: string; input: Record<string, unknown>; reason: string | null }[]
  >`select id, state, input, reason from calls where tool = ${tool} order by id`;

describe('help', () => {
  test('lists what there is, in the words of the tools, with forms for the first', async () => {
    const bob = world.slack.as('bob');
    const help = last(await typed(bob, '/okta'));
    expect(words(help.blocks)).toContain('/okta reset password <person>');
    const clicked = await bob.clicks(help, 'Reset MFA');
    // On a busy machine Slack's three seconds may be over. Then a button opens the form.
    const late = clicked.ephemerals.find((one) => one.text.startsWith('That took too long'));
    const { view } = late === undefined ? clicked : await bob.clicks(late, 'Open the form');
    const form = view ?? (await eventually(() => bob.modal(), 'the form opens'));
    expect(form.title).toBe('Reset MFA');
  });

  test('tells of one command what it takes', async () => {
    expect(words(last(await typed(world.slack.as('bob'), '/mandate help create')).blocks)).toContain(
      'Approvers and auditors can read this.',
    );
  });
});

describe('a command that is mistyped', () => {
  test('is suggested and never run; the suggestion opens a form with what was understood', async () => {
    const bob = world.slack.as('bob');
    const answer = last(await typed(bob, '/okta suspned @ann'));
    expect(answer.text).toMatch(/Did you mean suspend/);
    const { view } = await bob.clicks(answer, 'Suspend a person');
    expect(words(view?.blocks)).toContain('Ann Lee');
    expect(await calls('okta_suspend_user')).toHaveLength(0);
  });

  test.each([
    ['/okta reset password "open', /quotation mark is open/],
    ['/okta reset password @channel', /do not name a person/],
    ['/okta frobnicate', /lists the commands that you can use/],
  ])('%s is answered with what to do', async (line, said) => {
    expect(last(await typed(world.slack.as('bob'), line)).text).toMatch(said);
  });
});

describe('a complete command', () => {
  test('that changes something is shown first, and runs once, however often it is sent', async () => {
    const bob = world.slack.as('bob');
    const card = last(await typed(bob, '/okta reset password @ann "lost her phone"'));
    expect(card.text).toBe("You are about to reset Ann Lee's password");
    expect(words(card.blocks)).toContain('lost her phone');
    expect(await calls('okta_reset_password')).toHaveLength(0);
    await Promise.all([1, 2, 3].map(() => bob.clicks(card, 'Send request', { staleCopy: card })));
    const done = await bob.waitsFor((one) => one.text.startsWith('Done: Reset password for Ann Lee'));
    expect(done.channel).toMatch(/^D/);
    expect(await calls('okta_reset_password')).toEqual([
      expect.objectContaining({ state: 'succeeded', reason: 'lost her phone' }),
    ]);
    expect((await bob.sees()).some((one) => one.text.includes('used already'))).toBe(true);
  });

  test('can be cancelled, and then is gone', async () => {
    const bob = world.slack.as('bob');
    const before = (await calls('okta_reset_mfa')).length;
    const card = last(await typed(bob, '/okta reset mfa @carl'));
    await bob.clicks(card, 'Cancel');
    const again = await bob.clicks(card, 'Send request', { staleCopy: card });
    expect(again.ephemerals.map((one) => one.text).join()).toMatch(/used already/);
    expect(await calls('okta_reset_mfa')).toHaveLength(before);
  });

  test('can be edited in a form that holds what was understood', async () => {
    const bob = world.slack.as('bob');
    const card = last(await typed(bob, '/okta reset mfa @carl "new phone"'));
    const view = formOf(await bob.clicks(card, 'Edit'));
    const submitted = await bob.fills(view, { Person: 'Ann Lee' }).submits();
    expect(submitted).toMatchObject({ status: 200, shown: null });
    await bob.waitsFor((one) => one.text.startsWith('Done: Reset MFA for Ann Lee'));
    const used = await bob.clicks(card, 'Send request', { staleCopy: card });
    expect(used.ephemerals.map((one) => one.text).join()).toMatch(/used already/);
  });

  test('that only looks is answered at once; an empty list says what to do', async () => {
    const nina = world.slack.as('nina');
    expect(words(last(await nina.types('/mandate list')).blocks)).toContain('/mandate create');
    expect(words(last(await nina.types('/agent list')).blocks)).toContain('deploy-bot');
    expect(words(last(await nina.types('/okta find ann')).blocks)).toContain('Ann Lee');
  });

  test('that policy refuses is refused with who may', async () => {
    const nina = world.slack.as('nina');
    const card = last(await nina.types('/okta reset password @ann'));
    await nina.clicks(card, 'Send request');
    // The answer replaces the card.
    expect(
      (await nina.waitsFor((one) => one.ts === card.ts && one.text.startsWith('Not allowed'))).text,
    ).toMatch(/managers, for their direct reports/);
  });
});

describe('/mandate create', () => {
  const mandates = () =>
    world.sql<
      { id: string; purpose: string; scopes: string[] }[]
    >`select id, purpose, scopes from mandates order by id`;

  test('as a line with everything in it shows what it will give, and gives it', async () => {
    const bob = world.slack.as('bob');
    const card = last(
      await typed(bob, '/mandate create deploy-bot okta.mfa.reset "Lost phones of the team" days=3'),
    );
    expect(card.text).toMatch(/^You are about to give a mandate/);
    await bob.clicks(card, 'Send request');
    await eventually(
      async () => (await mandates()).some((one) => one.purpose === 'Lost phones of the team'),
      'the mandate',
    );
    const seen = await bob.waitsFor((one) => one.text.startsWith('Mandate for agent deploy-bot: Active'));
    expect(words(seen.blocks)).toContain('direct reports');
  });

  test('as a form: what is missing is asked, what is wrong stands at its field, and a correction goes through', async () => {
    const bob = world.slack.as('bob');
    const view = formOf(await typed(bob, '/mandate create deploy-bot'));
    expect(view.privateMetadata).toMatch(/^draft_[0-9a-z]{26}$/);
    // An empty field says itself that it is empty.
    expect(words(view.blocks)).not.toMatch(/note\.|fill this in/);
    const wrong = await bob.fills(view, { Scopes: 'okta.mfa.reset', Purpose: 'x', Days: '7' }).submits();
    expect(wrong).toMatchObject({
      responseAction: 'errors',
      errors: { 'field.purpose': expect.any(String) as string },
    });
    expect(await bob.choosesOption(view, 'field.scopes', 'payroll')).toEqual([]);
    const done = await bob
      .fills(view, { Scopes: ['okta.mfa.reset', 'okta.password.reset'], Purpose: 'Help the team' })
      .submits();
    expect(done).toMatchObject({ status: 200, shown: null });
    expect(done.errors).toBeUndefined();
    // Its own message says so, and no other repeats it.
    await bob.waitsFor(
      (one) =>
        one.text === 'Mandate for agent deploy-bot: Active' && words(one.blocks).includes('Help the team'),
    );
    expect((await bob.sees()).some((one) => one.text.startsWith('Done: Give a mandate'))).toBe(false);
    expect((await mandates()).at(-1)).toMatchObject({
      purpose: 'Help the team',
      scopes: ['okta.mfa.reset', 'okta.password.reset'],
    });
  });

  test('revoked by its principal, the card in the direct messages says so', async () => {
    const bob = world.slack.as('bob');
    const id = (await mandates()).at(-1)?.id ?? '';
    const card = last(await typed(bob, `/mandate revoke ${id} "the project is over"`));
    await bob.clicks(card, 'Send request');
    await bob.waitsFor((one) => one.text.includes('Revoked') && words(one.blocks).includes(id));
    await bob.waitsFor((one) => one.text.includes('is revoked: the project is over'));
    expect(words(last(await typed(bob, `/mandate show ${id}`)).blocks)).toContain('Revoked');
  });
});

test('a card shows the terms of a template in full; where they have changed, Send shows the card anew and sends nothing', async () => {
  const bob = world.slack.as('bob');
  const own = await world.agent('own-bot', 'bob');
  const save = async (terms: Record<string, unknown>) =>
    world.agreed(
      await world.as(await world.actor('dana'), 'mandate_template_save', {
        name: 'Little template',
        description: 'A look at the team.',
        scopes: ['okta.users.read'],
        purpose: 'Look at the team',
        days: 1,
        max_uses: 1,
        ...terms,
      }),
    );
  const given = () => world.sql`select 1 from mandates where agent_id = ${own.id}`;
  await save({});
  await typed(bob, '/mandate create own-bot template="Little template"');
  const card = await bob.waitsFor((one) => words(one.blocks).includes('Little template'), 90_000);
  expect(words(card.blocks)).toContain('okta.users.read');
  await save({ scopes: ['okta.users.read', 'okta.mfa.reset'], resources: ['*'], days: 30, offline: true });
  await bob.clicks(card, 'Send request');
  const anew = await bob.waitsFor(
    (one) => words(one.blocks).includes('has changed since you saw it'),
    90_000,
  );
  expect(words(anew.blocks)).toContain('okta.mfa.reset');
  expect(await given()).toHaveLength(0);
  await bob.clicks(anew, 'Send request');
  await eventually(async () => (await given()).length === 1, 'the mandate as it was shown');
});

test('a form that names a template gives nothing before its terms were shown', async () => {
  const bob = world.slack.as('bob');
  const own = await world.agent('form-bot', 'bob');
  await world.agreed(
    await world.as(await world.actor('dana'), 'mandate_template_save', {
      name: 'Template of forms',
      description: 'A look at the team.',
      scopes: ['okta.users.read'],
      purpose: 'Look at the team',
      days: 2,
    }),
  );
  const view = formOf(await typed(bob, '/mandate create'));
  const { view: all } = await bob.fills(view, { Agent: 'form-bot' }).clicks('More options');
  if (all === undefined) throw new Error('the form does not unfold');
  await bob.clicks(all, 'Template', { choose: 'Template of forms' });
  const sent = await bob.fills(all, {}).submits();
  expect(sent.errors).toBeUndefined();
  const card = await bob.waitsFor(
    (one) => words(one.blocks).includes('prokura.send') && words(one.blocks).includes('Template of forms'),
    90_000,
  );
  expect(words(card.blocks)).toContain('okta.users.read');
  const given = () => world.sql`select 1 from mandates where agent_id = ${own.id}`;
  expect(await given()).toHaveLength(0);
  await bob.clicks(card, 'Send request');
  await eventually(async () => (await given()).length === 1, 'the mandate as it was shown');
});

test('/agent register in Slack: an IT admin fills the form, and no key or secret is in any message', async () => {
  const dana = world.slack.as('dana');
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const view = formOf(await typed(dana, '/agent register help-bot'));
  const filled = dana.fills(view, {
    Owner: 'Carl Jensen',
    Scopes: 'okta.mfa.reset',
    'field.public_key': JSON.stringify(publicKey.export({ format: 'jwk' })),
  });
  expect(await filled.submits()).toMatchObject({ status: 200, shown: null });
  const done = await dana.waitsFor((one) => one.text.startsWith('Done: Register an agent'));
  expect(words(done.blocks)).toMatch(/agt_[0-9a-z]{26}/);
  expect(words(world.slack.messages())).not.toContain(String(publicKey.export({ format: 'jwk' }).x));
});

test('an owner who cannot answer for an agent is said at the owner’s field', async () => {
  const dana = world.slack.as('dana');
  const view = formOf(await typed(dana, '/agent register lost-bot'));
  const sent = await dana.fills(view, { Owner: 'Otto Brandt', Scopes: 'okta.mfa.reset' }).submits();
  expect(sent.errors).toEqual({ 'field.owner': 'The owner must be an active person.' });
});

describe('what is wrong is said at the field that is to blame', () => {
  test.each([
    [
      'a key that is none',
      'dana',
      '/agent register at-field',
      { Owner: 'Bob Meyer', Scopes: 'okta.mfa.reset', 'Public key': '{"kty":"EC","crv":"P-384"}' },
      'field.public_key',
      /a signing key/,
    ],
    [
      'two kinds of credentials',
      'dana',
      '/agent register at-field',
      {
        Owner: 'Bob Meyer',
        Scopes: 'okta.mfa.reset',
        'Public key': '{"kty":"EC","crv":"P-256"}',
        'JWKS URL': 'https://keys.acme.example/jwks',
      },
      'field.jwks_url',
      /exactly one of/,
    ],
    [
      'a scope that is not theirs to give',
      'bob',
      '/mandate create deploy-bot okta.users.suspend',
      { Purpose: 'Rule the team' },
      'field.scopes',
      /cannot delegate/,
    ],
    [
      'a template that is not there',
      'bob',
      '/mandate create template=Nowhere',
      { Agent: 'deploy-bot' },
      'field.template',
      /no mandate template/,
    ],
    [
      'a group that is not there',
      'dana',
      '/group map',
      { Group: '00gnone', Role: 'member', Source: 'okta' },
      'field.group',
      /immutable ID/,
    ],
    [
      'a version that is not there',
      'dana',
      '/policy set',
      { Version: '77', Note: 'Back to the old rules' },
      'field.version',
      /version 77 does not exist/,
    ],
  ])('%s', async (_, who, line, values, field, problem) => {
    const person = world.slack.as(who);
    const view = await unfolded(person, formOf(await typed(person, line)));
    const sent = await person.fills(view, values).submits();
    expect(sent.errors).toEqual({ [field]: expect.stringMatching(problem) as string });
  });
});

describe('Z6: a form', () => {
  test('is its own person’s, is used once, and expires', async () => {
    const bob = world.slack.as('bob');
    const view = formOf(await typed(bob, '/okta reset mfa'));
    const [sent] = [await bob.fills(view, { Person: 'Carl Jensen' }).submits()];
    expect(sent.errors).toBeUndefined();
    const request = world.slack.sent
      .filter((one) => words(one.payload).includes(view.privateMetadata))
      .at(-1);
    if (request === undefined) throw new Error('nothing was sent');
    const twice = await world.slack.send({
      kind: 'interactive',
      payload: { ...request.payload, trigger_id: 'again' },
    });
    expect(twice.body).toMatchObject({ response_action: 'errors' });

    const late = formOf(await typed(bob, '/okta reset mfa'));
    await world.sql`update slack_drafts set expires_at = now() - interval '1 second' where id = ${late.privateMetadata}`;
    expect(await bob.fills(late, { Person: 'Carl Jensen' }).submits()).toMatchObject({
      errors: { 'field.person': expect.stringMatching(/half an hour/) as string },
    });
  });

  test('with a made-up id opens nothing', async () => {
    const bob = world.slack.as('bob');
    await typed(bob, '/okta reset mfa');
    const view = {
      callback_id: 'prokura.form',
      private_metadata: 'draft_00000000000000000000000000',
      blocks: [{ type: 'input', block_id: 'field.person' }],
      state: { values: {} },
    };
    const payload = {
      type: 'view_submission',
      team: { id: world.slack.teamId },
      user: { id: bob.id, team_id: world.slack.teamId },
      api_app_id: world.slack.appId,
      trigger_id: 'made-up',
      view,
    };
    expect((await world.slack.send({ kind: 'interactive', payload })).body).toMatchObject({
      response_action: 'errors',
    });
  });
});

test('a trigger that has expired is answered with a button, not with silence', async () => {
  const bob = world.slack.as('bob');
  world.slack.faults.add({ method: 'views.open', kind: 'error', error: 'expired_trigger_id' });
  const answer = last(await typed(bob, '/okta suspend'));
  expect((await bob.clicks(answer, 'Open the form')).view?.title).toBe('Suspend a person');
});

test('A7: Slack is acknowledged at once also while Okta does not answer, and the person is told', async () => {
  const bob = world.slack.as('bob');
  const card = last(await typed(bob, '/okta reset mfa @ann'));
  world.okta.fault({ path: '.*', status: 503, times: 50 });
  const button = words(card.blocks).match(/draft_[0-9a-z]{26}/)?.[0];
  const payload = {
    type: 'block_actions',
    team: { id: world.slack.teamId },
    user: { id: bob.id, team_id: world.slack.teamId },
    api_app_id: world.slack.appId,
    trigger_id: 'okta-down',
    container: { is_ephemeral: true },
    response_url: `${world.slack.url}/_response/none`,
    actions: [{ type: 'button', action_id: 'prokura.send', action_ts: '7.7', value: button }],
  };
  const started = performance.now();
  expect(await world.slack.send({ kind: 'interactive', payload })).toMatchObject({ status: 200 });
  expect(performance.now() - started).toBeLessThan(1000);
  world.okta.clearFaults();
});

test('a button of an older version says so', async () => {
  const answer = await world.slack.send({
    kind: 'interactive',
    payload: {
      type: 'block_actions',
      team: { id: world.slack.teamId },
      user: { id: world.slack.as('bob').id, team_id: world.slack.teamId },
      api_app_id: world.slack.appId,
      trigger_id: 'old',
      container: {},
      response_url: `${world.slack.url}/_response/none`,
      actions: [{ type: 'button', action_id: 'prokura.from_before', action_ts: '9.9', value: 'x' }],
    },
  });
  expect(answer).toMatchObject({ status: 200 });
});

test('O6: every message and form that was sent fits Slack', () => {
  expect(
    world.slack.calls.filter(
      (one) => one.error !== null && !['expired_trigger_id', 'cannot_dm_bot'].includes(one.error),
    ),
  ).toEqual([]);
  for (const message of world.slack.messages()) {
    expect(message.text).not.toBe('');
    expect(checkMessageBlocks(message.blocks)).toEqual([]);
  }
  expect(bot.id).toMatch(/^agt_/);
});

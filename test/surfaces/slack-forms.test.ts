import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SimView, SlackPerson } from '#sandbox/slack/index.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

/** Forms in Slack: what they ask for, what can be picked in them, and what they say of what is wrong. */

let world: World;
let bot: TestAgent;
beforeAll(async () => {
  world = await openWorld();
  await world.agent('another-bot', 'carl');
  bot = await world.agent('own-bot', 'bob');
});
afterAll(() => world.close());

const words = (value: unknown): string => JSON.stringify(value);
/** Blocks of a form by their names. */
const blocks = (view: SimView): string[] => view.blocks.map((block) => block.block_id ?? '');
const notes = (view: SimView): string[] => blocks(view).filter((id) => id.startsWith('note.'));

/** The form that a command opens, however long that takes. */
async function formOf(person: SlackPerson, command: string): Promise<SimView> {
  const before = await person.modal();
  const { view } = await person.types(command);
  if (view !== undefined) return view;
  return eventually(async () => {
    const open = await person.modal();
    return open !== null && open.id !== before?.id && open;
  }, `a form for ${command}`);
}

/** The form as it is after something in it was clicked or chosen. */
async function after(person: SlackPerson, view: SimView, act: Promise<unknown>): Promise<SimView> {
  await act;
  return eventually(async () => {
    const now = await person.modal();
    return now?.id === view.id && now.hash !== view.hash && now;
  }, 'the form is drawn again');
}

const mandates = () =>
  world.sql<
    { purpose: string; scopes: string[]; max_uses: number | null; window: unknown; currency: string }[]
  >`
    select purpose, scopes, max_uses, "window", currency from mandates where agent_id = ${bot.id} order by id`;

describe('More options', () => {
  test('shows what may be left out, keeps what was typed, and sends both', async () => {
    const bob = world.slack.as('bob');
    const view = await formOf(bob, '/mandate create own-bot');
    expect(blocks(view)).not.toContain('field.max_uses');
    const typed = bob.fills(view, { Scopes: ['okta.mfa.reset'], Purpose: 'With limits', Days: '3' });
    const all = await after(bob, view, typed.clicks('More options'));
    expect(blocks(all)).toEqual(expect.arrayContaining(['field.max_uses', 'field.window.from']));
    expect(blocks(all)).not.toContain('more');
    const sent = await bob
      .fills(all, {
        'Max uses': '2',
        'Days of the week': ['Friday', 'Monday'],
        From: '08:00',
        Until: '12:30',
        'Time zone': 'Europe/Vienna',
      })
      .submits();
    expect(sent.errors).toBeUndefined();
    await eventually(async () => (await mandates()).length === 1, 'the mandate');
    expect(await mandates()).toMatchObject([
      {
        purpose: 'With limits',
        scopes: ['okta.mfa.reset'],
        max_uses: 2,
        window: { days: [1, 5], from: '08:00', to: '12:30', timezone: 'Europe/Vienna' },
      },
    ]);
  });

  test('opens by itself where a field behind it is wrong, with what is wrong at that field', async () => {
    const bob = world.slack.as('bob');
    const view = await formOf(bob, '/mandate create own-bot amount=5');
    expect([blocks(view).includes('field.amount'), blocks(view).includes('field.currency')]).toEqual([
      true,
      false,
    ]);
    const sent = await bob.fills(view, { Scopes: ['okta.users.read'], Purpose: 'With an amount' }).submits();
    expect(sent).toMatchObject({ status: 200, shown: null, responseAction: 'update' });
    const all = await eventually(() => bob.modal(), 'the form is there');
    expect(all.id).toBe(view.id);
    expect(notes(all)).toEqual(['note.currency']);
    const again = await bob.fills(all, { Currency: 'EUR' }).submits();
    expect(again.errors).toBeUndefined();
    await eventually(async () => (await mandates()).at(-1)?.currency === 'EUR', 'the mandate');
    expect((await mandates()).at(-1)).toMatchObject({
      purpose: 'With an amount',
      scopes: ['okta.users.read'],
    });
  });

  test('sends no private key back to Slack, and keeps none', async () => {
    const dana = world.slack.as('dana');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ format: 'jwk' });
    const view = await formOf(dana, '/agent register leaking-bot');
    const typed = dana.fills(view, { 'Public key': JSON.stringify(key) });
    const all = await after(dana, view, typed.clicks('More options'));
    expect(words(all.blocks)).not.toContain(key.d);
    expect(notes(all)).toEqual(['note.public_key']);
    await eventually(
      async () => (await world.sql`select 1 from slack_intake`).length === 0,
      'nothing is left of what was taken in',
    );
  });

  test('in a form of somebody else does nothing', async () => {
    const bob = world.slack.as('bob');
    const view = await formOf(bob, '/mandate create own-bot');
    await after(bob, view, bob.clicks(view, 'More options'));
    const request = world.slack.sent
      .filter((one) => words(one.payload).includes(view.privateMetadata))
      .at(-1);
    const before = (await bob.modal())?.hash;
    await world.slack.send({
      kind: 'interactive',
      payload: {
        ...request?.payload,
        trigger_id: 'of nina',
        user: { id: world.slack.as('nina').id, team_id: world.slack.teamId },
      },
    });
    await world.slack.as('nina').waitsFor((one) => one.text.includes('has been used already'));
    expect((await bob.modal())?.hash).toBe(before);
  });
});

describe('what is wrong', () => {
  test('is said once, beneath its field, and is gone when the field is filled', async () => {
    const bob = world.slack.as('bob');
    const view = await formOf(bob, '/okta reset password @an');
    expect(notes(view)).toEqual(['note.person']);
    expect(words(view.blocks).match(/Pick the person/g)).toHaveLength(1);
    const filled = await after(bob, view, bob.clicks(view, 'Person', { choose: 'Ann Lee' }));
    expect(notes(filled)).toEqual([]);
    expect(filled.values['field.person']).toBeDefined();
  });

  test('is not said of what is merely empty', async () => {
    expect(notes(await formOf(world.slack.as('bob'), '/mandate create'))).toEqual([]);
    expect(notes(await formOf(world.slack.as('dana'), '/agent register empty-bot'))).toEqual([]);
  });

  test('about a scope that is not there names the nearest; what is there stays chosen', async () => {
    const bob = world.slack.as('bob');
    const view = await formOf(bob, '/mandate create own-bot okta.mfa.rest,okta.users.read "Help"');
    expect(notes(view)).toEqual(['note.scopes']);
    expect(words(view.blocks)).toContain('There is no scope okta.mfa.rest. Did you mean okta.mfa.reset?');
    const field = view.blocks.find(({ block_id: id }) => id === 'field.scopes');
    expect(words(field)).toContain('"value":"okta.users.read"');
    expect(words(field)).not.toContain('"value":"okta.mfa.rest"');
  });

  test('about a scope is the same in Slack, MCP and REST', async () => {
    const asked = { agent: 'own-bot', scopes: ['okta.mfa.rest'], purpose: 'Help' };
    await expect(world.as(await world.actor('bob'), 'mandate_create', asked)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('Did you mean okta.mfa.reset?') as string,
      detail: { problems: [{ field: 'scopes' }] },
    });
  });
});

describe('what can be picked', () => {
  const offered = async (who: string, command: string, block: string, query = '') => {
    const person = world.slack.as(who);
    return person.choosesOption(await formOf(person, command), block, query);
  };
  const values = async (...of: Parameters<typeof offered>) =>
    (await offered(...of)).map(({ value }) => value);

  test('as scopes of a mandate: what this person may give, each with what it is for and who may hold it', async () => {
    await world.sql`update scopes set holders = '{manager}' where scope = 'okta.users.read'`;
    const mine = await offered('bob', '/mandate create', 'field.scopes');
    expect(mine.map(({ value }) => value)).toEqual([
      'okta.mfa.reset',
      'okta.password.reset',
      'okta.users.read',
    ]);
    expect(mine.at(-1)?.description).toMatch(/^Only for manager\. \w/);
    expect(await values('nina', '/mandate create', 'field.scopes')).toEqual([]);
    await world.sql`update scopes set holders = '{}' where scope = 'okta.users.read'`;
    expect(await values('nina', '/mandate create', 'field.scopes')).toEqual(['okta.users.read']);
    expect(await values('dana', '/agent register any-bot', 'field.scopes')).toContain('okta.users.suspend');
  });

  test('as an agent: one’s own first', async () => {
    expect((await offered('bob', '/mandate create', 'field.agent'))[0]?.text).toBe('own-bot');
    expect((await offered('carl', '/mandate create', 'field.agent'))[0]?.text).toBe('another-bot');
  });

  test('as a mandate: one’s own and those of one’s agents, never those of others', async () => {
    const id = await world.mandate('bob', bot);
    expect(await values('bob', '/mandate revoke', 'field.mandate_id')).toContain(id);
    expect(await values('bob', '/mandate revoke', 'field.mandate_id', 'own-b')).toContain(id);
    expect(await values('nina', '/mandate revoke', 'field.mandate_id')).toEqual([]);
    expect(await values('dana', '/mandate revoke', 'field.mandate_id')).toContain(id);
    const view = await formOf(world.slack.as('nina'), '/freeze now');
    expect(await world.slack.as('nina').choosesOption(view, 'field.target', 'own-bot')).toEqual([
      expect.objectContaining({ value: bot.id }),
    ]);
  });

  test('as a group and as a role that only a group gives: by people who see what groups give; else one’s own groups and what was typed', async () => {
    const [other] = await world.sql<{ id: string; uid: string; name: string }[]>`
      select id, uid, name from groups where name = 'Finance'`;
    const nina = (await world.person('nina')).id;
    if (other === undefined) throw new Error('no group');
    await world.sql`delete from memberships where group_id = ${other.id} and person_id = ${nina}`;
    await world.sql`insert into group_mappings (tenant_id, id, source, group_uid, role, scopes)
      values (${world.tenantId}, 'map_1', 'okta', ${other.uid}, 'secret_project', '{}')`;
    expect(await values('dana', '/group map', 'field.group', other.name)).toContain(other.uid);
    expect(await offered('nina', '/group map', 'field.group', other.name)).toEqual([
      expect.objectContaining({ value: other.name, description: 'As you typed it' }),
    ]);
    expect(await values('nina', '/group map', 'field.group', '')).toEqual([]);
    expect(await values('dana', '/group map', 'field.role', 'secret')).toEqual(['secret_project', 'secret']);
    expect(await values('nina', '/group map', 'field.role', 'secret')).toEqual(['secret']);
    const groups = async (who: string) => {
      const person = world.slack.as(who);
      const view = await formOf(person, '/mandate create');
      const all = await after(person, view, person.clicks(view, 'More options'));
      return (await person.choosesOption(all, 'field.resources', other.name)).map(({ value }) => value);
    };
    expect(await groups('dana')).toEqual([`group:${other.id}`]);
    expect(await groups('nina')).toEqual([]);
    await world.sql`insert into memberships values (${world.tenantId}, ${other.id}, ${nina})`;
    expect(await groups('nina')).toEqual([`group:${other.id}`]);
    await world.sql`delete from memberships where group_id = ${other.id} and person_id = ${nina}`;
    await world.sql`delete from group_mappings where id = 'map_1'`;
  });

  test('as a template, a tool, a group, a role, a time zone and a currency', async () => {
    const bob = world.slack.as('bob');
    const view = await formOf(bob, '/mandate create');
    const all = await after(bob, view, bob.clicks(view, 'More options'));
    const pick = async (block: string, query: string) =>
      (await bob.choosesOption(all, block, query)).map(({ value }) => value);
    expect(await pick('field.template', 'help desk')).toEqual(['Help desk for my team, 1 day']);
    expect(await pick('field.tools', 'reset_mfa')).toContain('okta_reset_mfa');
    expect(await pick('field.window.timezone', 'vienna')).toEqual(['Europe/Vienna']);
    expect(await pick('field.currency', 'swiss')).toContain('CHF');
    expect(await pick('field.resources', 'reports')).toContain('team');
    expect((await pick('field.resources', 'ann'))[0]).toMatch(/^person:usr_/);
    expect(await values('dana', '/group map', 'field.role', 'manag')).toContain('manager');
    expect(await values('dana', '/group map', 'field.role', 'finance_team')).toEqual(['finance_team']);
    const [group] = await world.sql<{ uid: string; name: string }[]>`select uid, name from groups limit 1`;
    expect(await values('dana', '/group map', 'field.group', group?.name)).toContain(group?.uid);
  });
});

test('/policy who-can, as a form: the input of the tool that is chosen is asked for with its own fields', async () => {
  const dana = world.slack.as('dana');
  const view = await formOf(dana, '/policy who-can');
  const asks = await after(dana, view, dana.clicks(view, 'Tool', { choose: 'okta_reset_password' }));
  expect(blocks(asks)).toContain('field.input.person');
  const sent = await dana.fills(asks, { Person: 'Ann Lee' }).submits();
  expect(sent.errors).toBeUndefined();
  await dana.waitsFor((one) => words(one.blocks).includes('Bob Meyer'), 90_000);
});

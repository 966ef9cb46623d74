import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import type { SimMessage } from '#sandbox/slack/index.ts';
import { fieldsOf } from '#surfaces/slack/forms/fields.ts';
import { formView } from '#surfaces/slack/forms/draw.ts';
import { slackApprovals, words } from '../support/slack-approvals.ts';
import { previewOf } from '../support/slack-card.ts';
import { openWorld, type World } from '../support/world.ts';

/** What people read in Slack and on an approval's page, word for word where it matters. */

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** A message as its reader sees it: all literal text, in order. */
function read(message: SimMessage): string {
  const texts: string[] = [];
  JSON.parse(JSON.stringify(message.blocks), (key, value: unknown) => {
    if (key === 'text' && typeof value === 'string') texts.push(value);
    return value;
  });
  return texts.join('');
}

/** The answer to a command, at once or, on a busy machine, a moment later. */
async function answers(who: string, command: string, about: string): Promise<string> {
  const person = world.slack.as(who);
  const { ephemerals } = await person.types(command);
  return read(
    ephemerals[0] ??
      (await person.waitsFor((one) => one.ephemeralFor !== null && words(one).includes(about))),
  );
}

/** Types a command, sends what it shows, and returns the answer. */
async function sends(who: string, command: string, said: RegExp): Promise<string> {
  const person = world.slack.as(who);
  const card = await previewOf(person, command);
  await person.clicks(card, 'Send request');
  return read(await person.waitsFor((one) => said.test(one.text), 90_000));
}

describe('an agent without a key', () => {
  test('is registered with the plain word that it cannot authenticate, and how to mend that', async () => {
    const outcome = await world.as(await world.actor('dana'), 'agent_register', {
      name: 'bare-bot',
      owner: samplePerson('carl').email,
      scopes: ['okta.users.read'],
    });
    const { agent_id: id, not_yet: notYet } = (outcome as { output: Record<string, string> }).output;
    expect(notYet).toBe(
      `The agent cannot authenticate yet because it has no key. Add one with /agent rotate bare-bot, or generate a secret with POST /v1/agents/${id}/secret.`,
    );
    const told = await world.slack.as('carl').waitsFor((one) => words(one).includes(String(id)));
    expect(read(told)).toContain('The agent cannot authenticate yet');
    expect(await answers('dana', '/agent show bare-bot', String(id))).toContain(`Why: ${notYet}`);
  });

  test('shows nothing of what does not hold it once it has one', async () => {
    const { id } = await world.agent('keyed-bot', 'carl');
    const told = await answers('dana', '/agent show keyed-bot', id);
    expect(told).not.toMatch(/Why|No why|none/);
    expect(told).toMatch(/Credentials: .*ES256 key/s);
  });
});

describe('a result', () => {
  test('comes in the order of its contract, with names for ids, and without empty lists', async () => {
    const text = await sends(
      'dana',
      '/agent register ordered-bot @carl okta.users.read,okta.mfa.reset',
      /^Done: Register/,
    );
    expect(text).not.toMatch(/Kids|Key ID|JWKS|SPIFFE|No /);
    const labels = ['Agent: ', 'Owner: ', 'Can be given: ', 'Next: '].map((one) => text.indexOf(one));
    expect(labels).toEqual(labels.toSorted((a, b) => a - b));
    expect(labels).not.toContain(-1);
  });

  test('names people and agents where only their ids are known, and leaves ids that are there to be copied', async () => {
    const bot = await world.agent('named-bot', 'carl');
    const carl = await world.actor('carl');
    const ann = samplePerson('ann').email;
    const asked = {
      agent: bot.name,
      scopes: ['okta.users.read'],
      resources: [ann],
      days: 7,
      purpose: 'help',
    };
    const given = await world.as(carl, 'mandate_create', asked);
    const { mandate_id: id } = (given as { output: Record<string, string> }).output;
    const text = await answers('carl', `/mandate show ${id}`, String(id));
    expect(text).toContain('On: Ann Lee (ann@acme.example)');
    expect(text).toContain(`Mandate id: ${id}`);
    expect(text).not.toContain('usr_');
    expect(text).not.toMatch(/Tree|Causes|Parent/);
  });
});

describe('a form', () => {
  test('of every tool has a title that Slack shows whole', () => {
    const state = { input: {}, reason: null, notes: new Map(), names: new Map(), more: false };
    for (const entry of world.app.catalogue.all) {
      const form = { entry, fields: fieldsOf(entry), positional: [] };
      const view = formView(form, world.app.catalogue, 'draft', state);
      expect([entry.tool.name, view.title.text]).toEqual([entry.tool.name, expect.not.stringContaining('…')]);
      expect(JSON.stringify(view)).toContain(JSON.stringify(entry.tool.title).slice(1, -1));
    }
  });
});

test('what will run stands on the card as the form asks for it', async () => {
  const slack = slackApprovals(world, await world.agent('shown-bot', 'carl'));
  const window = { days: [1, 2], from: '09:00', to: '17:00', timezone: 'Europe/Vienna' };
  const { approvalId } = await slack.ask({ window });
  const card = read(await slack.copy('mona', approvalId));
  const places = ['Agent: ', 'Scopes: ', 'Purpose: ', 'Resources: ', 'Days: '];
  const form = fieldsOf(world.app.catalogue.get('mandate_create')!).map(({ label }) => `${label}: `);
  const wanted = form.filter((label) => places.includes(label));
  expect(wanted).toHaveLength(places.length);
  const heading = 'Exactly what will run';
  const lines = card.slice(card.indexOf(heading) + heading.length).split('\n');
  const found = lines.flatMap((line) => wanted.filter((label) => line.startsWith(label)));
  expect(found).toEqual(wanted);
  // What follows on the card begins right behind the last line.
  expect(
    lines.filter((line) =>
      line.startsWith('Window: days 1, 2; from 09:00; to 17:00; timezone Europe/Vienna'),
    ),
  ).toHaveLength(1);
});

describe('a refusal because too few could agree', () => {
  const refusal = async (who: string, tool: string, input: Record<string, unknown>): Promise<string> => {
    const outcome = await world.as(await world.actor(who), tool, input);
    if (outcome.status !== 'denied') throw new Error(JSON.stringify(outcome));
    expect(outcome.denial.code).toBe('no_approver');
    return outcome.denial.message;
  };

  test('says how many there are, and of what there is one too few', async () => {
    const message = await refusal('dana', 'okta_reset_mfa', { person: samplePerson('mona').email });
    expect(message).toContain('2 people must approve this, but only 1 can.');
    expect(message).toContain(
      'To fix this, an administrator can add one more active person to a group that gives the role it_admin.',
    );
    expect(message).not.toContain('active manager');
  });

  test('speaks of a manager where it is a manager who is missing', async () => {
    await world.sql`update people set manager_id = null where id = ${(await world.person('bob')).id}`;
    await world.sql`delete from group_mappings where role = 'executive'`;
    const bot = await world.agent('lonely-bot', 'carl');
    const terms = {
      agent: bot.name,
      scopes: ['okta.mfa.reset'],
      resources: ['team'],
      days: 7,
      purpose: 'help',
    };
    expect(await refusal('bob', 'mandate_create', terms)).toMatch(
      /Nobody can approve this\. To fix this, an administrator can set an active manager for the requester at the identity provider, or add one more active person to a group that gives the role executive\.$/,
    );
  });
});

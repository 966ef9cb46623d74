import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import type { SimMessage } from '#sandbox/slack/index.ts';
import { fieldsOf } from '#surfaces/slack/forms/fields.ts';
import { formView } from '#surfaces/slack/forms/draw.ts';
import { words } from '../support/slack-approvals.ts';
import { previewOf } from '../support/slack-card.ts';
import { openWorld, type World } from '../support/world.ts';

/** What people read in Slack, and on the page of an approval, word for word where it matters. */

let world: World;
beforeAll(async () => {
  world = await openWorld();
}, 60_000);
afterAll(() => world.close());

/** A message as its reader sees it: every literal text, in order. */
function read(message: SimMessage): string {
  const texts: string[] = [];
  JSON.parse(JSON.stringify(message.blocks), (key, value: unknown) => {
    if (key === 'text' && typeof value === 'string') texts.push(value);
    return value;
  });
  return texts.join('');
}

/** Types a command, sends what it shows, and returns the answer. */
async function sends(who: string, command: string, said: RegExp): Promise<string> {
  const person = world.slack.as(who);
  const card = await previewOf(person, command);
  await person.clicks(card, 'Send request');
  return read(await person.waitsFor((one) => said.test(one.text), 20_000));
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
      `It cannot authenticate yet: it has no key. Give it one with /agent rotate bare-bot, or have a secret generated with POST /v1/agents/${id}/secret.`,
    );
    const told = await world.slack.as('carl').waitsFor((one) => words(one).includes(String(id)));
    expect(read(told)).toContain('It cannot authenticate yet');
    const { ephemerals } = await world.slack.as('dana').types('/agent show bare-bot');
    expect(read(ephemerals[0]!)).toContain(`Why: ${notYet}`);
  });

  test('shows nothing of what does not hold it once it has one', async () => {
    await world.agent('keyed-bot', 'carl');
    const { ephemerals } = await world.slack.as('dana').types('/agent show keyed-bot');
    expect(read(ephemerals[0]!)).not.toMatch(/Why|No why|none/);
  });
});

describe('a result', () => {
  test('comes in the order of its contract, with names for ids, and without empty lists', async () => {
    const text = await sends(
      'dana',
      '/agent register ordered-bot @carl okta.users.read,okta.mfa.reset',
      /^Done: Register/,
    );
    console.log(text);
    expect(text).not.toMatch(/Kids|No /);
    const labels = ['Agent id: ', 'Name: ', 'Owner: ', 'Scopes: ', 'Not yet: '].map((one) =>
      text.indexOf(one),
    );
    expect(labels).toEqual(labels.toSorted((a, b) => a - b));
    expect(labels).not.toContain(-1);
    const given = await sends(
      'carl',
      '/mandate create ordered-bot okta.mfa.reset "help with phones" resources=@ann',
      /^Done: .*mandate/i,
    );
    console.log(given);
    expect(given).toContain('person:Ann Lee (ann@acme.example)');
    expect(given).not.toContain('usr_');
  });
});

describe('a form', () => {
  test('of every tool has a title that Slack shows whole', () => {
    const state = { input: {}, reason: null, problems: [], names: new Map() };
    for (const entry of world.app.catalogue.all) {
      const view = formView(entry, fieldsOf(entry), 'draft', state);
      expect([entry.tool.name, view.title.text]).toEqual([entry.tool.name, expect.not.stringContaining('…')]);
      expect(JSON.stringify(view)).toContain(JSON.stringify(entry.tool.title).slice(1, -1));
    }
  });
});

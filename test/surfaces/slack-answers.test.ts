import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { newAgentKeyPair } from '#domain/agent/key.ts';
import { asFault } from '#lib/fault.ts';
import { words } from '../support/slack-approvals.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.agent('deploy-bot', 'bob');
});
afterAll(() => world.close());
afterEach(() => {
  world.slack.faults.clear();
  vi.restoreAllMocks();
});

/** Bob types a command. Returns the card when he has it. */
async function cardOf(line: string, shows: string) {
  const bob = world.slack.as('bob');
  await bob.types(line);
  return bob.waitsFor(
    (one) =>
      words(one).includes('prokura.send') && words(one).includes(shows) && words(one).includes('draft_'),
    90_000,
  );
}

/** The texts of Bob's messages since then. */
const toldSince = async (before: ReadonlySet<string>) =>
  (await world.slack.as('bob').sees()).filter((one) => !before.has(one.ts)).map((one) => one.text);
const tsOf = async () => new Set((await world.slack.as('bob').sees()).map((one) => one.ts));

const calls = (tool: string) =>
  world.sql<{ id: string; state: string }[]>`select id, state from calls where tool = ${tool} order by id`;
const count = async (table: string) =>
  Number((await world.sql<{ n: string }[]>`select count(*) as n from ${world.sql(table)}`)[0]?.n);

describe('what is told is what was done', () => {
  test('an answer that Slack’s response URL does not take comes as a direct message', async () => {
    const bob = world.slack.as('bob');
    const card = await cardOf('/okta reset mfa @carl', 'Carl Jensen');
    const before = await tsOf();
    world.slack.faults.add({ method: 'response_url', kind: 'server_error', times: 20 });
    await bob.clicks(card, 'Send request');
    await bob.waitsFor((one) => !before.has(one.ts) && one.text.startsWith('Done: Reset MFA'), 90_000);
    expect(world.okta.org.users.get(samplePerson('carl').oktaId)?.factors).toEqual([]);
    expect((await toldSince(before)).join(' ')).not.toMatch(/try again|nothing was|went wrong/i);
  });

  test('where the answer of a commit is lost, the call is looked for before anything is said of it', async () => {
    const bob = world.slack.as('bob');
    const card = await cardOf('/mandate create deploy-bot okta.mfa.reset "look first" days=3', 'look first');
    const database = world.server.app.database;
    const whole = database.transaction.bind(database);
    let lost = 0;
    vi.spyOn(database, 'transaction').mockImplementation(async (mode, tenantId, work) => {
      const result = await whole(mode, tenantId, work);
      if (mode === 'write' && lost === 0 && (await calls('mandate_create')).length > 0) {
        lost += 1;
        throw new Error('the connection was lost');
      }
      return result;
    });
    await bob.clicks(card, 'Send request');
    await bob.waitsFor(
      (one) => one.text.startsWith('Mandate for agent deploy-bot') && words(one).includes('look first'),
      90_000,
    );
    expect(lost).toBe(1);
    expect((await toldSince(new Set())).join(' ')).not.toMatch(/try again|nothing was|went wrong/i);
    expect(await calls('mandate_create')).toMatchObject([{ state: 'succeeded' }]);
  });

  test('an unexpected error says that it is one, with its id, and nothing of what was or was not done', async () => {
    const bob = world.slack.as('bob');
    const card = await cardOf(
      '/mandate create deploy-bot okta.mfa.reset "refused insert" days=3',
      'refused insert',
    );
    await world.sql`revoke insert on mandates from prokura_server`;
    try {
      await bob.clicks(card, 'Send request');
      const told = await bob.waitsFor((one) => one.text.startsWith('Something went wrong'), 90_000);
      expect(told.text).toMatch(
        /^Something went wrong: An internal error occurred\. \(error err_[0-9a-z]{26}\)$/,
      );
      const id = /err_[0-9a-z]{26}/.exec(told.text)?.[0];
      expect(world.logs.some((line) => line['error_id'] === id)).toBe(true);
    } finally {
      await world.sql`grant insert on mandates to prokura_server`;
    }
    expect(asFault(new Error('a secret')).message).not.toMatch(/nothing was|try again|secret/i);
  });
});

describe('what was typed', () => {
  test('is sealed where it is kept, and in no log line where it cannot be kept', async () => {
    await cardOf('/okta reset mfa @carl "typed-in-confidence"', 'typed-in-confidence');
    expect(await count('slack_drafts')).toBeGreaterThan(0);
    for (const table of ['slack_drafts', 'slack_intake'])
      expect(JSON.stringify(await world.sql`select * from ${world.sql(table)}`)).not.toContain(
        'typed-in-confidence',
      );
    const before = world.logs.length;
    const told = await tsOf();
    await world.sql`revoke insert on slack_drafts from prokura_server`;
    try {
      await world.slack.as('bob').types('/okta reset mfa @carl "kept-by-nobody"');
      await world.slack
        .as('bob')
        .waitsFor((one) => !told.has(one.ts) && one.text.startsWith('Something went wrong'), 90_000);
    } finally {
      await world.sql`grant insert on slack_drafts to prokura_server`;
    }
    const lines = JSON.stringify(world.logs.slice(before));
    expect(lines).toContain('slack_drafts');
    expect(lines).not.toContain('kept-by-nobody');
  });

  test('a private key is refused in a command and in a form, and nothing of it is kept', async () => {
    const dana = world.slack.as('dana');
    const key = JSON.stringify(newAgentKeyPair().privateJwk);
    const seen = new Set((await dana.sees()).map((one) => one.ts));
    const kept = [await count('slack_drafts'), await count('calls')];
    await dana.types(
      `/agent register typed-bot owner=bob@acme.example scopes=okta.mfa.reset public_key=${key}`,
    );
    await dana.waitsFor((one) => !seen.has(one.ts) && one.text.includes('private key'), 90_000);
    expect([await count('slack_drafts'), await count('calls')]).toEqual(kept);
    const { view } = await dana.types('/agent register pasted-bot');
    if (view === undefined) throw new Error('no form');
    const sent = await dana
      .fills(view, { Owner: 'Bob Meyer', Scopes: 'okta.mfa.reset', 'Public key': key })
      .submits();
    expect(sent.errors).toEqual({ 'field.public_key': expect.stringContaining('private key') as string });
    await eventually(async () => (await count('slack_intake')) === 0, 'nothing is left of what was taken in');
    expect(await count('calls')).toBe(kept[1]);
  });
});

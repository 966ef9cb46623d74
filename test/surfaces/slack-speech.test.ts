import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newAgentKeyPair } from '#domain/agent/key.ts';
import { samplePerson } from '#sandbox/company.ts';
import { buttonsOf, isToldAlone, read, toldBy } from '../support/slack-reading.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

/** What is typed to the app without a command, and what help says. */

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** A command is answered to this person alone, a message to the app as a message. */
const says = (who: string, text: string) =>
  toldBy(
    world.slack.as(who),
    () => world.slack.as(who).types(text),
    (message) => isToldAlone(message) === text.startsWith('/'),
  );
const calls = (tool: string) => world.sql`select 1 from calls where tool = ${tool}`;
const typedBy = (who: string, event: Record<string, unknown>) => ({
  type: 'message',
  channel_type: 'im',
  channel: 'D0ANY000000',
  user: samplePerson(who).slackId,
  ts: '1700000000.000100',
  ...event,
});

describe('a message to the app', () => {
  test('that means no command is answered with what this person can type', async () => {
    const nina = await says('nina', 'hello');
    expect(read(nina)).toContain('/mandate');
    expect(read(nina)).toContain('/okta find');
    expect(read(nina)).not.toMatch(/\/policy|suspend/);
    expect(read(await says('dana', 'what is this?'))).toContain('/policy');
  });

  test('that means one is answered with it, filled in, and nothing is done before the button and the card', async () => {
    const bob = world.slack.as('bob');
    const offered = await says('bob', 'reset password for @ann please!');
    expect(read(offered)).toContain('Ann Lee');
    expect(read(offered)).toContain('/okta reset password <person>');
    const title = world.app.catalogue.get('okta_reset_password')?.tool.title ?? '';
    expect(buttonsOf(offered)).toEqual([title]);
    const card = await toldBy(bob, () => bob.clicks(offered, title));
    expect(buttonsOf(card)).toContain('Send request');
    expect(read(card)).toContain('Ann Lee');
    expect(await calls('okta_reset_password')).toHaveLength(0);
  });

  test('that means a command which somebody may not use does not offer it', async () => {
    expect(buttonsOf(await says('nina', 'please reset the password of @ann'))).not.toContain(
      world.app.catalogue.get('okta_reset_password')?.tool.title,
    );
  });

  test('is answered with a notification in which a name mentions nobody and links nowhere', async () => {
    await world.sql`update people set display_name = '<!channel> & <https://evil.example|Carl>' where login like 'carl@%'`;
    try {
      const { text } = await says('bob', 'reset password for @carl please');
      expect(text).toContain('&lt;!channel&gt; &amp; &lt;https://evil.example|Carl&gt;');
      expect(text).not.toContain('<');
    } finally {
      await world.sql`update people set display_name = 'Carl Jensen' where login like 'carl@%'`;
    }
  });

  test('is answered once, however often Slack sends it, and only where a person typed it', async () => {
    const { slack } = world;
    const carl = slack.as('carl');
    const before = (await carl.inbox()).length;
    const typed = typedBy('carl', { text: 'is anybody there' });
    await slack.emit(typed);
    await eventually(async () => (await carl.inbox()).length > before, 'the first answer');
    const request = slack.sent.at(-1);
    if (request === undefined) throw new Error('nothing was sent');
    const again = {
      kind: 'event',
      payload: request.payload,
      retry: { num: 1, reason: 'http_timeout' },
    } as const;
    expect(await slack.send(again)).toMatchObject({ status: 200 });
    for (const other of [
      { text: 'an edit', subtype: 'message_changed' },
      { text: 'deleted', subtype: 'message_deleted' },
      { text: 'a program', subtype: 'bot_message', bot_id: 'BOTHERBOT00' },
      { text: 'our own', bot_id: 'BPROKURA000', user: 'UPROKURA000' },
      { text: 'in a channel', channel_type: 'channel' },
      { text: '   ' },
    ])
      expect(await slack.emit(typedBy('carl', other))).toMatchObject({ status: 200 });
    await slack.emit(typedBy('carl', { text: 'and this is the last one' }));
    await eventually(async () => (await carl.inbox()).length >= before + 2, 'the last answer');
    await eventually(
      async () => (await world.sql`select 1 from slack_intake`).length === 0,
      'nothing is left to do',
    );
    expect((await carl.inbox()).length).toBe(before + 2);
  });

  test('of somebody who is nobody here is refused, and the ledger has it', async () => {
    const guest = world.slack.as('guest');
    expect(
      (
        await toldBy(
          guest,
          () => guest.types('hello'),
          () => true,
        )
      ).text,
    ).toContain('Guests of this workspace');
    expect((await world.ledger('identity_refused')).at(-1)?.data).toMatchObject({
      doing: 'message to the app',
    });
  });

  test('with a private key in it is refused, and nothing of it is kept', async () => {
    const key = JSON.stringify(newAgentKeyPair().privateJwk);
    const drafts = async () => (await world.sql`select 1 from slack_drafts`).length;
    const taken = async () => (await world.sql`select 1 from slack_intake`).length;
    await eventually(async () => (await taken()) === 0, 'everything before is done');
    const kept = await drafts();
    expect((await says('dana', `this is my key: ${key}`)).text).toContain('private key');
    expect((await says('dana', `agent register ${key}`)).text).toContain('private key');
    expect(await drafts()).toBe(kept);
    expect(await taken()).toBe(0);
  });

  test('is written down before Slack is told that we have it', async () => {
    await world.sql`revoke insert on slack_intake from prokura_server`;
    try {
      expect((await world.slack.emit(typedBy('carl', { text: 'lost?' }))).status).toBe(503);
    } finally {
      await world.sql`grant insert on slack_intake to prokura_server`;
    }
  });
});

describe('help', () => {
  test('lists the commands that this person can use, and how to ask about one', async () => {
    const nina = read(await says('nina', '/okta'));
    expect(nina).toContain('/okta find <query>');
    expect(nina).not.toContain('/okta suspend');
    expect(nina).toContain('For one command: /okta help find.');
    expect(nina).toContain('3 more commands are for other roles.');
    const dana = read(await says('dana', '/okta help'));
    expect(dana).toContain('/okta suspend <person>');
    expect(dana).not.toContain('for other roles');
  });

  test('says where there is nothing for this person', async () => {
    expect(read(await says('nina', '/policy'))).toContain('You cannot use any command of /policy');
  });

  test('says how a thing is named where a command takes an id', async () => {
    expect(read(await says('bob', '/mandate help revoke'))).toContain('or the name of its agent');
  });

  test('answers a command that this version does not have', async () => {
    expect(read(await says('bob', '/foo bar'))).toContain('/foo is not a command of this version');
  });

  test('opens a list from its button at once', async () => {
    const help = await says('nina', '/mandate help');
    const title = world.app.catalogue.get('mandate_list')?.tool.title ?? '';
    const list = await toldBy(world.slack.as('nina'), () => world.slack.as('nina').clicks(help, title));
    expect(read(list)).toContain('No mandates.');
  });
});

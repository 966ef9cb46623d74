import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import type { SimMessage } from '#sandbox/slack/index.ts';
import { openFleet, type Fleet, type ServerProcess } from '../support/process.ts';
import { previewOf } from '../support/slack-card.ts';
import { eventually } from '../support/world.ts';

let fleet: Fleet;
let server: ServerProcess;

beforeAll(async () => {
  fleet = await openFleet();
  server = await fleet.start();
});
afterAll(() => fleet.close());

const uid = (key: string) => samplePerson(key).oktaId;
const resets = (key: string) =>
  fleet.okta.requests.filter(
    (one) => one.method === 'POST' && one.path.includes(`${uid(key)}/lifecycle/reset_factors`),
  );
const factors = (key: string) => fleet.okta.org.users.get(uid(key))?.factors ?? [];
const hasApprove = (words: string) => (message: SimMessage) =>
  JSON.stringify(message).includes(words) && JSON.stringify(message.blocks).includes('"Approve"');

interface Row {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
}

const callFor = (tool: string, target: string, states: readonly string[]) =>
  eventually(
    async () =>
      (
        await fleet.sql<
          Row[]
        >`select c.id, c.state, c.attempt from calls c join people p on p.id = any(c.targets)
          where c.tool = ${tool} and p.uid = ${uid(target)} and c.state = any(${[...states]}) order by c.id desc limit 1`
      )[0],
    `a call of ${tool} for ${target} is ${states.join(' or ')}`,
    90_000,
  );

const connectSlack = (to: ServerProcess): void => fleet.slack.connect(`${to.url}/slack/events`);

/** Bob asks in Slack. His own acts need no approval. */
async function bobResets(target: string): Promise<void> {
  const card = await previewOf(fleet.slack.as('bob'), `/okta reset multi-factor @${target}`);
  await fleet.slack.as('bob').clicks(card, 'Send request');
}

describe('kill -9', () => {
  test('between the commit of the call and its execution: after the restart, exactly one effect', async () => {
    connectSlack(server);
    // Okta is slow to answer the look before the act, and the process dies there.
    await bobResetsSlowly('ann');
    await server.kill('SIGKILL');
    expect(resets('ann')).toHaveLength(0);
    fleet.okta.clearFaults();
    server = await fleet.start();
    const row = await callFor('okta_reset_mfa', 'ann', ['succeeded', 'failed', 'unknown']);
    expect(row).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(resets('ann')).toHaveLength(1);
    expect(factors('ann')).toHaveLength(0);
  });

  test("between Okta's answer and our commit: the restart finds that it has landed, and does nothing twice", async () => {
    connectSlack(server);
    const slow = fleet.okta.fault({
      method: 'POST',
      path: `${uid('carl')}/lifecycle/reset_factors`,
      times: 1,
      delay_ms: 2000,
    });
    await bobResets('carl');
    await eventually(() => Promise.resolve(slow.hits > 0), 'the act reaches Okta');
    // The look after the act hangs, so the answer has come but nothing was committed.
    const look = fleet.okta.fault({ method: 'GET', path: `${uid('carl')}/factors`, times: 50, hang: true });
    await eventually(() => Promise.resolve(factors('carl').length === 0), "Okta has removed Carl's factors");
    await eventually(() => Promise.resolve(look.hits > 0), 'the answer has come, and the look hangs');
    const [before] = await fleet.sql<
      Row[]
    >`select c.id, c.state, c.attempt from calls c join people p on p.id = any(c.targets) where p.uid = ${uid('carl')} and c.tool = 'okta_reset_mfa'`;
    expect(before).toMatchObject({ state: 'running', attempt: 1 });
    await server.kill('SIGKILL');
    fleet.okta.clearFaults();
    server = await fleet.start();
    const row = await callFor('okta_reset_mfa', 'carl', ['succeeded', 'failed', 'unknown']);
    expect(row).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(resets('carl')).toHaveLength(1);
    const lines =
      await fleet.sql`select event from ledger where data->>'call_id' = ${row.id} and event = 'CALL_SUCCEEDED'`;
    expect(lines).toHaveLength(1);
  });

  test('between a vote and what it allows: the approval stands, and another process carries it out once', async () => {
    connectSlack(server);
    const registered = await fleet.slack.as('dana').types('/agent register crash-bot');
    if (registered.view === undefined) throw new Error('no form');
    const jwk = JSON.stringify({
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    });
    await fleet.slack
      .as('dana')
      .fills(registered.view, { Owner: 'Carl Jensen', Scopes: 'okta.mfa.reset', 'Public key': jwk })
      .submits();
    await eventually(
      async () => (await fleet.sql`select 1 from agents where name = 'crash-bot'`).length > 0,
      'the agent is registered',
    );
    const form = await fleet.slack.as('bob').types('/mandate create');
    if (form.view === undefined) throw new Error('no form');
    await fleet.slack
      .as('bob')
      .fills(form.view, {
        Agent: 'crash-bot',
        Scopes: 'okta.mfa.reset',
        Days: '7',
        Purpose: 'crash test',
      })
      .submits();
    const message = await fleet.slack.as('mona').waitsFor(hasApprove('Give a mandate'), 90_000);
    const click = fleet.slack
      .as('mona')
      .clicks(message, 'Approve')
      .catch(() => undefined);
    await eventually(async () => (await fleet.sql`select 1 from votes`).length > 0, 'the vote is saved');
    await server.kill('SIGKILL');
    await click;
    const [one, two] = [await fleet.start(), await fleet.start()];
    server = two;
    await eventually(
      async () => (await fleet.sql`select 1 from mandates where state = 'active'`).length > 0,
      'the mandate stands',
      90_000,
    );
    await eventually(
      async () =>
        (
          await fleet.sql`select 1 from pgboss.job where name = 'execute-call' and state in ('created', 'retry', 'active')`
        ).length === 0,
      'no execution is left',
    );
    expect(await fleet.sql`select 1 from mandates`).toHaveLength(1);
    expect(await fleet.sql`select 1 from ledger where event = 'MANDATE_CREATED'`).toHaveLength(1);
    // Both processes serve the same rows.
    for (const process of [one, two]) expect((await fetch(`${process.url}/readyz`)).status).toBe(200);
    expect(await one.kill('SIGTERM')).toBe(0);
  });
});

async function bobResetsSlowly(target: string): Promise<void> {
  const card = await previewOf(fleet.slack.as('bob'), `/okta reset multi-factor @${target}`);
  const clicked = fleet.slack.as('bob').clicks(card, 'Send request');
  // The call is saved after its look. The next look is the job's, and it hangs.
  await eventually(
    async () => {
      const looks = fleet.okta.requests.filter(
        (one) => one.method === 'GET' && one.path.includes(`${uid(target)}/factors`),
      );
      if (looks.length === 0) return false;
      fleet.okta.fault({ method: 'GET', path: `${uid(target)}/factors`, times: 50, hang: true });
      return true;
    },
    'the first look',
    90_000,
  );
  await clicked;
  await callFor('okta_reset_mfa', target, ['ready']);
}

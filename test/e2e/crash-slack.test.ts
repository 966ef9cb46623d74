import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openFleet, type Fleet, type ServerProcess } from '../support/process.ts';
import { previewOf } from '../support/slack-card.ts';
import { eventually } from '../support/world.ts';

let fleet: Fleet;
let server: ServerProcess;

beforeAll(async () => {
  fleet = await openFleet();
  server = await fleet.start();
  connect();
  await register('bob-bot', 'Bob Meyer');
  await register('carl-bot', 'Carl Jensen');
});
afterAll(() => fleet.close());
beforeEach(() => {
  fleet.okta.clearFaults();
  fleet.slack.faults.clear();
});

const connect = () => fleet.slack.connect(`${server.url}/slack/events`);

/** An agent, registered in Slack by an IT admin. */
async function register(name: string, owner: string): Promise<void> {
  const { view } = await fleet.slack.as('dana').types(`/agent register ${name}`);
  if (view === undefined) throw new Error('no form');
  await fleet.slack.as('dana').fills(view, { Owner: owner, Scopes: 'okta.mfa.reset' }).submits();
  await eventually(
    async () => (await fleet.sql`select 1 from agents where name = ${name}`)[0],
    'the agent is registered',
  );
}

/**
 * Bob asks to give Carl's agent a mandate, to which Mona, his manager, must agree. Returns her copy of the
 * request and its approval.
 */
async function asked(purpose: string) {
  const bob = fleet.slack.as('bob');
  await bob.clicks(
    await previewOf(bob, `/mandate create carl-bot okta.mfa.reset "${purpose}" days=7`),
    'Send request',
  );
  const approval = await eventually(
    async () =>
      (
        await fleet.sql<{ id: string }[]>`
          select a.id from approvals a join calls c on c.tenant_id = a.tenant_id and c.id = a.call_id
           where c.input->>'purpose' = ${purpose}`
      )[0],
    'it is asked',
  );
  const copy = await fleet.slack
    .as('mona')
    .waitsFor((one) => one.ephemeralFor === null && JSON.stringify(one.blocks).includes(approval.id), 90_000);
  return { copy, approval: approval.id };
}

const votes = (approval: string) => fleet.sql`select vote from votes where approval_id = ${approval}`;

/** Locks rows until `release`, so a transaction that needs them stops in the middle. */
async function hold(query: string): Promise<{ somebodyWaits(): Promise<unknown>; release(): Promise<void> }> {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const over = fleet.sql.begin(async (tx) => {
    await tx.unsafe(query);
    held.resolve();
    await released.promise;
  });
  await held.promise;
  return {
    somebodyWaits: () =>
      eventually(
        async () =>
          (
            await fleet.sql`select 1 from pg_stat_activity where datname = current_database() and application_name = 'prokura' and wait_event_type = 'Lock'`
          ).length > 0,
        'the server waits for the row',
        90_000,
      ),
    release: async () => {
      released.resolve();
      await over;
    },
  };
}

/** Kills the process before it has committed what it acknowledged to Slack. */
async function diesBeforeCommit(
  query: string,
  acknowledged: () => Promise<{ status: number }>,
): Promise<void> {
  const rows = await hold(query);
  try {
    const [answer] = await Promise.all([acknowledged(), rows.somebodyWaits()]);
    expect(answer).toMatchObject({ status: 200, shown: null });
    await server.kill('SIGKILL');
  } finally {
    await rows.release();
  }
}

async function restarts(): Promise<void> {
  server = await fleet.start();
  connect();
}

/** Nothing remains of what was stored: neither the work nor the text. */
const forgotten = () =>
  eventually(
    async () => (await fleet.sql`select 1 from slack_intake`).length === 0,
    'the intake is empty',
    90_000,
  );

describe('kill -9 after Slack was answered 200', () => {
  test('a vote that was acknowledged is cast by the next process, once', async () => {
    const { copy, approval } = await asked('a vote');
    await diesBeforeCommit('select 1 from approvals for update', () =>
      fleet.slack.as('mona').clicks(copy, 'Approve'),
    );
    expect(await votes(approval)).toHaveLength(0);
    await restarts();
    await eventually(
      async () => (await fleet.sql`select 1 from mandates where purpose = 'a vote'`)[0],
      'the mandate is there',
      90_000,
    );
    expect(await votes(approval)).toMatchObject([{ vote: 'approve' }]);
    await forgotten();
  });

  test('a form that was acknowledged is carried out by the next process, once', async () => {
    const { copy, approval } = await asked('a form');
    const { view } = await fleet.slack.as('mona').clicks(copy, 'Deny…');
    if (view === undefined) throw new Error('no form');
    await diesBeforeCommit('select 1 from approvals for update', () =>
      fleet.slack.as('mona').fills(view, { 'Why?': 'Too much' }).submits(),
    );
    expect(await votes(approval)).toHaveLength(0);
    await restarts();
    await eventually(async () => (await votes(approval))[0], 'the denial is there', 90_000);
    await forgotten();
    expect(await votes(approval)).toMatchObject([{ vote: 'deny' }]);
    expect(await fleet.sql`select 1 from mandates where purpose = 'a form'`).toHaveLength(0);
  });

  test('what was sent and committed is not done again where the process dies while it tells of it', async () => {
    const bob = fleet.slack.as('bob');
    const card = await previewOf(bob, '/mandate create bob-bot okta.mfa.reset "sent once" days=3');
    const heads = await hold('select 1 from ledger_heads for update');
    try {
      await Promise.all([bob.clicks(card, 'Send request'), heads.somebodyWaits()]);
      // The next answer hangs, so the process dies after the commit, before it can delete what it had stored.
      fleet.slack.faults.add({ method: 'response_url', kind: 'slow', delayMs: 120_000 });
    } finally {
      await heads.release();
    }
    await eventually(
      async () => (await fleet.sql`select 1 from mandates where purpose = 'sent once'`)[0],
      'the mandate is there',
    );
    await server.kill('SIGKILL');
    expect(await fleet.sql`select 1 from slack_intake where done_at is not null`).toHaveLength(1);
    await restarts();
    await forgotten();
    expect(await fleet.sql`select 1 from mandates where purpose = 'sent once'`).toHaveLength(1);
  });
});

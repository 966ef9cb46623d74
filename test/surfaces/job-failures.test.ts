import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SYNC_DIRECTORY } from '#engine/set-up.ts';
import { SLACK_PROJECT } from '#surfaces/slack/queue.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

const MANAGERS = '00gmanagers0000000h7';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  // The real queues, without the delay between tries.
  await world.sql`update pgboss.queue set retry_delay = 0, retry_backoff = false`;
  await world.sql`update pgboss.queue set retry_limit = 2 where name = ${SYNC_DIRECTORY}`;
});
afterAll(() => world.close());
afterEach(async () => {
  world.okta.clearFaults();
  world.slack.faults.clear();
  await world.sql`grant insert on group_mappings to prokura_server`;
});

const sync = () => world.app.queue.send(SYNC_DIRECTORY, { tenant: world.tenantId });
const lines = (queue: string) =>
  world.logs.filter((line) => line['queue'] === queue && line['try'] !== undefined);
const alarm = async (queue: string) =>
  (
    await world.sql<{ id: string; reason: string; over_at: Date | null }[]>`
      select id, reason, over_at from job_alarms where queue = ${queue} order by id desc`
  )[0];
const inSlack = (words: string) => world.slack.messages().filter((message) => message.text.includes(words));

describe('background work that fails', () => {
  test('each failed import is a log line; after the last try sync_failed has the reason, IT admins are told once, and when it is over', async () => {
    world.okta.fault({ method: 'GET', path: '/api/v1/users\\?', times: 1000, status: 503 });
    await sync();
    const failed = await eventually(
      async () => (await world.ledger('sync_failed')).at(-1),
      'sync_failed',
      60_000,
    );
    expect(failed.data['reason']).toContain('unavailable: Okta could not handle the request');
    expect(lines(SYNC_DIRECTORY).map((line) => [line['try'], line['job'], line['cause']])).toEqual(
      [1, 2, 3].map((nth) => [nth, expect.any(String), expect.stringContaining('unavailable: Okta')]),
    );
    const told = await eventually(
      async () =>
        inSlack('import of the directory failed').length >= 2
          ? inSlack('import of the directory failed')
          : null,
      'both IT admins are told',
      60_000,
    );
    expect(told).toHaveLength(2);
    await sync();
    await eventually(async () => (await world.ledger('sync_failed')).length >= 2, 'it fails again', 60_000);
    world.okta.clearFaults();
    await sync();
    await eventually(async () => (await alarm(SYNC_DIRECTORY))?.over_at != null, 'it is over', 60_000);
    await eventually(
      async () => inSlack('import of the directory works again').length === 2,
      'it says so',
      60_000,
    );
    expect(inSlack('import of the directory failed')).toHaveLength(0);
  });

  test('what the queue keeps of a failed job is one short line, without statement or parameters', async () => {
    const kept = await world.sql<{ output: { message?: string; stack?: string } }[]>`
      select output from pgboss.job where name = ${SYNC_DIRECTORY} and state = 'failed'`;
    expect(kept.length).toBeGreaterThan(0);
    for (const { output } of kept) expect(JSON.stringify(output).length).toBeLessThan(800);
  });

  test('a call that goes wrong each time ends and says why, no statement is in the log or the job, and IT admins are told', async () => {
    await world.sql`revoke insert on group_mappings from prokura_server`;
    const asked = await world.as(await world.actor('dana'), 'group_map', {
      group: MANAGERS,
      role: 'auditor',
      scopes: ['okta.users.read'],
    });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    await world.vote('ivan', asked.approvalId);
    const row = await eventually(
      async () =>
        (
          await world.sql<{ state: string; error: { message: string } }[]>`
            select state, error from calls where id = ${asked.callId} and settled_at is not null`
        )[0],
      'the call ends',
      60_000,
    );
    expect(row.state).toBe('failed');
    expect(row.error.message).toMatch(/nothing was changed\. IT admins have been notified: error err_/);
    expect(lines('execute-call').map((line) => line['try'])).toEqual([1, 2, 3, 4, 5]);
    expect(lines('execute-call').at(-1)?.['cause']).toContain('permission denied for table group_mappings');
    const said = JSON.stringify([
      world.logs,
      await world.sql`select output from pgboss.job where name = 'execute-call'`,
    ]);
    expect(said).not.toContain('insert into');
    await eventually(async () => inSlack('execute-call').length >= 2, 'IT admins are told', 60_000);
  });

  test('a job that Slack or Okta refuses for a rate limit comes back when they say, however long, and uses up no try', async () => {
    world.okta.fault({ method: 'GET', path: '/api/v1/users\\?', times: 1000, status: 429 });
    const limit = 300;
    world.slack.faults.add({ method: 'chat.postMessage', kind: 'rate_limited', retryAfter: limit, times: 1 });
    const posts = () => world.slack.calls.filter((call) => call.method === 'chat.postMessage').length;
    const before = posts();
    const asked = await world.as(await world.actor('dana'), 'group_map', {
      group: MANAGERS,
      role: 'auditor',
      scopes: ['okta.users.read'],
    });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    const job = await eventually(
      async () =>
        (
          await world.sql<{ seconds: number; retry_count: number }[]>`
            select extract(epoch from start_after - created_on)::float8 as seconds, retry_count from pgboss.job
             where name = ${SLACK_PROJECT} and state = 'created' and start_after > now() + interval '2 minutes'`
        )[0],
      'the job is put back',
      60_000,
    );
    expect(job.seconds).toBeGreaterThan(limit - 5);
    expect(job.retry_count).toBe(0);
    expect(posts() - before).toBeGreaterThan(0);
  });
});

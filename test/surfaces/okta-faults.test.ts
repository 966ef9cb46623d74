import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { samplePerson } from '#sandbox/company.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());
beforeEach(() => world.okta.clearFaults());

const uid = (key: string) => samplePerson(key).oktaId;
const path = (key: string, operation: string) => `${uid(key)}/lifecycle/${operation}`;
const requestsTo = (key: string, operation: string) =>
  world.okta.requests.filter((one) => one.method === 'POST' && one.path.includes(path(key, operation)));

interface Row {
  readonly state: string;
  readonly attempt: number;
  readonly error: {
    code: string;
    message: string;
    detail?: { provider?: Record<string, unknown>; missing?: string[] };
  } | null;
}

async function settled(callId: string): Promise<Row> {
  return eventually(
    async () =>
      (
        await world.sql<
          Row[]
        >`select state, attempt, error from calls where id = ${callId} and settled_at is not null`
      )[0],
    `call ${callId} settles`,
    90_000,
  );
}

/** Bob acts on his report. Returns the call's id as soon as the call is saved. */
async function bobResets(tool: 'okta_reset_mfa' | 'okta_reset_password', target: string): Promise<string> {
  const outcome = await world.as(await world.actor('bob'), tool, { person: samplePerson(target).email });
  if (outcome.status !== 'running') throw new Error(`not running: ${JSON.stringify(outcome)}`);
  return outcome.callId;
}

describe('Okta is not well while an act is carried out', () => {
  test('429: nothing was done, it is asked again when Okta says so, and succeeds', async () => {
    const fault = world.okta.fault({
      method: 'POST',
      path: path('ann', 'reset_password'),
      times: 1,
      status: 429,
    });
    const row = await settled(await bobResets('okta_reset_password', 'ann'));
    expect(row.state).toBe('succeeded');
    expect(fault.hits).toBe(1);
  });

  test('500 once: the act is looked up, tried again, and has one effect', async () => {
    world.okta.fault({ method: 'POST', path: path('ann', 'reset_factors'), times: 1, status: 500 });
    const row = await settled(await bobResets('okta_reset_mfa', 'ann'));
    expect(row).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(world.okta.org.users.get(uid('ann'))?.factors).toHaveLength(0);
  });

  test('done but unanswered: the fresh look proves that it landed, and it is not repeated', async () => {
    world.okta.fault({
      method: 'POST',
      path: path('carl', 'reset_factors'),
      times: 1,
      drop_after_apply: true,
    });
    const row = await settled(await bobResets('okta_reset_mfa', 'carl'));
    expect(row).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(requestsTo('carl', 'reset_factors')).toHaveLength(1);
  });

  test("refused for good: failed at once, with Okta's own code and what to do", async () => {
    world.okta.fault({
      method: 'POST',
      path: path('carl', 'reset_password'),
      times: 10,
      status: 403,
      okta_code: 'E0000006',
    });
    const row = await settled(await bobResets('okta_reset_password', 'carl'));
    expect(row).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { code: 'forbidden', detail: { provider: { code: 'E0000006', status: 403 } } },
    });
    const [entry] = (await world.ledger('CALL_FAILED')).slice(-1);
    expect(entry?.data).toMatchObject({ code: 'forbidden', provider: { code: 'E0000006' } });
  });

  test('never an answer: after five tries it is unknown, never "failed", since it may have taken effect', async () => {
    world.okta.fault({ method: 'POST', path: path('carl', 'reset_password'), times: 50, status: 500 });
    const row = await settled(await bobResets('okta_reset_password', 'carl'));
    expect(row).toMatchObject({
      state: 'unknown',
      attempt: 5,
      error: { message: expect.stringContaining('may or may not') },
    });
    expect((await world.ledger('CALL_UNKNOWN')).at(-1)?.data).toMatchObject({ tool: 'okta_reset_password' });
  });

  test('a page of HTML instead of an answer is no success', async () => {
    world.okta.fault({
      method: 'POST',
      path: path('carl', 'reset_password'),
      times: 1,
      html_body: true,
      status: 503,
    });
    const row = await settled(await bobResets('okta_reset_password', 'carl'));
    expect(row).toMatchObject({ state: 'succeeded', attempt: 2 });
  });

  test('who may not be asked about administrator roles counts as privileged', async () => {
    world.okta.fault({
      method: 'GET',
      path: `${uid('ann')}/roles`,
      times: 10,
      status: 403,
      okta_code: 'E0000006',
    });
    const outcome = await world.as(await world.actor('bob'), 'okta_reset_password', {
      person: 'ann@acme.example',
    });
    if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
    const [row] = await world.sql`select requirements from approvals where id = ${outcome.approvalId}`;
    expect(row?.['requirements']).toMatchObject([{ quorum: 2, stepUp: true }]);
  });
});

describe('suspending', () => {
  test('our own hold comes first: mandates are frozen while Okta is still down, and Okta is asked until it answers', async () => {
    const agent = await world.agent('frozen-bot', 'faye');
    const [fayes] = await world.sql<
      { id: string }[]
    >`select id from people where email = 'faye@acme.example'`;
    const mandateId = await world.mandate('faye', agent, { scopes: ['okta.password.reset'] });
    const token = await world.token(agent, 'faye', mandateId);
    world.okta.fault({ method: 'POST', path: path('faye', 'suspend'), times: 3, status: 503 });
    const outcome = await world.as(await world.actor('dana'), 'okta_suspend_user', {
      person: 'faye@acme.example',
    });
    if (outcome.status !== 'running') throw new Error(JSON.stringify(outcome));
    await eventually(
      async () =>
        (await world.sql`select 1 from mandates where id = ${mandateId} and state = 'frozen'`).length > 0,
      'the mandate freezes',
    );
    expect(world.okta.org.users.get(uid('faye'))?.status).toBe('ACTIVE');
    await expect(world.server.kernel.verify(token, `${world.app.baseUrl}/mcp`)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
    expect(await settled(outcome.callId)).toMatchObject({ state: 'succeeded' });
    expect(world.okta.org.users.get(uid('faye'))?.status).toBe('SUSPENDED');
    expect(
      (await world.ledger('user_suspended')).filter((entry) => entry.data['person'] === fayes?.id),
    ).toHaveLength(1);
  });

  test('unsuspended at Okta, the next sync thaws what the suspension froze, and old tokens stay dead', async () => {
    const [frozen] = await world.sql<
      { id: string; epoch: number }[]
    >`select id, epoch from mandates where state = 'frozen'`;
    await fetch(`${world.okta.url}/_sandbox/users/${uid('faye')}/unsuspend`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    await world.app.queue.send('sync-directory', { tenant: world.tenantId });
    const thawed = await eventually(
      async () =>
        (
          await world.sql<
            { epoch: number }[]
          >`select epoch from mandates where id = ${frozen?.id ?? ''} and state = 'active'`
        )[0],
      'the mandate thaws',
    );
    expect(thawed.epoch).toBeGreaterThan(frozen?.epoch ?? 0);
  });
});

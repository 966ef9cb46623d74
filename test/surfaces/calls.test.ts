import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentActor } from '#domain/actor.ts';
import type { Outcome } from '#engine/outcome.ts';
import { samplePerson } from '#sandbox/company.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const uid = (key: string) => samplePerson(key).oktaId;
const factorsOf = (key: string) => world.okta.org.users.get(uid(key))?.factors ?? [];

async function agentActor(
  agent: TestAgent,
  principal: string,
  mandateId: string,
  scopes = ['okta.mfa.reset', 'okta.password.reset'],
): Promise<AgentActor> {
  return {
    kind: 'agent',
    surface: 'mcp',
    agentId: agent.id,
    personId: (await world.person(principal)).id,
    mandateId,
    scopes,
    jti: 'test',
  };
}

function waiting(outcome: Outcome): { callId: string; approvalId: string } {
  if (outcome.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(outcome)}`);
  return outcome;
}

const settled = (callId: string) =>
  eventually(
    async () =>
      (
        await world.sql<
          { state: string; error: { code: string; message: string } | null; attempt: number }[]
        >`select state, error, attempt from calls where id = ${callId} and settled_at is not null`
      )[0],
    `call ${callId} settles`,
  );

describe('a person acts as themselves', () => {
  test('a manager resets the password of a direct report, at Okta, once, and the ledger has it', async () => {
    const outcome = await world.as(
      await world.actor('bob'),
      'okta_reset_password',
      { person: 'ann@acme.example' },
      { waitMs: 60_000 },
    );
    expect(outcome).toMatchObject({ status: 'done', output: { status: 'RECOVERY' } });
    expect(world.okta.org.users.get(uid('ann'))?.status).toBe('RECOVERY');
    const [row] = await world.sql`select state, attempt, summary from calls where id = ${outcome.callId}`;
    expect(row).toMatchObject({ state: 'succeeded', attempt: 1, summary: 'Reset password for Ann Lee' });
    const entries = await world.ledger('CALL_SUCCEEDED');
    expect(entries.at(-1)?.data).toMatchObject({ call_id: outcome.callId, tool: 'okta_reset_password' });
  });

  test("a colleague who is nobody's manager is refused, told who may, and Okta is not asked", async () => {
    const before = world.okta.requests.length;
    const outcome = await world.as(
      await world.actor('nina'),
      'okta_reset_password',
      { person: 'carl@acme.example' },
      { waitMs: 60_000 },
    );
    expect(outcome).toMatchObject({
      status: 'denied',
      denial: {
        code: 'no_policy_allows',
        message: expect.stringContaining('managers, for their direct reports'),
      },
    });
    expect(world.okta.requests.length).toBe(before);
    expect((await world.ledger('CALL_DENIED')).at(-1)?.data).toMatchObject({
      code: 'no_policy_allows',
      tool: 'okta_reset_password',
    });
  });

  test('nobody resets their own credentials, and a forbid names itself', async () => {
    const outcome = await world.as(await world.actor('dana'), 'okta_reset_mfa', {
      person: 'dana@acme.example',
    });
    expect(outcome).toMatchObject({
      status: 'denied',
      denial: { code: 'forbidden_by_policy', policy: 'nobody-resets-themselves-here' },
    });
  });

  test('a target who holds an administrator role needs two other IT admins, and is refused at once where there are none', async () => {
    const outcome = await world.as(await world.actor('ivan'), 'okta_reset_mfa', {
      person: 'dana@acme.example',
    });
    expect(outcome).toMatchObject({
      status: 'denied',
      denial: { code: 'no_approver', policy: 'privileged-people-need-two-admins' },
    });
    expect(factorsOf('dana')).toHaveLength(2);
  });

  test('an unknown tool, a wrong input and an unknown person are told apart', async () => {
    const bob = await world.actor('bob');
    await expect(world.as(bob, 'okta_make_coffee', {})).rejects.toMatchObject({ code: 'not_found' });
    await expect(world.as(bob, 'okta_reset_mfa', { who: 'ann' })).rejects.toMatchObject({
      code: 'invalid_input',
      detail: { problems: [{ field: 'person' }, { field: 'who' }] },
    });
    await expect(world.as(bob, 'okta_reset_mfa', { person: 'nobody@acme.example' })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('okta_find_user'),
    });
  });
});

describe('delegation', () => {
  test('nobody gives what their groups do not give them', async () => {
    const agent = await world.agent('overreach-bot', 'bob');
    await expect(
      world.as(await world.actor('bob'), 'mandate_create', {
        agent: agent.id,
        scopes: ['okta.users.suspend'],
        purpose: 'too much',
      }),
    ).rejects.toMatchObject({
      code: 'forbidden',
      detail: { missing: { authority: ['okta.users.suspend'] } },
    });
    expect(await world.sql`select 1 from mandates where agent_id = ${agent.id}`).toHaveLength(0);
  });

  test("an agent's mandate lets it ask, its principal's manager decides, and the act happens exactly once", async () => {
    const agent = await world.agent('carl-bot', 'carl');
    const mandateId = await world.mandate('bob', agent);
    const actor = await agentActor(agent, 'bob', mandateId);
    const { callId, approvalId } = waiting(
      await world
        .as(actor, 'okta_reset_mfa', { person: 'carl@acme.example' }, { reason: 'lost his phone' })
        .catch((error: unknown) => Promise.reject(error as Error)),
    );
    // The target owns the agent, and the principal asked. Neither may vote, nor may a colleague.
    for (const key of ['carl', 'bob', 'nina', 'dana']) {
      await expect(world.vote(key, approvalId)).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining('Mona Patel'),
      });
    }
    expect(factorsOf('carl')).toHaveLength(2);
    const votes = await Promise.allSettled([
      world.vote('mona', approvalId),
      world.vote('mona', approvalId),
      world.vote('mona', approvalId),
    ]);
    expect(votes.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    expect(await settled(callId)).toMatchObject({ state: 'succeeded', attempt: 1 });
    expect(factorsOf('carl')).toHaveLength(0);
    expect(
      world.okta.requests.filter((one) => one.path.includes(`${uid('carl')}/lifecycle/reset_factors`)),
    ).toHaveLength(1);
    expect(await world.sql`select 1 from votes where approval_id = ${approvalId}`).toHaveLength(1);
  });

  test('outside the mandate, all is denied: another tool, another person, a scope that the token lacks', async () => {
    const agent = await world.agent('narrow-bot', 'bob');
    const mandateId = await world.mandate('bob', agent, {
      scopes: ['okta.mfa.reset'],
      resources: ['ann@acme.example'],
    });
    const actor = await agentActor(agent, 'bob', mandateId, ['okta.mfa.reset']);
    expect(await world.as(actor, 'okta_reset_password', { person: 'ann@acme.example' })).toMatchObject({
      status: 'denied',
      denial: { code: 'scope_not_delegated' },
    });
    expect(await world.as(actor, 'okta_reset_mfa', { person: 'carl@acme.example' })).toMatchObject({
      status: 'denied',
      denial: { code: 'outside_mandate' },
    });
    expect(
      await world.as({ ...actor, scopes: [] }, 'okta_reset_mfa', { person: 'ann@acme.example' }),
    ).toMatchObject({ status: 'denied', denial: { code: 'scope_not_delegated' } });
    expect(
      await world.as(actor, 'mandate_create', {
        agent: agent.id,
        scopes: ['okta.mfa.reset'],
        purpose: 'more',
      }),
    ).toMatchObject({ status: 'denied' });
    expect(
      await world.as(actor, 'agent_register', {
        name: 'x-bot',
        owner: 'bob@acme.example',
        scopes: ['a'],
        public_key: '{"kty":"EC","crv":"P-256"}',
      }),
    ).toMatchObject({ status: 'denied' });
  });

  test('ten identical calls at once wait as one, under one approval', async () => {
    const agent = await world.agent('twice-bot', 'bob');
    const actor = await agentActor(agent, 'bob', await world.mandate('bob', agent));
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => world.as(actor, 'okta_reset_mfa', { person: 'ann@acme.example' })),
    );
    expect(new Set(outcomes.map((one) => waiting(one).approvalId)).size).toBe(1);
    expect(
      await world.sql`select 1 from calls where agent_id = ${agent.id} and state = 'waiting'`,
    ).toHaveLength(1);
    expect(
      (await world.ledger('CALL_WAITING')).filter(
        (entry) => entry.data['joined'] === true && entry.actor.startsWith(agent.id),
      ),
    ).toHaveLength(9);
  });

  test('a mandate with two uses ends with the second, and a third call is refused', async () => {
    const agent = await world.agent('two-uses-bot', 'bob');
    const mandateId = await world.mandate('bob', agent, { max_uses: 2, scopes: ['okta.password.reset'] });
    const actor = await agentActor(agent, 'bob', mandateId, ['okta.password.reset']);
    for (const person of ['carl@acme.example', 'ann@acme.example']) {
      const { callId, approvalId } = waiting(await world.as(actor, 'okta_reset_password', { person }));
      await world.vote('mona', approvalId);
      expect(await settled(callId)).toMatchObject({ state: 'succeeded' });
    }
    const [row] = await world.sql`select state, uses from mandates where id = ${mandateId}`;
    expect(row).toMatchObject({ state: 'expired', uses: 2 });
    expect(await world.as(actor, 'okta_reset_password', { person: 'carl@acme.example' })).toMatchObject({
      status: 'denied',
      denial: { code: 'mandate_expired' },
    });
    expect(
      (await world.ledger('MANDATE_EXPIRED')).some((entry) => entry.data['mandate_id'] === mandateId),
    ).toBe(true);
  });

  test('authority that is lost between approval and execution denies the execution', async () => {
    const agent = await world.agent('lost-bot', 'bob');
    const actor = await agentActor(agent, 'bob', await world.mandate('bob', agent));
    const { callId, approvalId } = waiting(
      await world.as(actor, 'okta_reset_mfa', { person: 'ann@acme.example' }),
    );
    const before = factorsOf('ann').length;
    const removed =
      await world.sql`delete from memberships where person_id = ${(await world.person('bob')).id} and group_id in (select id from groups where name = 'Managers') returning group_id`;
    await world.vote('mona', approvalId);
    expect(await settled(callId)).toMatchObject({ state: 'denied', error: { code: 'authority_lost' } });
    expect(factorsOf('ann')).toHaveLength(before);
    await world.sql`insert into memberships (tenant_id, group_id, person_id) values (${world.tenantId}, ${removed[0]?.['group_id']}, ${(await world.person('bob')).id})`;
  });

  test('what was approved has drifted: it is asked again, not run', async () => {
    const agent = await world.agent('drift-bot', 'bob');
    const actor = await agentActor(agent, 'bob', await world.mandate('bob', agent));
    const { callId, approvalId } = waiting(
      await world.as(actor, 'okta_reset_mfa', { person: 'ann@acme.example' }),
    );
    await fetch(`${world.okta.url}/_sandbox/users/${uid('ann')}/enroll`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ factor_type: 'sms' }),
    });
    const before = factorsOf('ann').length;
    await world.vote('mona', approvalId);
    expect(await settled(callId)).toMatchObject({ state: 'superseded' });
    const [next] = await world.sql<
      { id: string; state: string; approval_id: string }[]
    >`select id, state, approval_id from calls where id = (select successor_id from calls where id = ${callId})`;
    expect(next?.state).toBe('waiting');
    expect(factorsOf('ann')).toHaveLength(before);
    const followed = await world.as(actor, 'approval_wait', { approval_id: approvalId, wait_seconds: 0 });
    expect(followed).toMatchObject({
      status: 'done',
      output: { status: 'pending_approval', approval_id: next?.approval_id },
    });
    await world.vote('mona', next?.approval_id ?? '');
    expect(await settled(next?.id ?? '')).toMatchObject({ state: 'succeeded' });
  });
});

describe('approvals', () => {
  test('a denial needs a reason, ends the request, and the requester reads it', async () => {
    const agent = await world.agent('denied-bot', 'bob');
    const actor = await agentActor(agent, 'bob', await world.mandate('bob', agent));
    const { approvalId } = waiting(
      await world.as(actor, 'okta_reset_password', { person: 'carl@acme.example' }),
    );
    await expect(world.vote('mona', approvalId, 'deny')).rejects.toMatchObject({ code: 'invalid_input' });
    await world.vote('mona', approvalId, 'deny', 'not today');
    expect(
      await world.as(actor, 'approval_wait', { approval_id: approvalId, wait_seconds: 0 }),
    ).toMatchObject({
      output: { status: 'denied', code: 'approval_denied', reason: expect.stringContaining('not today') },
    });
    await expect(world.vote('mona', approvalId)).rejects.toMatchObject({ code: 'conflict' });
  });

  test("somebody else's approval and one that does not exist are the same to an agent", async () => {
    const [one, two] = [await world.agent('first-bot', 'bob'), await world.agent('second-bot', 'bob')];
    const first = await agentActor(one, 'bob', await world.mandate('bob', one));
    const second = await agentActor(two, 'bob', await world.mandate('bob', two));
    const { approvalId } = waiting(
      await world.as(first, 'okta_reset_password', { person: 'carl@acme.example' }),
    );
    const refusals = await Promise.all(
      [approvalId, `apr_${'0'.repeat(26)}`].map((id) =>
        world
          .as(second, 'approval_wait', { approval_id: id, wait_seconds: 0 })
          .catch((error: Error) => error.message.replace(id, '…')),
      ),
    );
    expect(refusals[0]).toBe(refusals[1]);
    expect(await world.as(first, 'approval_cancel', { approval_id: approvalId })).toMatchObject({
      status: 'done',
    });
    await expect(world.vote('mona', approvalId)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('waiting for an approval answers as soon as it is decided and carried out', async () => {
    const agent = await world.agent('waiting-bot', 'bob');
    const actor = await agentActor(agent, 'bob', await world.mandate('bob', agent));
    const { approvalId } = waiting(
      await world.as(actor, 'okta_reset_password', { person: 'carl@acme.example' }),
    );
    const answer = world.as(actor, 'approval_wait', { approval_id: approvalId, wait_seconds: 20 });
    await world.vote('mona', approvalId);
    expect(await answer).toMatchObject({
      status: 'done',
      output: { status: 'done', result: { status: 'RECOVERY' } },
    });
  });

  test('explaining says what would happen without doing it', async () => {
    const calls = await world.sql`select count(*)::int as n from calls`;
    const explained = await world.as(await world.actor('bob'), 'explain_access', {
      tool: 'okta_reset_password',
      input: { person: 'ann@acme.example' },
    });
    expect(explained).toMatchObject({
      status: 'done',
      output: { allowed: true, denial: null, policies: ['managers-help-their-reports'] },
    });
    const refused = await world.as(await world.actor('nina'), 'explain_access', {
      tool: 'okta_reset_password',
      input: { person: 'ann@acme.example' },
    });
    expect(refused).toMatchObject({
      status: 'done',
      output: { allowed: false, denial: { code: 'no_policy_allows' } },
    });
    expect(await world.sql`select count(*)::int as n from calls`).toEqual(calls);
  });
});

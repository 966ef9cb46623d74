import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentActor } from '#domain/actor.ts';
import { depart } from '#domain/person/depart.ts';
import { findPerson } from '#domain/person/store.ts';
import { expireApproval } from '#engine/approve/expire.ts';
import { remindApproval } from '#engine/approve/remind.ts';
import type { Outcome } from '#engine/outcome.ts';
import { transact } from '#engine/transact.ts';
import { slackApprovals, words, type SlackApprovals } from '../support/slack-approvals.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let carls: TestAgent;
let slack: SlackApprovals;
beforeAll(async () => {
  world = await openWorld();
  carls = await world.agent('carls-bot', 'carl');
  slack = slackApprovals(world, carls);
});
afterAll(() => world.close());

function waiting(outcome: Outcome): { callId: string; approvalId: string } {
  if (outcome.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(outcome)}`);
  return outcome;
}

const settled = (callId: string) =>
  eventually(
    async () =>
      (
        await world.sql<
          { state: string }[]
        >`select state from calls where id = ${callId} and settled_at is not null`
      )[0]?.state,
    `call ${callId} settles`,
  );
const mandatesOf = async (callId: string) =>
  world.sql<{ id: string; state: string }[]>`select id, state from mandates where call_id = ${callId}`;
const fulfilled = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.map((one) => one.status === 'fulfilled');

async function holder(agent: TestAgent, principal: string, mandateId: string): Promise<AgentActor> {
  const personId = (await world.person(principal)).id;
  const scopes = ['okta.mfa.reset', 'okta.password.reset'];
  return { kind: 'agent', surface: 'mcp', agentId: agent.id, personId, mandateId, scopes, jti: 'test' };
}

/** Moves an approval back in time, so that this part of its time is over. */
const elapsed = (approvalId: string, part: number) =>
  world.sql`update approvals set created_at = now() - (${part} * interval '4 hours'), expires_at = now() + (${1 - part} * interval '4 hours') where id = ${approvalId}`;
const remind = (approvalId: string) => remindApproval(world.app, world.tenantId, approvalId);
const copyOf = (key: string, approvalId: string, text: RegExp) =>
  world.slack
    .as(key)
    .waitsFor((one) => text.test(one.text) && words(one).includes(approvalId) && one.ephemeralFor === null);

describe('law 5: who never votes', () => {
  test('the owner of an agent higher up in the chain: the fallback decides in their place', async () => {
    const [first, middle, last] = [
      await world.agent('chain-1', 'bob'),
      await world.agent('chain-2', 'mona'),
      await world.agent('chain-3', 'carl'),
    ];
    let mandateId = await world.mandate('bob', first, { may_delegate: 2 });
    let from = first;
    for (const next of [middle, last]) {
      const made = await world.as(await holder(from, 'bob', mandateId), 'mandate_delegate', {
        agent: next.id,
        purpose: 'handed on',
        ...(next === last ? {} : { may_delegate: 1 }),
      });
      mandateId = String((await world.agreed(made))['mandate_id']);
      from = next;
    }
    const asked = waiting(
      await world.as(await holder(last, 'bob', mandateId), 'okta_reset_mfa', { person: 'ann@acme.example' }),
    );
    for (const key of ['mona', 'bob', 'carl', 'ann'])
      await expect(world.vote(key, asked.approvalId)).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringMatching(/Dana Ruiz, Ivan Novak/) as string,
      });
    await world.vote('ivan', asked.approvalId);
    expect(await settled(asked.callId)).toBe('succeeded');
  });

  test('the requester may not, however they click', async () => {
    const { approvalId } = await slack.ask();
    await expect(world.vote('bob', approvalId)).rejects.toMatchObject({
      detail: { reason: 'own_request' },
    });
  });
});

describe('law 7: what joins an approval', () => {
  test('the same call under another mandate waits on its own; the same again joins', async () => {
    const agent = await world.agent('join-bot', 'bob');
    const actors = [
      await holder(agent, 'bob', await world.mandate('bob', agent)),
      await holder(agent, 'bob', await world.mandate('bob', agent)),
    ];
    const input = { person: 'carl@acme.example' };
    const ids = [];
    for (const actor of [...actors, ...actors])
      ids.push(waiting(await world.as(actor, 'okta_reset_password', input)).approvalId);
    expect(new Set(ids).size).toBe(2);
    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
  });

  test('two principals who ask for the same mandate wait on two approvals', async () => {
    const faye = await world.agent('nina-bot', 'nina');
    const terms = { scopes: ['okta.mfa.reset'], resources: ['*'], purpose: 'the same words' };
    const one = waiting(
      await world.as(await world.actor('faye'), 'mandate_create', { ...terms, agent: faye.id }),
    );
    const other = waiting(
      await world.as(await world.actor('bob'), 'mandate_create', { ...terms, agent: carls.id }),
    );
    expect(one.approvalId).not.toBe(other.approvalId);
  });
});

describe('reminders and escalation', () => {
  test('the timers are durable: at half and at three quarters of the time', async () => {
    const { approvalId } = await slack.ask();
    const [row] = await world.sql<
      { at: Date; end: Date }[]
    >`select created_at as at, expires_at as end from approvals where id = ${approvalId}`;
    if (row === undefined) throw new Error('no row');
    const jobs = await world.sql<
      { after: Date }[]
    >`select start_after as after from pgboss.job where name = 'remind-approval' and data->>'approval' = ${approvalId} order by 1`;
    const part = (job: { after: Date }) =>
      (job.after.getTime() - row.at.getTime()) / (row.end.getTime() - row.at.getTime());
    expect(jobs.map((job) => Math.round(part(job) * 100))).toEqual([50, 75]);
  });

  test('before its time nothing happens; at half of it the silent approver is reminded, once', async () => {
    const { approvalId } = await slack.ask();
    await copyOf('mona', approvalId, /^Approval needed/);
    await elapsed(approvalId, 0.4);
    await remind(approvalId);
    expect(await world.ledger('APPROVAL_REMINDED')).toHaveLength(0);
    await elapsed(approvalId, 0.6);
    await Promise.all([remind(approvalId), remind(approvalId)]);
    const reminder = await copyOf('mona', approvalId, /^Reminder/);
    expect(
      (await world.ledger('APPROVAL_REMINDED')).filter((one) => one.data['approval_id'] === approvalId),
    ).toHaveLength(1);
    expect((await world.slack.as('erin').inbox()).some((one) => words(one).includes(approvalId))).toBe(false);
    // The version is unchanged, so the buttons of both messages work.
    await world.slack.as('mona').clicks(reminder, 'Approve');
    await copyOf('mona', approvalId, /^Done/);
  });

  test('at three quarters the fallback may vote in addition, is told, and the first approver still may', async () => {
    const { approvalId, callId } = await slack.ask();
    await expect(world.vote('erin', approvalId)).rejects.toMatchObject({ code: 'forbidden' });
    await elapsed(approvalId, 0.8);
    await remind(approvalId);
    const told = await copyOf('erin', approvalId, /^Escalated to you/);
    await copyOf('mona', approvalId, /^Reminder/);
    expect((await world.slack.as('mona').inbox()).some((one) => one.text.startsWith('Escalated'))).toBe(
      false,
    );
    expect(
      (await world.ledger('APPROVAL_ESCALATED')).find((one) => one.data['approval_id'] === approvalId),
    ).toMatchObject({ data: { to: ['role:executive'] } });
    await world.slack.as('erin').clicks(told, 'Approve');
    expect(await settled(callId)).toBe('succeeded');
    await copyOf('erin', approvalId, /^Done/);
  });

  test('what is decided is neither reminded nor escalated', async () => {
    const { approvalId } = await slack.ask();
    await world.vote('mona', approvalId, 'deny', 'not now');
    await elapsed(approvalId, 0.9);
    await remind(approvalId);
    const [row] = await world.sql`select reminded_at, escalated_at from approvals where id = ${approvalId}`;
    expect(row).toEqual({ reminded_at: null, escalated_at: null });
  });
});

describe('eligibility at the click', () => {
  test('somebody who left the group after the message was posted is refused, and counts no more', async () => {
    const { approvalId } = await slack.ask();
    await elapsed(approvalId, 0.8);
    await remind(approvalId);
    const seen = await copyOf('erin', approvalId, /^Escalated to you/);
    const erin = await world.person('erin');
    const removed =
      await world.sql`delete from memberships where person_id = ${erin.id} and group_id in (select id from groups where name = 'Executives') returning group_id`;
    await slack.told('erin', seen, 'Approve', /not an approver.*Mona Patel/);
    expect(await world.sql`select 1 from votes where approval_id = ${approvalId}`).toHaveLength(0);
    await world.sql`insert into memberships (tenant_id, group_id, person_id) values (${world.tenantId}, ${removed[0]?.['group_id']}, ${erin.id})`;
  });
});

describe('the ledger of a mandate', () => {
  test.each([
    ['approve', 'MANDATE_APPROVED'],
    ['deny', 'MANDATE_REJECTED'],
  ] as const)('a renewal that is decided (%s) stands in it as %s', async (decision, event) => {
    const mandateId = await world.mandate('bob', carls);
    const asked = waiting(
      await world.as(await world.actor('bob'), 'mandate_renew', { mandate_id: mandateId, days: 9 }),
    );
    await world.vote('mona', asked.approvalId, decision, 'so be it');
    await settled(asked.callId);
    expect(
      (await world.ledger(event)).filter((one) => one.data['approval_id'] === asked.approvalId),
    ).toHaveLength(1);
  });
});

describe('at the same time', () => {
  const ROUNDS = [1, 2, 3, 4, 5];

  test('a vote and a withdrawal: one of them, never both', async () => {
    for (const _ of ROUNDS) {
      const { approvalId, callId } = await slack.ask();
      const bob = await world.actor('bob');
      const [voted, withdrawn] = fulfilled(
        await Promise.allSettled([
          world.vote('mona', approvalId),
          world.as(bob, 'approval_cancel', { approval_id: approvalId }),
        ]),
      );
      expect(voted).toBe(!withdrawn);
      expect(await settled(callId)).toBe(voted === true ? 'succeeded' : 'withdrawn');
      expect(await mandatesOf(callId)).toHaveLength(voted === true ? 1 : 0);
    }
  });

  test('a vote and the expiry: one of them, never both', async () => {
    for (const _ of ROUNDS) {
      const { approvalId, callId } = await slack.ask();
      await world.sql`update approvals set expires_at = now() + interval '15 milliseconds' where id = ${approvalId}`;
      const expire = () => expireApproval(world.app, world.tenantId, approvalId);
      const [voted] = fulfilled(
        await Promise.allSettled([world.vote('mona', approvalId), expire(), expire(), expire()]),
      );
      await new Promise((done) => setTimeout(done, 20));
      await expire();
      expect(await settled(callId)).toBe(voted === true ? 'succeeded' : 'expired');
      expect(await mandatesOf(callId)).toHaveLength(voted === true ? 1 : 0);
    }
  });

  test('a vote and the escalation: both, and the call runs once', async () => {
    for (const _ of ROUNDS) {
      const { approvalId, callId } = await slack.ask();
      await elapsed(approvalId, 0.8);
      const results = await Promise.allSettled([
        remind(approvalId),
        world.vote('mona', approvalId),
        remind(approvalId),
      ]);
      expect(fulfilled(results)).toEqual([true, true, true]);
      expect(await settled(callId)).toBe('succeeded');
      expect(await mandatesOf(callId)).toHaveLength(1);
    }
  });

  test('a vote and the departure of the principal: no mandate is born that lives', async () => {
    const agent = await world.agent('leaving-bot', 'nina');
    const asked = waiting(
      await world.as(await world.actor('faye'), 'mandate_create', {
        agent: agent.id,
        scopes: ['okta.mfa.reset'],
        purpose: 'before she leaves',
      }),
    );
    const faye = await world.person('faye');
    await Promise.allSettled([
      world.vote('erin', asked.approvalId),
      transact(world.app, world.tenantId, async (ctx) => {
        const person = await findPerson(ctx, faye.id, 'update');
        if (person === null) throw new Error('Faye is not there');
        await depart(ctx, person, { actor: 'okta:scim', reason: 'left', mandates: 'revoke' });
        await ctx.db.execute(
          `update people set scim_active = false where tenant_id = '${world.tenantId}' and id = '${faye.id}'`,
        );
      }),
    ]);
    expect(['withdrawn', 'denied', 'succeeded']).toContain(await settled(asked.callId));
    const alive = (await mandatesOf(asked.callId)).filter((one) => one.state === 'active');
    expect(alive).toHaveLength(0);
  });
});

describe('approvers by name and by authority', () => {
  test('person:<id> and anyone:<scope> hold, and two last votes at once are one execution', async () => {
    const dana = await world.actor('dana');
    const shown = await world.as(dana, 'policy_show', { version: 0 });
    const shipped = shown.status === 'done' ? String(shown.output['text']) : '';
    const erin = await world.person('erin');
    const text = `${shipped}
@id("erin-herself") @adds("requirement") @approval("person:${erin.id}") @reason("Erin decides.")
permit (principal is Person, action == Action::"okta_reset_mfa", resource is Person);
@id("whoever-suspends") @adds("requirement") @approval("anyone:okta.users.suspend") @quorum("2") @reason("Two who may suspend.")
permit (principal is Person, action == Action::"okta_reset_password", resource is Person);`;
    const set = waiting(await world.as(dana, 'policy_set', { text, note: 'named approvers' }));
    await world.vote('ivan', set.approvalId);
    expect(await settled(set.callId)).toBe('succeeded');

    const bob = await world.actor('bob');
    const named = waiting(await world.as(bob, 'okta_reset_mfa', { person: 'ann@acme.example' }));
    await expect(world.vote('mona', named.approvalId)).rejects.toMatchObject({
      message: expect.stringMatching(/Approvers: Erin Clarke\./) as string,
    });
    await world.vote('erin', named.approvalId);
    expect(await settled(named.callId)).toBe('succeeded');

    const both = waiting(await world.as(bob, 'okta_reset_password', { person: 'ann@acme.example' }));
    await expect(world.vote('erin', both.approvalId)).rejects.toMatchObject({
      message: expect.stringMatching(/Approvers: Dana Ruiz, Ivan Novak\./) as string,
    });
    const retried = async (key: string) => {
      // The other vote raised the version, so the second voter looks again and clicks again.
      for (;;) {
        try {
          return await world.vote(key, both.approvalId);
        } catch (error) {
          if ((error as { detail?: { reason?: string } }).detail?.reason !== 'stale') throw error;
        }
      }
    };
    await Promise.all([retried('dana'), retried('ivan')]);
    expect(await settled(both.callId)).toBe('succeeded');
    expect(await world.sql`select attempt from calls where id = ${both.callId}`).toMatchObject([
      { attempt: 1 },
    ]);
    expect(await world.sql`select 1 from votes where approval_id = ${both.approvalId}`).toHaveLength(2);
  });

  test.each(['person:bob', 'anyone:', 'anyone:A B', 'person:'])(
    '@approval("%s") is refused',
    async (kind) => {
      const text = `@id("a") @approval("${kind}") @reason("x") permit (principal, action, resource);`;
      await expect(world.as(await world.actor('dana'), 'policy_try', { text })).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('is not an approver') as string,
      });
    },
  );
});

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AgentActor } from '#domain/actor.ts';
import { verifyLedger } from '#domain/ledger/verify.ts';
import { expireApproval } from '#engine/approve/expire.ts';
import { remindApproval } from '#engine/approve/remind.ts';
import type { Outcome } from '#engine/outcome.ts';
import { expireMandate } from '#jobs/expire-mandate.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
/** How far the server's clock differs from ours, in ms. */
let shift = 0;
let world: World;
let agent: TestAgent;
beforeAll(async () => {
  world = await openWorld({ now: () => new Date(Date.now() + shift) });
  agent = await world.agent('clock-bot', 'bob');
});
afterAll(() => world.close());
beforeEach(() => {
  shift = 0;
});

const actorOf = async (mandateId: string): Promise<AgentActor> => ({
  kind: 'agent',
  surface: 'mcp',
  agentId: agent.id,
  personId: (await world.person('bob')).id,
  mandateId,
  scopes: ['okta.mfa.reset'],
  jti: 'test',
});
const may = async (mandateId: string) => {
  const outcome = await world.as(await actorOf(mandateId), 'okta_reset_mfa', { person: 'ann@acme.example' });
  return outcome.status === 'denied' ? outcome.denial.code : outcome.status;
};
function waiting(outcome: Outcome): { callId: string; approvalId: string } {
  if (outcome.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(outcome)}`);
  return outcome;
}

describe('the clock jumps', () => {
  test('a token ends when the clock is past it, and what was revoked meanwhile stays dead when the clock goes back', async () => {
    const mandateId = await world.mandate('bob', agent);
    const token = await world.token(agent, 'bob', mandateId, { audience: `${world.app.baseUrl}/v1` });
    const knock = async () =>
      (await fetch(`${world.url}/v1/tools`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await knock()).toBe(200);
    shift = 6 * MINUTE;
    expect(await knock()).toBe(401);
    // Issued in what is now the future, so it is refused.
    shift = -6 * MINUTE;
    expect(await knock()).toBe(401);
    shift = 0;
    expect(await knock()).toBe(200);
    shift = -DAY;
    await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: mandateId });
    for (const at of [-DAY, 0, DAY]) {
      shift = at;
      expect(await knock()).toBe(401);
    }
    shift = 0;
    expect(await world.exchange(agent, 'bob', mandateId)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', mandate_status: 'revoked' },
    });
  });

  test('a mandate is good between its beginning and its end, whatever its timer did; once it has ended no clock brings it back', async () => {
    const mandateId = await world.mandate('bob', agent, { days: 7 });
    expect(await may(mandateId)).toBe('waiting');
    shift = -DAY;
    expect(await may(mandateId)).toMatch(/^mandate_/);
    shift = 8 * DAY;
    expect(await may(mandateId)).toBe('mandate_expired');
    shift = 0;
    await expireMandate(world.app, world.tenantId, mandateId);
    expect(await may(mandateId)).toBe('waiting');
    shift = 8 * DAY;
    await expireMandate(world.app, world.tenantId, mandateId);
    for (const at of [8 * DAY, 0, -DAY]) {
      shift = at;
      expect(await may(mandateId)).toBe('mandate_expired');
    }
  });

  test('hours are those of the server’s clock at each use', async () => {
    const window = { days: [3], from: '08:00', to: '17:00', timezone: 'UTC' };
    const mandateId = await world.mandate('bob', agent, { days: 30, window });
    const now = new Date();
    const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
    const wednesday = midnight + ((3 - now.getUTCDay() + 7) % 7 || 7) * DAY;
    const tried: string[] = [];
    for (const hours of [7.9, 8.1, 16.9, 17.1, 12 + 24, 12 + 7 * 24]) {
      shift = wednesday + hours * HOUR - Date.now();
      tried.push(await may(mandateId));
    }
    expect(tried.map((one) => one === 'waiting')).toEqual([false, true, true, false, false, true]);
  });

  test('an approval is decided, reminded and ended by the clock of the moment, and an end is final', async () => {
    const mandateId = await world.mandate('bob', agent);
    const { callId, approvalId } = waiting(
      await world.as(await actorOf(mandateId), 'okta_reset_mfa', { person: 'carl@acme.example' }),
    );
    const [row] = await world.sql<
      { expires_at: Date }[]
    >`select expires_at from approvals where id = ${approvalId}`;
    const end = row!.expires_at.getTime() - Date.now();
    const state = async () =>
      (
        await world.sql`select c.state, a.state as approval, a.reminded_at is not null as reminded
        from calls c join approvals a on a.call_id = c.id where c.id = ${callId}`
      )[0];
    const untouched = { state: 'waiting', approval: 'pending', reminded: false };
    shift = -DAY;
    await remindApproval(world.app, world.tenantId, approvalId);
    await expireApproval(world.app, world.tenantId, approvalId);
    expect(await state()).toEqual(untouched);
    shift = end + MINUTE;
    await expect(world.vote('mona', approvalId)).rejects.toMatchObject({ detail: { reason: 'expired' } });
    expect(await state()).toEqual(untouched);
    await expireApproval(world.app, world.tenantId, approvalId);
    shift = 0;
    await expect(world.vote('mona', approvalId)).rejects.toMatchObject({ detail: { reason: 'decided' } });
    expect(await state()).toMatchObject({ state: 'expired', approval: 'expired' });
  });

  test('the ledger keeps the order in which things happened, not that of their times', async () => {
    const before = (await world.ledger()).length;
    for (const at of [HOUR, DAY, -DAY, 2 * HOUR]) {
      shift = at;
      await world.as(await world.actor('bob'), 'mandate_list', {});
    }
    const entries = await world.ledger();
    expect(verifyLedger(entries.map((entry) => JSON.stringify(entry)))).toMatchObject({ problems: [] });
    const times = entries
      .slice(before)
      .map((entry) => Math.round((Date.parse(entry.at) - Date.now()) / HOUR));
    expect(times).toEqual([1, 24, -24, 2]);
  });
});

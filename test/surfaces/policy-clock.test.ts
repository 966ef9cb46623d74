import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AgentActor } from '#domain/actor.ts';
import type { Outcome } from '#engine/outcome.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

const MINUTE = 60_000;
/** How far the server's clock differs from ours, in ms. */
let shift = 0;
let world: World;
let bot: TestAgent;
let agent: AgentActor;
/** The moment from which the policies below forbid. */
let late: Date;

beforeAll(async () => {
  world = await openWorld({ now: () => new Date(Date.now() + shift) });
  bot = await world.agent('day-bot', 'bob');
  const mandateId = await world.mandate('bob', bot);
  agent = {
    kind: 'agent',
    surface: 'mcp',
    agentId: bot.id,
    personId: (await world.person('bob')).id,
    mandateId,
    scopes: ['okta.mfa.reset'],
    jti: 'test',
  };
});
afterAll(() => world.close());
beforeEach(async () => {
  shift = 0;
  late = new Date(Date.now() + 30 * MINUTE);
  await inForce('');
});

/** Puts a text in force without an approval. */
async function inForce(text: string): Promise<void> {
  await world.sql`
    insert into policy_versions (tenant_id, version, text, note)
    select ${world.tenantId}, coalesce(max(version), 0) + 1, ${text}, 'a test' from policy_versions where tenant_id = ${world.tenantId}`;
}

/**
 * The shipped text, and a policy that forbids this action from `late` on to everybody for whom policies see
 * the time.
 */
const until = (action: string) =>
  `${world.app.policies.text}
@id("too-late") @reason("Too late.")
forbid (principal, action == Action::"${action}", resource) when { context has now && context.now >= datetime("${late.toISOString()}") };`;

const reset = (who: AgentActor, person: string): Promise<Outcome> =>
  world.as(who, 'okta_reset_mfa', { person: `${person}@acme.example` });
function waiting(outcome: Outcome): { callId: string; approvalId: string } {
  if (outcome.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(outcome)}`);
  return outcome;
}

describe('a policy that looks at the clock', () => {
  test('refuses an agent by the time at which it asks, and at which what was approved is carried out; a person by their own hand it does not', async () => {
    await inForce(until('okta_reset_mfa'));
    const asked = waiting(await reset(agent, 'ann'));
    shift = 31 * MINUTE;
    expect(await reset(agent, 'carl')).toMatchObject({
      status: 'denied',
      denial: { code: 'forbidden_by_policy', policy: 'too-late' },
    });
    await world.vote('mona', asked.approvalId);
    const row = await eventually(
      async () =>
        (
          await world.sql<
            { error: { code: string } }[]
          >`select error from calls where id = ${asked.callId} and state = 'denied'`
        )[0],
      'it is denied when it would be carried out',
    );
    expect(row.error.code).toBe('forbidden_by_policy');
    const own = await world.as(
      await world.actor('bob'),
      'okta_reset_mfa',
      { person: 'ann@acme.example' },
      { waitMs: 60_000 },
    );
    expect(own.status).toBe('done');
  });

  test('keeps nobody from changing the policies, whatever the hour', async () => {
    const dana = await world.actor('dana');
    late = new Date(Date.now() - MINUTE);
    const text = until('policy_set');
    const asked = await world.as(dana, 'policy_set', { text, note: 'by the clock' });
    expect(asked.status).toBe('waiting');
    await world.as(dana, 'approval_cancel', { approval_id: waiting(asked).approvalId });
    await inForce(text);
    const back = await world.as(dana, 'policy_set', { version: 0, note: 'back' });
    expect(back.status).toBe('waiting');
    await world.as(dana, 'approval_cancel', { approval_id: waiting(back).approvalId });
  });

  test('is tried on each call of the past with the time of that call', async () => {
    const before = waiting(await reset(agent, 'ann'));
    shift = 31 * MINUTE;
    const after = waiting(await reset(agent, 'carl'));
    const tried = await world.as(await world.actor('dana'), 'policy_try', { text: until('okta_reset_mfa') });
    if (tried.status !== 'done') throw new Error(JSON.stringify(tried));
    const differences = tried.output['differences'] as { call_id: string; otherwise: string }[];
    const about = (callId: string) => differences.find((one) => one.call_id === callId)?.otherwise;
    expect(about(after.callId)).toBe('denied (forbidden_by_policy: too-late)');
    expect(about(before.callId)).toBeUndefined();
  });
});

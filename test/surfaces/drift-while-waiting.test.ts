import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Actor } from '#domain/actor.ts';
import type { App } from '#engine/app.ts';
import { call } from '#engine/call.ts';
import { preparePolicies } from '#engine/decide/policies.ts';
import { execute } from '#engine/execute.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
/** The engine without a job runner: the test says when a call runs. */
let still: App;
beforeAll(async () => {
  world = await openWorld();
  const nothing = { enqueue: async () => {}, enqueueAll: async () => {}, send: async () => {} };
  still = { ...world.app, queue: { ...world.app.queue, ...nothing } };
});
afterAll(() => world.close());

/** The same with one additional policy about a tool, which changes no decision. */
const drifted = (tool: string): App => ({
  ...still,
  policies: preparePolicies(
    `${still.policies.text}\n@id("never") @reason("never") forbid (principal is Person, action == Action::"${tool}", resource) when { false };`,
    still.catalogue,
  ),
});

const QUESTIONS = {
  mandate_create: async (): Promise<{ actor: Actor; input: Record<string, unknown> }> => {
    const agent = await world.agent('waits', 'carl');
    const scopes = ['okta.users.read'];
    return {
      actor: await world.actor('bob'),
      input: { agent: agent.id, scopes, days: 7, purpose: 'to look' },
    };
  },
  okta_reset_mfa: async (): Promise<{ actor: Actor; input: Record<string, unknown> }> => {
    const agent = await world.agent('resets', 'bob');
    const mandateId = await world.mandate('bob', agent, { scopes: ['okta.mfa.reset'] });
    const { id: personId } = await world.person('bob');
    const scopes = ['okta.mfa.reset'];
    const who = { kind: 'agent', surface: 'mcp', agentId: agent.id, personId, mandateId, scopes } as const;
    return { actor: { ...who, jti: 'test' }, input: { person: 'ann@acme.example' } };
  },
};

test.each(Object.entries(QUESTIONS))(
  '%s: what was approved has drifted while the same question waits: the old call is superseded by the one that waits, which then runs once',
  async (tool, question) => {
    const { actor, input } = await question();
    const [before, after] = [still, drifted(tool)];
    const ask = async (app: App) => {
      const outcome = await call(app, { tenantId: world.tenantId, actor, tool, input });
      if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
      return outcome;
    };
    const approve = async (app: App, approvalId: string) => {
      const vote = { approval_id: approvalId, decision: 'approve', version: 1 };
      const mona = await world.actor('mona');
      const request = { tenantId: world.tenantId, actor: mona, tool: 'approval_decide', input: vote };
      expect(await call(app, request)).toMatchObject({ status: 'done' });
    };
    const run = async (app: App, callId: string) => {
      await execute(app, world.tenantId, callId, AbortSignal.timeout(30_000));
      return (await world.sql`select state, successor_id from calls where id = ${callId}`)[0];
    };
    const old = await ask(before);
    await approve(before, old.approvalId);
    const asked = await ask(after);
    expect(asked.callId).not.toBe(old.callId);

    expect(await run(after, old.callId)).toEqual({ state: 'superseded', successor_id: asked.callId });
    expect(await run(after, asked.callId)).toMatchObject({ state: 'waiting' });
    await approve(after, asked.approvalId);
    expect(await run(after, asked.callId)).toMatchObject({ state: 'succeeded' });
    expect(
      await world.sql`select 1 from calls where tool = ${tool} and successor_id is null and targets && (
      select targets from calls where id = ${asked.callId})`,
    ).toHaveLength(1);
    expect(await world.sql`select 1 from approvals where call_id not in (select id from calls)`).toHaveLength(
      0,
    );
  },
  60_000,
);

test('a job that fails in the database leaves none of the contents in the logs or in the row of the job', async () => {
  const agent = await world.agent('merges', 'carl');
  const purpose = 'the merger with Globex';
  await world.sql.unsafe(
    `alter table mandates add constraint no_merger check (purpose <> '${purpose}') not valid`,
  );
  const outcome = await world.as(await world.actor('bob'), 'mandate_create', {
    agent: agent.id,
    scopes: ['okta.users.read'],
    days: 7,
    purpose,
  });
  if (outcome.status !== 'waiting') throw new Error(JSON.stringify(outcome));
  await world.vote('mona', outcome.approvalId);
  const output = await eventually(
    async () => {
      const [job] = await world.sql<{ output: unknown }[]>`
      select output from pgboss.job where name = 'execute-call' and data->>'call' = ${outcome.callId} and output is not null`;
      return job?.output;
    },
    'the job has failed once',
    60_000,
  );
  expect(JSON.stringify(output)).toContain('no_merger');
  expect(JSON.stringify([output, world.logs])).not.toContain('Globex');
}, 120_000);

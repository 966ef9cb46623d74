import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentActor, PersonActor } from '#domain/actor.ts';
import type { App } from '#engine/app.ts';
import { call } from '#engine/call.ts';
import { preparePolicies } from '#engine/decide/policies.ts';
import { execute } from '#engine/execute.ts';
import type { Outcome } from '#engine/outcome.ts';
import { samplePerson } from '#sandbox/company.ts';
import type { RunningServer } from '../../src/main/server.ts';
import { still } from '../support/still.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
let second: RunningServer;
let mona: PersonActor;
let agent: AgentActor;
beforeAll(async () => {
  world = await openWorld();
  second = await world.second();
  mona = await world.actor('mona');
  const bot = await world.agent('lawful-bot', 'bob');
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

const uid = (key: string) => samplePerson(key).oktaId;
const factors = (key: string) => world.okta.org.users.get(uid(key))?.factors ?? [];
/** Changes of factors that Okta carried out, whether or not it could answer. */
const resets = () =>
  world.okta.requests.filter(
    (one) => one.path.endsWith('/lifecycle/reset_factors') && (one.status === 200 || one.status === null),
  ).length;
const enrol = (key: string) =>
  fetch(`${world.okta.url}/_sandbox/users/${uid(key)}/enroll`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ factor_type: 'sms' }),
  });
const ask = (app: App, person = 'ann@acme.example') =>
  call(app, { tenantId: world.tenantId, actor: agent, tool: 'okta_reset_mfa', input: { person } });
const approve = (app: App, approvalId: string, version: number) =>
  call(app, {
    tenantId: world.tenantId,
    actor: mona,
    tool: 'approval_decide',
    input: { approval_id: approvalId, decision: 'approve', version },
  });
interface Row {
  readonly id: string;
  readonly state: string;
  readonly approval_id: string;
  readonly successor_id: string | null;
  readonly attempt: number;
}
const row = async (id: string) => (await world.sql<Row[]>`select * from calls where id = ${id}`)[0]!;

function waiting(outcome: Outcome): { callId: string; approvalId: string } {
  if (outcome.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(outcome)}`);
  return outcome;
}

describe('law 6: approve exactly this', () => {
  const DRIFTS = {
    /** A new version of the tool has another input or output. */
    contract: (app: App): App => {
      const changed = { ...app.catalogue.get('okta_reset_mfa')!, contractDigest: 'another contract' };
      return {
        ...app,
        catalogue: {
          ...app.catalogue,
          get: (name) => (name === 'okta_reset_mfa' ? changed : app.catalogue.get(name)),
        },
      };
    },
    /** A policy about the tool has changed, though it decides the same. */
    policies: (app: App): App => ({
      ...app,
      policies: preparePolicies(
        `${app.policies.text}\n@id("never") @reason("never") forbid (principal is Person, action == Action::"okta_reset_mfa", resource) when { false };`,
        app.catalogue,
      ),
    }),
    /** Ann has one more factor than the approver saw. */
    preview: async (app: App): Promise<App> => (await enrol('ann'), app),
    /** The stored input is about another person. */
    input: async (app: App, callId: string): Promise<App> => {
      await world.sql`update calls set input = jsonb_set(input, '{person}', to_jsonb(${(await world.person('carl')).id}::text)) where id = ${callId}`;
      return app;
    },
  };
  const plan = fc.record({
    drifts: fc.uniqueArray(fc.constantFrom('contract', 'policies', 'preview', 'input'), { maxLength: 2 }),
    executions: fc.integer({ min: 1, max: 3 }),
    undone: fc.boolean(),
  });
  type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

  test('law 6: any drift of contract, input, preview or policies asks again and does nothing; without one, or when it is undone, it runs once', async () => {
    const seen = { ran: 0, asked: 0 };
    await fc.assert(
      fc.asyncProperty(plan, async ({ drifts, executions, undone }) => {
        for (const key of ['ann', 'carl']) if (factors(key).length === 0) await enrol(key);
        const app = still(world.app);
        const run = async (by: App, callId: string) => {
          const servers = [by, { ...by, database: second.app.database }];
          await Promise.all(
            Array.from({ length: executions }, (_, nth) =>
              execute(servers[nth % 2]!, world.tenantId, callId, AbortSignal.timeout(20_000)),
            ),
          );
          return row(callId);
        };
        const { callId, approvalId } = waiting(await ask(app));
        const [kept, before] = [[...factors('ann')], resets()];
        const { input } = (await world.sql`select input from calls where id = ${callId}`)[0]!;
        expect(await approve(app, approvalId, 1)).toMatchObject({ status: 'done' });
        let drifted = app;
        for (const drift of drifts) drifted = await DRIFTS[drift](drifted, callId);
        if (undone) {
          drifted = app;
          world.okta.org.users.get(uid('ann'))!.factors.splice(0, Infinity, ...kept);
          await world.sql`update calls set input = ${world.sql.json(input)} where id = ${callId}`;
        }
        const after = await run(drifted, callId);
        const runs = drifts.length === 0 || undone;
        seen[runs ? 'ran' : 'asked'] += 1;
        expect({ state: after.state, resets: resets() - before }).toEqual(
          runs ? { state: 'succeeded', resets: 1 } : { state: 'superseded', resets: 0 },
        );
        if (runs) return;
        const next = await row(after.successor_id ?? '');
        expect(next.state).toBe('waiting');
        // Nothing runs while it waits. After approval in its present form it runs.
        expect(await run(drifted, next.id)).toMatchObject({ state: 'waiting' });
        expect(await approve(drifted, next.approval_id, 1)).toMatchObject({ status: 'done' });
        expect(await run(drifted, next.id)).toMatchObject({ state: 'succeeded' });
        expect(resets() - before).toBe(1);
      }),
      // Each drift alone, and one that was undone; then random combinations.
      {
        numRuns: 14,
        endOnFailure: true,
        examples: [
          ...Object.keys(DRIFTS).map((drift): [Plan] => [
            { drifts: [drift as keyof typeof DRIFTS], executions: 2, undone: false },
          ]),
          [{ drifts: ['input', 'preview'], executions: 2, undone: true }],
          [{ drifts: [], executions: 3, undone: false }],
        ],
      },
    );
    expect(Math.min(seen.ran, seen.asked)).toBeGreaterThan(1);
  });
});

describe('law 7: exactly once', () => {
  const plan = fc.record({
    asks: fc.integer({ min: 1, max: 4 }),
    clicks: fc.integer({ min: 1, max: 4 }),
    redeliveries: fc.integer({ min: 0, max: 3 }),
    kills: fc.nat(4),
    okta: fc.array(fc.constantFrom('drop' as const, 'error' as const), { maxLength: 2 }),
  });
  const apps = () => [world.app, second.app];
  const either = (nth: number): App => apps()[nth % 2]!;
  /**
   * Runs attempts at once, and again if all of them failed, as a person clicks and an agent asks once more.
   */
  async function insist<T>(times: number, work: (nth: number) => Promise<T>): Promise<T> {
    return eventually(async () => {
      const tries = await Promise.allSettled(Array.from({ length: times }, (_, nth) => work(nth)));
      return tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))[0];
    }, 'one of them gets through');
  }

  test('law 7: N asks, N clicks, N deliveries at two servers, killed connections and a lossy Okta: one execution', async () => {
    let disturbed = 0;
    await fc.assert(
      fc.asyncProperty(plan, async ({ asks, clicks, redeliveries, kills, okta }) => {
        if (factors('ann').length === 0) await enrol('ann');
        const before = resets();
        const [spent] = await world.sql<
          { uses: number }[]
        >`select uses from mandates where id = ${agent.mandateId}`;
        for (const kind of okta)
          world.okta.fault({
            method: 'POST',
            path: '/lifecycle/reset_factors',
            ...(kind === 'drop' ? { drop_after_apply: true } : { status: 500 }),
          });
        const killing = (async () => {
          for (let nth = 0; nth < kills; nth += 1) {
            await sleep(40);
            // Except the lock of an execution: losing that and a second delivery at the same time would be
            // more than one failure.
            const ended = await world.sql`select pg_terminate_backend(pid) from pg_stat_activity
              where datname = current_database() and application_name = 'prokura' and xact_start is not null
                and query not like '%pg_try_advisory_xact_lock%' order by random() limit 1`;
            disturbed += ended.length;
          }
        })();
        const { callId, approvalId } = waiting(await insist(asks, (nth) => ask(either(nth))));
        await insist(clicks, async (nth) => {
          const [{ state }] =
            (await world.sql`select state from approvals where id = ${approvalId}`) as unknown as [
              { state: string },
            ];
          if (state !== 'approved') await approve(either(nth), approvalId, 1);
          return true;
        });
        // A queue may deliver twice. The second delivery finds what the first has done.
        for (let nth = 0; nth < redeliveries; nth += 1)
          await either(nth)
            .queue.send('execute-call', { tenant: world.tenantId, call: callId })
            .catch(() => {});
        const done = await eventually(
          async () => {
            const now = await row(callId);
            return now.state === 'ready' || now.state === 'running' ? null : now;
          },
          'it is carried out',
          90_000,
        );
        await killing;
        world.okta.clearFaults();
        const lines = await world.ledger('CALL_SUCCEEDED');
        const [now] = await world.sql<
          { uses: number }[]
        >`select uses from mandates where id = ${agent.mandateId}`;
        expect({
          state: done.state,
          resets: resets() - before,
          lines: lines.filter((line) => line.data['call_id'] === callId).length,
          uses: now!.uses - spent!.uses,
          left: factors('ann').length,
        }).toEqual({ state: 'succeeded', resets: 1, lines: 1, uses: 1, left: 0 });
      }),
      { numRuns: 6, endOnFailure: true },
    );
    expect(disturbed).toBeGreaterThan(0);
  }, 240_000);
});

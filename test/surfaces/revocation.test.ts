import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revokeMandateTree } from '#domain/mandate/revoke.ts';
import { depart } from '#domain/person/depart.ts';
import { findPerson, tightenPerson } from '#domain/person/store.ts';
import { suspendHere } from '#domain/person/suspend.ts';
import type { App } from '#engine/app.ts';
import { call } from '#engine/call.ts';
import { transact } from '#engine/transact.ts';
import type { RunningServer } from '../../src/main/server.ts';
import { openWorld, type World } from '../support/world.ts';
import { openParties, type Surface, type Held, type Parties } from '../support/revocation-surfaces.ts';

let world: World;
let parties: Parties;
let servers: RunningServer[];
beforeAll(async () => {
  world = await openWorld();
  servers = [world.server, await world.second()];
  parties = await openParties(world);
});
afterAll(() => world.close());

interface Count {
  /** Requested before the end had committed, and let through. */
  before: number;
  /** Requested after the commit, and refused. */
  refused: number;
  /** Requested after the commit, and let through: this must never happen. */
  violations: number;
}

/**
 * Repeats requests at every interface of every server about what `pick` returns, until `until` has settled.
 * `ended` is read before each request, so a request that counts as late started after the commit.
 */
async function readers(
  pick: () => Held,
  ended: (held: Held) => boolean,
  until: Promise<unknown>,
  pauseMs: number,
  surfaces: Readonly<Record<string, Surface>> = parties.surfaces,
): Promise<Record<string, Count>> {
  const counts: Record<string, Count> = {};
  let over = false;
  const loops = Object.entries(surfaces).flatMap(([name, surface]) => {
    const count = (counts[name] = { before: 0, refused: 0, violations: 0 });
    return servers.map(async ({ url }) => {
      // Once more after the end, when everything that was asked about has ended.
      for (let last = false; !last; await sleep(pauseMs)) {
        last = over;
        const held = pick();
        const late = ended(held);
        const allowed = await surface(url, held);
        if (!late) count.before += allowed ? 1 : 0;
        else if (allowed) count.violations += 1;
        else count.refused += 1;
      }
    });
  });
  await Promise.all([until.finally(() => (over = true)), ...loops]);
  return counts;
}

const violations = (counts: Record<string, Count>) =>
  Object.fromEntries(Object.entries(counts).map(([surface, count]) => [surface, count.violations]));
const NONE = { exchange: 0, introspection: 0, rest: 0, mcp: 0, verify: 0 };

test('T27: 8 writers revoke 1,000 mandates each at two servers, and no interface of either lets through what started after the commit', async () => {
  const [writers, each, every] = [8, 1000, 20];
  const ids = await parties.plant(writers * each);
  const held = new Map<number, Held>();
  const wanted = ids.flatMap((_, index) => (index % every === every - 1 ? [index] : []));
  while (wanted.length > 0)
    await Promise.all(
      wanted.splice(0, 16).map(async (index) => held.set(index, await parties.hold(ids[index]!))),
    );
  const revoked = new Set<string>();
  const at = Array.from({ length: writers }, () => 0);
  const faye = await world.actor('faye');
  /**
   * As Faye ends it; and the function that every other cause uses (departure, breaker, expiry), which costs
   * the machine less.
   */
  const byTool = async (app: App, mandate_id: string) => {
    const request = { tenantId: world.tenantId, actor: faye, tool: 'mandate_revoke', input: { mandate_id } };
    expect(await call({ ...app, subscribers: {} }, request)).toMatchObject({ status: 'done' });
  };
  const byVerb = (app: App, mandate_id: string) =>
    transact({ ...app, subscribers: {} }, world.tenantId, (ctx) =>
      revokeMandateTree(ctx, mandate_id, { actor: 'okta:scim', reason: 'for a test' }),
    );
  const writing = Promise.all(
    at.map(async (_, writer) => {
      const { app } = servers[writer % servers.length]!;
      for (let n = 0; n < each; n += 1) {
        const mandate_id = ids[writer * each + n]!;
        await (writer === 0 ? byTool(app, mandate_id) : byVerb(app, mandate_id));
        revoked.add(mandate_id);
        at[writer] = n + 1;
      }
    }),
  );
  /** A mandate that a writer has just revoked or is about to revoke. */
  const pick = (): Held => {
    const writer = Math.floor(Math.random() * writers);
    const place = Math.floor(at[writer]! / every) - (Math.random() < 0.5 ? 1 : 0);
    const nth = Math.max(0, Math.min(each / every - 1, place));
    return held.get(writer * each + nth * every + every - 1)!;
  };
  const counts = await readers(pick, ({ id }) => revoked.has(id), writing, 200);
  expect(violations(counts)).toEqual(NONE);
  expect(revoked.size).toBe(writers * each);
  for (const [surface, count] of Object.entries(counts))
    expect({ surface, seen: count.before > 20 && count.refused > 20 }).toEqual({ surface, seen: true });
  const [left] =
    await world.sql`select count(*)::int as n from mandates where id = any(${ids}::text[]) and state <> 'revoked'`;
  expect(left).toEqual({ n: 0 });
  const lines = await world.ledger('MANDATE_REVOKED');
  const mandates = lines.map(({ data }) => String(data['mandate_id'])).filter((id) => revoked.has(id));
  expect(mandates.toSorted()).toEqual(ids.toSorted());
}, 600_000);

describe('law 4: whatever ends authority ends it everywhere with its commit', () => {
  const principal = async () => (await world.person('faye')).id;
  const change = (work: Parameters<typeof transact<unknown>>[2]) => transact(world.app, world.tenantId, work);
  const as = async (key: string, tool: string, input: unknown) => {
    const outcome = await world.as(await world.actor(key), tool, input);
    if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  };
  const endings: [string, () => Promise<unknown>][] = [
    [
      'a person is suspended',
      async () => {
        const id = await principal();
        await change((ctx) => suspendHere(ctx, id, 'okta:scim'));
      },
    ],
    [
      'a person departs',
      async () => {
        const id = await principal();
        await change(async (ctx) => {
          const person = (await findPerson(ctx, id, 'update'))!;
          await depart(ctx, person, { actor: 'okta:scim', reason: 'left', mandates: 'freeze' });
        });
      },
    ],
    [
      'an agent is disabled',
      () => as('dana', 'agent_disable', { agent: parties.agent.id, reason: 'for a test' }),
    ],
    [
      'the organisation is frozen',
      () => as('dana', 'freeze_apply', { target: 'organisation', reason: 'a test' }),
    ],
  ];
  /** Restores everything with SQL, since only the ends are under test. */
  async function restore(): Promise<void> {
    await world.sql`update tenants set status = 'active'`;
    await world.sql`update people set status = 'ACTIVE', held = false, scim_active = null, tokens_not_before = null`;
    await world.sql`update agents set status = 'active', causes = '{}'`;
  }

  /**
   * Every interface that accepts what Faye or her agents hold. The mandate itself survives a logout, so
   * `/v1/verify` still allows.
   */
  const ofThePerson = (): Readonly<Record<string, Surface>> => {
    const { exchange, introspection, rest, mcp } = parties.surfaces;
    return { exchange, introspection, rest, mcp, provider: parties.provider };
  };

  test('when a person is logged out, no interface takes what is from before, the provider’s own token neither', async () => {
    const id = await principal();
    const total: Record<string, number> = {};
    for (let round = 0; round < 4; round += 1) {
      await restore();
      const [mandateId = ''] = await parties.plant(1);
      const held = await parties.hold(mandateId);
      let over = false;
      const ending = (async () => {
        await sleep(30 + round * 20);
        await change((ctx) => tightenPerson(ctx, id, {}));
        over = true;
        await sleep(50);
      })();
      const counts = await readers(
        () => held,
        () => over,
        ending,
        5,
        ofThePerson(),
      );
      for (const [surface, count] of Object.entries(counts)) {
        expect({ surface, violations: count.violations }).toEqual({ surface, violations: 0 });
        total[`${surface} before`] = (total[`${surface} before`] ?? 0) + count.before;
        total[`${surface} refused`] = (total[`${surface} refused`] ?? 0) + count.refused;
      }
    }
    await restore();
    expect(Object.entries(total).filter(([, count]) => count === 0)).toEqual([]);
  }, 120_000);

  test.each(endings)(
    'when %s, no interface lets through what started after',
    async (_, end) => {
      const total: Record<string, number> = {};
      for (let round = 0; round < 4; round += 1) {
        await restore();
        const [id = ''] = await parties.plant(1);
        const held = await parties.hold(id);
        let over = false;
        const ending = (async () => {
          await sleep(30 + round * 20);
          await end();
          over = true;
          await sleep(50);
        })();
        const counts = await readers(
          () => held,
          () => over,
          ending,
          5,
        );
        expect(violations(counts)).toEqual(NONE);
        for (const [surface, count] of Object.entries(counts)) {
          total[`${surface} before`] = (total[`${surface} before`] ?? 0) + count.before;
          total[`${surface} refused`] = (total[`${surface} refused`] ?? 0) + count.refused;
        }
      }
      await restore();
      expect(Object.entries(total).filter(([, count]) => count === 0)).toEqual([]);
    },
    120_000,
  );
});

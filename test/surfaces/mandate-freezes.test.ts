import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AgentActor } from '#domain/actor.ts';
import { changeMembers, memberChanges } from '#domain/group/import.ts';
import type { Outcome } from '#engine/outcome.ts';
import { transact } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let chain: TestAgent[];
beforeAll(async () => {
  world = await openWorld();
  chain = [];
  for (const [name, owner] of [
    ['top', 'bob'],
    ['middle', 'bob'],
    ['lowest', 'bob'],
  ] as const)
    chain.push(await world.agent(`freeze-${name}`, owner));
});
afterAll(() => world.close());

const done = (outcome: Outcome): Record<string, unknown> => {
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.output;
};
const as = async (key: string, tool: string, input: unknown) =>
  done(await world.as(await world.actor(key), tool, input));

/** Puts Bob into the Managers group or removes him, as a sync would. */
async function bobManages(does: boolean): Promise<void> {
  const [group] = await world.sql<{ id: string; removals: number }[]>`
    select id, removals from groups where uid = '00gmanagers0000000h7'`;
  const keys = ['erin', 'mona', 'faye', ...(does ? ['bob'] : [])];
  const uids = await Promise.all(keys.map(async (key) => (await world.person(key)).uid));
  await transact(world.app, world.tenantId, async (ctx) =>
    changeMembers(ctx, group!, await memberChanges(ctx, 'okta', group!.id, uids), 'okta:sync'),
  );
}

/** A mandate of Bob's, handed on twice. Returns three ids, the top one first. */
async function tree(): Promise<string[]> {
  const ids = [await world.mandate('bob', chain[0]!, { may_delegate: 2 })];
  for (const [level, agent] of chain.slice(1).entries()) {
    const holder: AgentActor = {
      kind: 'agent',
      surface: 'mcp',
      agentId: chain[level]!.id,
      personId: (await world.person('bob')).id,
      mandateId: ids[level]!,
      scopes: ['okta.mfa.reset', 'okta.password.reset'],
      jti: 'test',
    };
    const made = done(await world.as(holder, 'mandate_delegate', { agent: agent.id, purpose: 'below' }));
    ids.push(String(made['mandate_id']));
  }
  return ids;
}

interface Row {
  id: string;
  parent_id: string | null;
  state: string;
  reason: string | null;
  causes: string[];
}
const rowsOf = (ids: readonly string[]) =>
  world.sql<Row[]>`
    select id, parent_id, state, reason,
           array(select cause from mandate_freezes f where f.tenant_id = m.tenant_id and f.mandate_id = m.id order by cause) as causes
      from mandates m where id = any(${ids as string[]}) order by id`;

/** What is wrong with these rows, and with the ledger's entries about them. */
async function wrongWith(ids: readonly string[]): Promise<string[]> {
  const rows = await rowsOf(ids);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const said = new Map<string, string>();
  const entries = await world.sql<{ id: string; event: string }[]>`
    select data->>'mandate_id' as id, event from ledger
     where event in ('MANDATE_FROZEN', 'MANDATE_THAWED') and data->>'mandate_id' = any(${ids as string[]}) order by seq`;
  for (const { id, event } of entries) said.set(id, event);
  return rows.flatMap((row) => {
    const parent = byId.get(row.parent_id ?? '');
    const frozen = row.state === 'frozen';
    const checks = {
      'it is frozen exactly while it has a cause': frozen === row.causes.length > 0,
      'parent_frozen stands exactly while the one above is frozen':
        row.causes.includes('parent_frozen') === (parent?.state === 'frozen'),
      'its reason is one of its causes, its own first': frozen
        ? row.reason !== null &&
          row.causes.includes(row.reason) &&
          (row.reason !== 'parent_frozen' || row.causes.length === 1)
        : row.reason === null,
      'the ledger ends with what it is': said.get(row.id) !== (frozen ? 'MANDATE_THAWED' : 'MANDATE_FROZEN'),
    };
    return Object.entries(checks).flatMap(([name, holds]) =>
      holds ? [] : [`${name}: ${JSON.stringify(row)}`],
    );
  });
}

describe('causes of a freeze', () => {
  test('a mandate that loses and regains its support while it is frozen by hand gives back what is below it', async () => {
    const [top = '', middle = '', lowest = ''] = await tree();
    await as('bob', 'mandate_freeze', { mandate_id: top });
    await bobManages(false);
    expect((await rowsOf([top]))[0]).toMatchObject({
      reason: 'authority_lost',
      causes: ['authority_lost', 'principal'],
    });
    await as('bob', 'mandate_thaw', { mandate_id: top });
    await bobManages(true);
    for (const row of await rowsOf([top, middle, lowest]))
      expect(row).toMatchObject({ state: 'active', reason: null, causes: [] });
  });

  test('what is shown as the reason goes with its cause', async () => {
    const [top = ''] = await tree();
    await as('bob', 'mandate_freeze', { mandate_id: top });
    await bobManages(false);
    await bobManages(true);
    expect((await rowsOf([top]))[0]).toMatchObject({ reason: 'principal', causes: ['principal'] });
  });

  test('freezing again for a cause that stands says nothing again', async () => {
    const ids = await tree();
    await as('dana', 'mandate_freeze', { mandate_id: ids[0] });
    const before = await world.ledger('MANDATE_FROZEN');
    await as('dana', 'mandate_freeze', { mandate_id: ids[0] });
    expect(await world.ledger('MANDATE_FROZEN')).toHaveLength(before.length);
    expect(await wrongWith(ids)).toEqual([]);
  });
});

type Step = {
  readonly do: 'freeze' | 'thaw' | 'stop' | 'lift' | 'lose' | 'regain';
  readonly by: 'bob' | 'dana';
  readonly of: number;
};
const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('freeze', 'freeze', 'thaw', 'thaw', 'stop', 'lift', 'lose', 'regain'),
  by: fc.constantFrom('bob', 'dana'),
  of: fc.nat(2),
});

describe('law 8: a freeze holds until its last cause is lifted, and no longer', () => {
  test('no sequence of freeze, thaw, kill switch, and support lost and regained leaves a mandate frozen without a cause, or working below one that is frozen', async () => {
    const apply = async (one: Step, ids: readonly string[]): Promise<void> => {
      const [id, agent] = [ids[one.of]!, chain[one.of]!.id];
      if (one.do === 'freeze') await as(one.by, 'mandate_freeze', { mandate_id: id });
      if (one.do === 'thaw') await as(one.by, 'mandate_thaw', { mandate_id: id });
      if (one.do === 'stop') await as('dana', 'freeze_apply', { target: one.by === 'bob' ? agent : id });
      if (one.do === 'lift') await as('dana', 'freeze_lift', { target: one.by === 'bob' ? agent : id });
      if (one.do === 'lose') await bobManages(false);
      if (one.do === 'regain') await bobManages(true);
    };
    const tolerated = (error: unknown) => {
      if (!(error instanceof Fault) || error.code === 'internal') throw error;
    };
    const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 3, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(rounds, async (steps) => {
        const ids = await tree();
        // The steps of one round run at the same time.
        for (const round of steps) {
          await Promise.all(round.map((one) => apply(one, ids).catch(tolerated)));
          expect(await wrongWith(ids)).toEqual([]);
        }
        // After all causes are lifted, in any order, everything works again.
        await bobManages(true);
        for (const [level, id] of ids.entries()) {
          for (const by of ['bob', 'dana']) await as(by, 'mandate_thaw', { mandate_id: id }).catch(tolerated);
          for (const target of [chain[level]!.id, id])
            await as('dana', 'freeze_lift', { target }).catch(tolerated);
        }
        expect((await rowsOf(ids)).map((row) => row.state)).toEqual(['active', 'active', 'active']);
        expect(await wrongWith(ids)).toEqual([]);
      }),
      { numRuns: 5 },
    );
  }, 240_000);
});

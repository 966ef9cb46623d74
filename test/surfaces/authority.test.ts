import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { changeMembers, memberChanges } from '#domain/group/import.ts';
import { DEFAULT_ROLE_SCOPES } from '#domain/tenant/create.ts';
import type { Outcome } from '#engine/outcome.ts';
import { transact } from '#engine/transact.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

const MANAGERS = '00gmanagers0000000h7';
const MANAGER_SCOPES = DEFAULT_ROLE_SCOPES['manager'] ?? [];
let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const done = (outcome: Outcome): Record<string, unknown> => {
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.output;
};

/** Dana asks and Ivan agrees. Waits until it is done. */
async function agreed(tool: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const asked = await world.as(await world.actor('dana'), tool, input);
  if (asked.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(asked)}`);
  await world.vote('ivan', asked.approvalId);
  const row = await eventually(
    async () =>
      (
        await world.sql<
          { state: string; result: Record<string, unknown> | null }[]
        >`select state, result from calls where id = ${asked.callId} and state not in ('waiting', 'ready', 'running')`
      )[0],
    `${tool} is carried out`,
  );
  if (row.state !== 'succeeded') throw new Error(JSON.stringify(row));
  return row.result ?? {};
}

const mandateRow = async (id: string) =>
  (
    await world.sql<{ state: string; epoch: number; causes: string[] }[]>`
      select m.state, m.epoch, coalesce(array_agg(f.cause) filter (where f.cause is not null), '{}') as causes
        from mandates m left join mandate_freezes f on f.tenant_id = m.tenant_id and f.mandate_id = m.id
       where m.id = ${id} group by m.state, m.epoch`
  )[0];

/** Makes these people the members of the Managers group, as a sync would. */
async function managers(keys: readonly string[]): Promise<void> {
  const [group] = await world.sql<
    { id: string; removals: number }[]
  >`select id, removals from groups where uid = ${MANAGERS}`;
  const uids = await Promise.all(keys.map(async (key) => (await world.person(key)).uid));
  await transact(world.app, world.tenantId, async (ctx) =>
    changeMembers(ctx, group!, await memberChanges(ctx, 'okta', group!.id, uids), 'okta:system-log'),
  );
}

const ALL = ['erin', 'mona', 'bob', 'faye'] as const;

// The groups and their mappings as they were imported, whatever the test before has left.
let imported: object[];
beforeAll(async () => {
  imported = await world.sql`select * from group_mappings`;
});
beforeEach(async () => {
  await world.sql`delete from group_mappings`;
  await world.sql`insert into group_mappings ${world.sql(imported)}`;
  await managers(ALL);
});

describe('authority from groups', () => {
  test('a membership that goes freezes what it supported, in the same transaction; it thaws that cause alone when it returns', async () => {
    const agent = await world.agent('support-bot', 'bob');
    const mandate = await world.mandate('bob', agent);
    const before = await mandateRow(mandate);
    await managers(['erin', 'mona', 'faye']);
    expect(await mandateRow(mandate)).toMatchObject({ state: 'frozen', causes: ['authority_lost'] });
    expect((await world.exchange(agent, 'bob', mandate)).status).not.toBe(200);
    const frozen = (await world.ledger('MANDATE_FROZEN')).at(-1);
    expect(frozen?.data).toMatchObject({
      mandate_id: mandate,
      cause: 'authority_lost',
      scopes_lost: ['okta.mfa.reset', 'okta.password.reset'],
    });
    // Both are in one commit: the same time, adjacent entries.
    const changed = (await world.ledger('authority_changed')).at(-1);
    expect(changed?.at).toBe(frozen?.at);
    expect(changed?.data).toMatchObject({
      removed: [(await world.person('bob')).id],
      mappings: [{ role: 'manager', scopes: MANAGER_SCOPES }],
    });
    // A second cause remains when the first is lifted.
    await world.sql`insert into mandate_freezes (tenant_id, mandate_id, cause) values (${world.tenantId}, ${mandate}, 'admin')`;
    await managers(ALL);
    expect(await mandateRow(mandate)).toMatchObject({ state: 'frozen', causes: ['admin'] });
    await world.sql`delete from mandate_freezes where cause = 'admin'`;
    await world.sql`insert into mandate_freezes (tenant_id, mandate_id, cause) values (${world.tenantId}, ${mandate}, 'authority_lost')`;
    await managers(['erin', 'mona', 'faye']);
    await managers(ALL);
    const after = await mandateRow(mandate);
    expect(after).toMatchObject({ state: 'active', causes: [] });
    expect(after!.epoch).toBeGreaterThan(before!.epoch);
    expect((await world.ledger('MANDATE_THAWED')).at(-1)?.data).toMatchObject({
      mandate_id: mandate,
      lifted: 'authority_lost',
    });
  });

  test('a mapping change shows its effect first, takes two humans, freezes and returns', async () => {
    const agent = await world.agent('mapping-bot', 'bob');
    const mandate = await world.mandate('bob', agent);
    const narrower = {
      group: MANAGERS,
      role: 'manager',
      scopes: MANAGER_SCOPES.filter((scope) => scope !== 'okta.mfa.reset'),
    };
    const asked = await world.as(await world.actor('dana'), 'group_map', narrower);
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    const [approval] = await world.sql<
      { impact: { changes: { what: string; from?: string; to?: string }[] } }[]
    >`select impact from approvals where id = ${asked.approvalId}`;
    expect(approval?.impact.changes).toEqual(
      expect.arrayContaining([
        { what: 'Bob Meyer', from: 'loses okta.mfa.reset' },
        { what: `mandate ${mandate}`, to: 'frozen: no support for okta.mfa.reset' },
      ]),
    );
    // Dana cannot agree to her own request, and nothing has happened yet.
    await expect(world.vote('dana', asked.approvalId)).rejects.toMatchObject({ code: 'forbidden' });
    expect((await mandateRow(mandate))?.state).toBe('active');
    await world.vote('ivan', asked.approvalId);
    await eventually(async () => (await mandateRow(mandate))?.state === 'frozen', 'the mandate freezes');
    expect((await world.ledger('authority_changed')).at(-1)?.data).toMatchObject({
      change: 'mapped',
      source: 'okta',
      group: MANAGERS,
      role: 'manager',
      scopes: narrower.scopes.toSorted(),
      before: MANAGER_SCOPES,
      call_id: asked.callId,
    });
    const back = await agreed('group_map', { ...narrower, scopes: [...narrower.scopes, 'okta.mfa.reset'] });
    expect(back['thawed_mandates']).toContain(mandate);
    expect(await mandateRow(mandate)).toMatchObject({ state: 'active', causes: [] });
  });

  test('unknown groups and scopes, and a change that leaves no administrator, are refused before anybody is asked', async () => {
    const dana = await world.actor('dana');
    await expect(world.as(dana, 'group_map', { group: 'Managers', role: 'manager' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(
      world.as(dana, 'group_map', { group: MANAGERS, role: 'manager', scopes: ['nobody:knows'] }),
    ).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(
      world.as(dana, 'group_unmap', { group: '00gitadmins0000000h7', role: 'it_admin' }),
    ).rejects.toMatchObject({ code: 'conflict' });
    expect(
      await world.as(await world.actor('bob'), 'group_map', { group: MANAGERS, role: 'it_admin' }),
    ).toMatchObject({ status: 'denied' });
    const listed = done(await world.as(dana, 'group_mapping_list', {}));
    expect((listed['mappings'] as { group: string }[]).map((one) => one.group)).toContain(MANAGERS);
  });

  test('who can: the manager and IT admins by policy, the agent by its mandate, each as their own call would be decided', async () => {
    const agent = await world.agent('who-bot', 'bob');
    const mandate = await world.mandate('bob', agent);
    const ann = (await world.person('ann')).id;
    const dana = await world.actor('dana');
    const answer = done(await world.as(dana, 'who_can', { tool: 'okta_reset_mfa', input: { person: ann } }));
    const people = answer['people'] as { name: string; policies: string[]; approvals: unknown[] }[];
    expect(people.map((one) => one.name).sort()).toEqual(['Bob Meyer', 'Dana Ruiz', 'Ivan Novak']);
    expect(people.find((one) => one.name === 'Bob Meyer')?.policies).toEqual(['managers-help-their-reports']);
    const agents = answer['agents'] as { mandate_id: string; approvals: { policy: string }[] }[];
    expect(agents.find((one) => one.mandate_id === mandate)?.approvals.map((one) => one.policy)).toEqual([
      'agents-ask-before-they-change-okta',
    ]);
    expect(
      await world.as(await world.actor('carl'), 'who_can', {
        tool: 'okta_reset_mfa',
        input: { person: ann },
      }),
    ).toMatchObject({ status: 'denied' });
  });

  test('who could at a past time is read back from the ledger, and says from which entry', async () => {
    const ann = (await world.person('ann')).id;
    const dana = await world.actor('dana');
    const mandate = await world.mandate('bob', await world.agent('past-bot', 'bob'));
    const question = { tool: 'okta_reset_password', input: { person: ann } };
    const names = (answer: Record<string, unknown>) =>
      (answer['people'] as { name: string }[]).map((one) => one.name).sort();
    const open = (answer: Record<string, unknown>) =>
      (answer['agents'] as { mandate_id: string }[]).map((one) => one.mandate_id).sort();
    const now = done(await world.as(dana, 'who_can', question));
    const last = (await world.ledger()).at(-1)!;
    const at = new Date(Date.now()).toISOString();
    await eventually(async () => Date.now() > Date.parse(at), 'the clock moves on');
    // Afterwards: Bob leaves the managers, the mapping changes, a policy forbids, a mandate ends.
    await managers(['erin', 'mona', 'faye']);
    await agreed('group_map', {
      group: '00gengineering0000h7',
      role: 'it_admin',
      scopes: ['okta.password.reset'],
    });
    expect(open(now)).toContain(mandate);
    done(await world.as(await world.actor('bob'), 'mandate_revoke', { mandate_id: mandate, reason: 'over' }));
    const later = done(await world.as(dana, 'who_can', question));
    expect(names(later)).toEqual(['Bob Meyer', 'Carl Jensen', 'Dana Ruiz', 'Ivan Novak', 'Mona Patel']);
    const then = done(await world.as(dana, 'who_can', { ...question, at }));
    expect(names(then)).toEqual(names(now));
    expect(open(then)).toEqual(open(now));
    const told = then['reconstructed'] as { from_seq: number; from_ledger: string[]; as_today: string[] };
    expect(told.from_seq).toBeGreaterThanOrEqual(last.seq);
    expect(told.as_today.join()).toContain('managers');
    await expect(
      world.as(dana, 'who_can', { ...question, at: '2001-01-01T00:00:00Z' }),
    ).rejects.toMatchObject({ code: 'invalid_input' });
  });
});

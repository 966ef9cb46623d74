import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '#engine/outcome.ts';
import { newId } from '#lib/id.ts';
import { eventually, openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

function done(outcome: Outcome): Record<string, unknown> {
  if (outcome.status !== 'done') throw new Error(`not done: ${JSON.stringify(outcome)}`);
  return { ...outcome.output };
}
const as = async (key: string, tool: string, input: unknown) => world.as(await world.actor(key), tool, input);
const use = async (key: string, tool: string, input: unknown) => done(await as(key, tool, input));

const restToken = (agent: TestAgent, principal: string, mandate: string) =>
  world.token(agent, principal, mandate, { audience: `${world.app.baseUrl}/v1` });
const knock = async (token: string) =>
  (await fetch(`${world.url}/v1/tools`, { headers: { authorization: `Bearer ${token}` } })).status;

const mandateRow = async (id: string) =>
  (
    await world.sql<
      { state: string; causes: string[] }[]
    >`select state, array(select cause from mandate_freezes f where f.mandate_id = m.id order by cause) as causes from mandates m where id = ${id}`
  )[0];
const callState = async (id: string) =>
  (await world.sql<{ state: string }[]>`select state from calls where id = ${id}`)[0]?.state;

async function pair(name: string) {
  const agent = await world.agent(name, 'carl', ['okta.users.read', 'okta.mfa.reset']);
  const own = await world.mandate('carl', agent, { scopes: ['okta.users.read'], resources: ['*'] });
  const others = await world.mandate('bob', agent, { scopes: ['okta.mfa.reset'] });
  return { agent, own, others };
}

/** A call of the agent for Bob that waits for Mona. */
async function waitingCall(agent: TestAgent, mandateId: string): Promise<string> {
  const actor = {
    kind: 'agent' as const,
    surface: 'mcp' as const,
    agentId: agent.id,
    personId: (await world.person('bob')).id,
    mandateId,
    scopes: ['okta.mfa.reset'],
    jti: 'test',
  };
  const outcome = await world.as(actor, 'okta_reset_mfa', { person: 'ann@acme.example' });
  if (outcome.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(outcome)}`);
  return outcome.callId;
}

/** Inserts `count` mandates below one, in chains of ten. Returns all ids, the root first. */
async function plantTree(root: string, count: number): Promise<string[]> {
  const ids = [root];
  for (let made = 0; made < count; made += 1) {
    const parent = made % 10 === 0 ? root : ids.at(-1)!;
    const id = newId('mdt');
    await world.sql`insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, parent_id, depth, state, call_id, starts_at, expires_at)
      select tenant_id, ${id}, principal_id, agent_id, scopes, resources, 'below', ${parent}, 1, 'active', call_id, starts_at, expires_at from mandates where id = ${root}`;
    ids.push(id);
  }
  return ids;
}

describe('one agent', () => {
  test('the preview says exactly what the execution hits, and its tokens and requests are dead after it', async () => {
    const { agent, own, others } = await pair('stop-bot');
    const tokens = [await restToken(agent, 'carl', own), await restToken(agent, 'bob', others)];
    const waiting = await waitingCall(agent, others);
    const preview = await use('carl', 'freeze_preview', { target: agent.name });
    expect(preview).toMatchObject({
      kind: 'agent',
      name: agent.name,
      mandates: 2,
      agents: 1,
      principals: 2,
      pending_approvals: 1,
    });
    const before = await world.ledger();
    const {
      elapsed_ms: elapsed,
      frozen: _,
      ...hit
    } = await use('carl', 'freeze_apply', { target: agent.name });
    expect(hit).toEqual(preview);
    expect(elapsed).toBeGreaterThan(0);
    for (const token of tokens) expect(await knock(token)).toBe(401);
    expect(await world.exchange(agent, 'bob', others)).toMatchObject({ status: 400 });
    expect(await callState(waiting)).toBe('withdrawn');
    expect(await mandateRow(others)).toMatchObject({ state: 'frozen', causes: [`admin:${agent.id}`] });
    const entries = (await world.ledger()).slice(before.length);
    expect(entries.filter((entry) => entry.event === 'FREEZE_APPLIED')).toHaveLength(1);
    expect(entries.filter((entry) => entry.event === 'MANDATE_FROZEN')).toHaveLength(2);

    expect(await as('carl', 'freeze_lift', { target: agent.name })).toMatchObject({ status: 'denied' });
    const lifted = await use('dana', 'freeze_lift', { target: agent.name });
    expect([...(lifted['thawed'] as string[])].sort()).toEqual([own, others].sort());
    expect(await knock(tokens[0]!)).toBe(401);
    expect(await knock(await restToken(agent, 'bob', others))).toBe(200);
    await expect(as('dana', 'freeze_lift', { target: agent.name })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  test('freezing and transferring at once leaves the agent frozen and other mandates with both causes', async () => {
    for (let round = 0; round < 4; round += 1) {
      const { agent, others } = await pair(`race-bot-${round}`);
      await Promise.all([
        use('dana', 'freeze_apply', { target: agent.id }),
        use('carl', 'agent_transfer', { agent: agent.id, owner: 'ann@acme.example' }),
        use('dana', 'freeze_apply', { target: others }),
      ]);
      expect((await mandateRow(others))?.causes).toEqual(
        [`admin:${agent.id}`, `admin:${others}`, 'credentials_changed'].sort(),
      );
      const [row] = await world.sql`select status, causes from agents where id = ${agent.id}`;
      expect(row).toMatchObject({ status: 'frozen', causes: ['admin'] });
      await use('dana', 'freeze_lift', { target: agent.id });
      await world.agreed(await as('bob', 'mandate_confirm', { mandate_id: others }));
      expect(await mandateRow(others)).toMatchObject({ state: 'frozen', causes: [`admin:${others}`] });
      await use('dana', 'freeze_lift', { target: others });
      expect(await mandateRow(others)).toMatchObject({ state: 'active', causes: [] });
    }
  });

  test('a mandate that is given while the agent changes hands is never left without its cause', async () => {
    for (let round = 0; round < 4; round += 1) {
      const agent = await world.agent(`birth-bot-${round}`, 'carl', ['okta.users.read']);
      const bob = await world.actor('bob');
      const asked = await world.as(bob, 'mandate_create', {
        agent: agent.id,
        scopes: ['okta.users.read'],
        purpose: 'a race',
      });
      if (asked.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(asked)}`);
      const [, moved] = await Promise.all([
        world.vote('mona', asked.approvalId).catch(() => null),
        as('dana', 'agent_transfer', { agent: agent.id, owner: 'ann@acme.example' }),
      ]);
      done(moved);
      await eventually(
        async () => !['waiting', 'ready', 'running'].includes((await callState(asked.callId)) ?? ''),
        'the call settles',
      );
      // Mona approved it for Carl's agent. The mandate that existed froze with the transfer, and that
      // approval created none for Ann's.
      const rows = await world.sql<
        { state: string }[]
      >`select state from mandates where agent_id = ${agent.id}`;
      expect(rows.every((row) => row.state === 'frozen')).toBe(true);
    }
  });
});

describe('one principal', () => {
  test('stops everything that they delegate, and keeps them from giving more; nobody lifts it for themselves', async () => {
    const { agent, own, others } = await pair('person-bot');
    const mine = await restToken(agent, 'bob', others);
    const theirs = await restToken(agent, 'carl', own);
    expect(await as('nina', 'freeze_apply', { target: 'bob@acme.example' })).toMatchObject({
      status: 'denied',
    });
    const hit = await use('mona', 'freeze_apply', { target: 'bob@acme.example', reason: 'lost laptop' });
    expect(hit).toMatchObject({ kind: 'principal', name: 'Bob Meyer' });
    expect(await knock(mine)).toBe(401);
    expect(await knock(theirs)).toBe(200);
    const giving = { agent: agent.id, scopes: ['okta.mfa.reset'], purpose: 'one more' };
    await expect(as('bob', 'mandate_create', giving)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await as('bob', 'freeze_lift', { target: 'bob@acme.example' })).toMatchObject({
      status: 'denied',
    });
    const lifted = await use('ivan', 'freeze_lift', { target: 'bob@acme.example' });
    expect(lifted['thawed']).toContain(others);
    expect(await knock(mine)).toBe(401);
    await world.signedInAgain();
    expect(await knock(await restToken(agent, 'bob', others))).toBe(200);
  });
});

describe('one tree of mandates', () => {
  test('200 mandates stop in one transaction, and start again together', async () => {
    const { own } = await pair('tree-bot');
    const ids = await plantTree(own, 199);
    const before = (await world.ledger()).at(-1)?.seq ?? 0;
    const report = await use('carl', 'freeze_apply', { target: own });
    expect(report).toMatchObject({ kind: 'mandate', mandates: 200 });
    expect(report['elapsed_ms']).toBeGreaterThan(0);
    const [rows] = await world.sql<
      { frozen: number; transactions: number }[]
    >`select count(*) filter (where state = 'frozen')::int as frozen, count(distinct xmin::text)::int as transactions from mandates where id = any(${ids})`;
    expect(rows).toEqual({ frozen: 200, transactions: 1 });
    const entries = (await world.ledger('MANDATE_FROZEN')).filter((entry) => entry.seq > before);
    expect(entries).toHaveLength(200);
    const lifted = await use('dana', 'freeze_lift', { target: own });
    expect(lifted['thawed_count']).toBe(200);
    expect(lifted['thawed']).toHaveLength(20);
  });

  test('a freeze further down stays when the one above is lifted', async () => {
    const { own } = await pair('nested-bot');
    const [root = '', below = '', lowest = ''] = await plantTree(own, 3);
    await use('dana', 'freeze_apply', { target: below });
    await use('dana', 'freeze_apply', { target: root });
    await use('dana', 'freeze_lift', { target: root });
    expect(await mandateRow(root)).toMatchObject({ state: 'active' });
    expect(await mandateRow(below)).toMatchObject({ state: 'frozen', causes: [`admin:${below}`] });
    expect(await mandateRow(lowest)).toMatchObject({ state: 'frozen', causes: ['parent_frozen'] });
  });

  test('somebody who is no party to it learns nothing', async () => {
    const { own } = await pair('private-bot');
    expect(await as('nina', 'freeze_preview', { target: own })).toMatchObject({ status: 'denied' });
    expect(await as('nina', 'freeze_apply', { target: own })).toMatchObject({ status: 'denied' });
    await expect(as('dana', 'freeze_apply', { target: newId('mdt') })).rejects.toMatchObject({
      code: 'not_found',
    });
  });
});

describe('the whole organisation', () => {
  test('stops at every interface; two humans lift it, and never the one who froze it by their vote', async () => {
    const { agent, own, others } = await pair('everything-bot');
    const token = await restToken(agent, 'carl', own);
    const waiting = await waitingCall(agent, others);
    expect(await as('bob', 'freeze_apply', { target: 'organisation' })).toMatchObject({ status: 'denied' });
    const preview = await use('dana', 'freeze_preview', { target: 'organisation' });
    const hit = await use('dana', 'freeze_apply', { target: 'organisation', reason: 'an incident' });
    expect(hit['mandates']).toBe(preview['mandates']);
    expect(await callState(waiting)).toBe('withdrawn');
    expect(await knock(token)).toBe(401);
    expect(await world.exchange(agent, 'carl', own)).toMatchObject({ status: 400 });
    expect(await as('bob', 'mandate_list', {})).toMatchObject({
      status: 'denied',
      denial: { code: 'tenant_frozen' },
    });

    // Ivan asks. Dana froze it, so her vote does not count, and an executive decides.
    const asked = await as('ivan', 'freeze_lift', { target: 'organisation' });
    if (asked.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(asked)}`);
    await expect(world.vote('dana', asked.approvalId)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(world.vote('ivan', asked.approvalId)).rejects.toMatchObject({ code: 'forbidden' });
    // Freezing again withdraws the request, so repeating a freeze never weakens it.
    await use('ivan', 'freeze_apply', { target: 'organisation' });
    expect(await callState(asked.callId)).toBe('withdrawn');
    const again = await as('dana', 'freeze_lift', { target: 'organisation' });
    if (again.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(again)}`);
    const [row] = await world.sql`select status from tenants where id = ${world.tenantId}`;
    expect(row).toMatchObject({ status: 'frozen' });
    done(await world.vote('ivan', again.approvalId));
    await eventually(async () => (await callState(again.callId)) === 'succeeded', 'the freeze is lifted');
    const [after] = await world.sql`select status, frozen_by from tenants where id = ${world.tenantId}`;
    expect(after).toEqual({ status: 'active', frozen_by: null });
    expect(await knock(token)).toBe(401);
    expect(await knock(await restToken(agent, 'carl', own))).toBe(200);
    expect((await world.ledger('TENANT_FROZEN')).length).toBe(2);
    expect((await world.ledger('TENANT_THAWED')).length).toBe(1);
  });

  test('what one is held by alone goes on holding after the organisation works again', async () => {
    const { others } = await pair('left-bot');
    await use('dana', 'freeze_apply', { target: others });
    await use('dana', 'freeze_apply', { target: 'organisation' });
    const asked = await as('dana', 'freeze_lift', { target: 'organisation' });
    if (asked.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(asked)}`);
    done(await world.vote('ivan', asked.approvalId));
    await eventually(async () => (await callState(asked.callId)) === 'succeeded', 'the freeze is lifted');
    expect(await mandateRow(others)).toMatchObject({ state: 'frozen', causes: [`admin:${others}`] });
  });
});

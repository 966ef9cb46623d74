import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '#engine/outcome.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** Dana asks and Ivan agrees. Waits until it is done. */
async function agreed(tool: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const asked = await world.as(await world.actor('dana'), tool, input);
  if (asked.status !== 'waiting') throw new Error(`not waiting: ${JSON.stringify(asked)}`);
  expect(await world.vote('ivan', asked.approvalId)).toMatchObject({ status: 'done' });
  const row = await eventually(
    async () =>
      (
        await world.sql<
          { state: string; result: Record<string, unknown> | null; error: unknown }[]
        >`select state, result, error from calls where id = ${asked.callId} and state not in ('waiting', 'ready', 'running')`
      )[0],
    `${tool} is carried out`,
  );
  if (row.state !== 'succeeded') throw new Error(JSON.stringify(row));
  return row.result ?? {};
}

const done = (outcome: Outcome): Record<string, unknown> => {
  if (outcome.status !== 'done') throw new Error(JSON.stringify(outcome));
  return outcome.output;
};

/** How many versions there are; the newest has this number. */
const versions = async (): Promise<number> => (await world.sql`select 1 from policy_versions`).length;

/** Makes the shipped policies the ones in force. */
async function restoreShipped(): Promise<void> {
  const shown = async (input: object) =>
    done(await world.as(await world.actor('dana'), 'policy_show', input))['text'];
  if ((await shown({})) !== (await shown({ version: 0 })))
    await agreed('policy_set', { version: 0, note: 'back to what ships' });
}

/** The shipped text with one more policy. */
async function shippedWith(more: string): Promise<string> {
  const shown = done(await world.as(await world.actor('dana'), 'policy_show', { version: 0 }));
  return `${String(shown['text'])}\n${more}`;
}

const FROZEN_RESETS = `
@id("no-resets-today")
@reason("No resets today.")
forbid (principal, action == Action::"okta_reset_mfa", resource);`;

describe('policies of a tenant', () => {
  test('only IT admins see them and try them; nobody else is told more than who can', async () => {
    expect(await world.as(await world.actor('carl'), 'policy_show', {})).toMatchObject({
      status: 'denied',
      denial: { code: 'no_policy_allows' },
    });
    const shown = done(await world.as(await world.actor('dana'), 'policy_show', {}));
    expect(shown).toMatchObject({ version: await versions(), problem: null, single_admin: false });
    const staying = (shown['policies'] as { id: string; stays: boolean }[]).filter((one) => one.stays);
    expect(staying.map((one) => one.id)).toEqual(
      expect.arrayContaining([
        'agents-do-not-govern',
        'nobody-resets-themselves-here',
        'governance-takes-two-humans',
        'people-vote',
      ]),
    );
  });

  test.each([
    ['permit (principal, action, resource);', 'lacks @id'],
    ['@id("a") permit (principal, action, resource) when { principal.salary > 3 };', 'a:'],
    ['@id("a") permit (principal, action == Action::"no_such_tool", resource);', 'no_such_tool'],
    ['@id("a") permit (principal, action', 'do not parse'],
    ['@id("a") @approval("somebody") permit (principal, action, resource);', 'is not an approver'],
    [
      '@id("a") @approval("manager") @quorum("0") permit (principal, action, resource);',
      'is not a positive number',
    ],
    ['@id("a") @quorum("2") permit (principal, action, resource);', 'without @approval'],
    [
      '@id("a") @expires("soon") @approval("manager") permit (principal, action, resource);',
      'is not a positive number',
    ],
    ['@id("a") @step_up("mfa") permit (principal, action, resource);', 'without @approval'],
    ['@id("a") @colour("red") permit (principal, action, resource);', '@colour is not a known annotation'],
    ['@id("a") @stays("always") permit (principal, action, resource);', '@stays is reserved'],
    ['@id("people-vote") permit (principal, action, resource);', 'cannot be replaced'],
    ['@id("no") forbid (principal, action, resource);', 'policy no forbids'],
    [
      '@id("no") forbid (principal, action == Action::"policy_set", resource) unless { context.through_agent };',
      'policy no forbids policy_set to IT admins',
    ],
    [
      '@id("no") forbid (principal is Person, action == Action::"approval_decide", resource);',
      'policy no forbids approval_decide to IT admins',
    ],
    [
      '@id("a") forbid (principal, action, resource) when { context.surface == "slack" }; @id("b") forbid (principal, action, resource) unless { context.surface == "slack" };',
      'nobody could change the policies any more',
    ],
    [
      '@id("no") forbid (principal, action == Action::"policy_set", resource) when { context.surface == "slack" };',
      'policy no forbids policy_set to IT admins',
    ],
    [
      '@id("no") forbid (principal, action == Action::"policy_set", resource) when { context.single_admin };',
      'policy no forbids policy_set to IT admins',
    ],
    [
      '@id("over") forbid (principal is Person, action, resource is Tenant) when { 9223372036854775807 + 1 > 2 };',
      'policy over cannot be evaluated for policy_show',
    ],
    [
      '@id("vote") @adds("requirement") @approval("manager") permit (principal, action == Action::"approval_decide", resource);',
      'policy vote requires an approval for approval_decide',
    ],
    [
      '@id("ask") @adds("requirement") @approval("group:nobody") permit (principal, action == Action::"policy_set", resource);',
      'policy ask requires an approval for policy_set without @fallback("role:it_admin")',
    ],
  ])('%s is refused with the reason', async (text, words) => {
    const asked = world.as(await world.actor('dana'), 'policy_set', { text, note: 'a test' });
    await expect(asked).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(words) as string,
    });
  });

  test('a text that would lock IT admins out does not take the place of the one in force', async () => {
    const shown = async () => done(await world.as(await world.actor('dana'), 'policy_show', {}));
    const policyCalls = async () => (await world.sql`select 1 from calls where tool = 'policy_set'`).length;
    const [before, calls] = [await shown(), await policyCalls()];
    const text = '@id("no") forbid (principal, action == Action::"approval_decide", resource);';
    const asked = world.as(await world.actor('dana'), 'policy_set', { text, note: 'a test' });
    await expect(asked).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await policyCalls()).toBe(calls);
    expect(await shown()).toEqual(before);
  });

  test.each([
    [
      'forbids everybody everything else',
      '@id("no") forbid (principal, action, resource) unless { ["policy_show", "policy_set", "approval_decide"].contains(context.tool) };',
    ],
    [
      'forbids it to others',
      '@id("no") forbid (principal is Service, action == Action::"policy_set", resource);',
    ],
    [
      'lets nobody vote on what they asked for',
      '@id("no") forbid (principal, action == Action::"approval_decide", resource) when { resource is Approval && resource has principal && resource.principal == principal };',
    ],
    [
      'asks others for policy_set, and IT admins where there are none',
      '@id("ask") @adds("requirement") @approval("role:executive") @fallback("role:it_admin") permit (principal, action == Action::"policy_set", resource);',
    ],
  ])('a text that %s, and leaves IT admins the way back, is taken', async (_, text) => {
    const dana = await world.actor('dana');
    const asked = await world.as(dana, 'policy_set', { text, note: 'a pause' });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    expect(await world.as(dana, 'approval_cancel', { approval_id: asked.approvalId })).toMatchObject({
      status: 'done',
    });
  });

  test('a change takes two humans: the requester cannot agree, one other IT admin can, and the version stands in rows and ledger', async () => {
    await restoreShipped();
    const before = await versions();
    const text = await shippedWith(FROZEN_RESETS);
    const asked = await world.as(await world.actor('dana'), 'policy_set', { text, note: 'no resets' });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    await expect(world.vote('dana', asked.approvalId)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(world.vote('mona', asked.approvalId)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await versions()).toBe(before);
    await world.vote('ivan', asked.approvalId);
    const [row] = await eventually(async () => {
      const rows = await world.sql`
        select version, note, call_id from policy_versions where call_id = ${asked.callId}`;
      return rows.length > 0 && rows;
    }, 'the version stands');
    const version = before + 1;
    expect(row).toMatchObject({ version, note: 'no resets', call_id: asked.callId });
    expect((await world.ledger('policy_changed')).at(-1)).toMatchObject({
      data: { version, call_id: asked.callId },
    });
    const bob = await world.actor('bob');
    expect(await world.as(bob, 'okta_reset_mfa', { person: (await world.person('ann')).id })).toMatchObject({
      status: 'denied',
      denial: { code: 'forbidden_by_policy', policy: 'no-resets-today', message: 'No resets today.' },
    });
  });

  test('a dry run names the calls that would come out otherwise', async () => {
    await restoreShipped();
    const versionsBefore = await versions();
    // Bob resets Ann's password under today's policies.
    const bob = await world.actor('bob');
    const person = (await world.person('ann')).id;
    const before = await world.as(bob, 'okta_reset_password', { person }, { waitMs: 60_000 });
    const callId = before.status === 'done' ? before.callId : '';
    expect(before.status).toBe('done');
    const text = await shippedWith(
      '@id("no-passwords") @reason("No.") forbid (principal, action == Action::"okta_reset_password", resource);',
    );
    const tried = done(await world.as(await world.actor('dana'), 'policy_try', { text }));
    const differences = tried['differences'] as Record<string, unknown>[];
    expect(differences.find((one) => one['call_id'] === callId)).toMatchObject({
      tool: 'okta_reset_password',
      now: 'allowed',
      otherwise: 'denied (forbidden_by_policy: no-passwords)',
    });
    expect(tried['different']).toBe(differences.length);
    // The dry run has changed nothing.
    expect(await versions()).toBe(versionsBefore);
    expect((await world.as(bob, 'okta_reset_password', { person }, { waitMs: 60_000 })).status).toBe('done');
  });

  test('law 2 and 6: what was approved under other policies is asked again, or denied', async () => {
    // Bob asks for a mandate that his manager must approve.
    await restoreShipped();
    const agent = await world.agent('lawful-bot', 'dana');
    const asked = await world.as(await world.actor('bob'), 'mandate_create', {
      agent: agent.id,
      scopes: ['okta.mfa.reset'],
      resources: ['team'],
      purpose: 'a test of law two',
    });
    // The agent's owner is not one of Bob's direct reports, so no policy permits it.
    expect(asked.status).toBe('denied');
    const own = await world.agent('bobs-bot', 'carl');
    const waiting = await world.as(await world.actor('bob'), 'mandate_create', {
      agent: own.id,
      scopes: ['okta.mfa.reset'],
      resources: ['team'],
      purpose: 'a test of law two',
    });
    if (waiting.status !== 'waiting') throw new Error(JSON.stringify(waiting));
    await agreed('policy_set', {
      text: await shippedWith(
        '@id("no-mandates-now") @reason("Not now.") forbid (principal, action == Action::"mandate_create", resource);',
      ),
      note: 'no mandates',
    });
    await world.vote('mona', waiting.approvalId);
    const row = await eventually(
      async () =>
        (
          await world.sql<
            { state: string; error: { code: string } }[]
          >`select state, error from calls where id = ${waiting.callId} and state = 'denied'`
        )[0],
      'it is denied at execution',
    );
    expect(row.error.code).toBe('forbidden_by_policy');
    expect(await world.sql`select 1 from mandates where agent_id = ${own.id}`).toHaveLength(0);
  });

  test('law 6: a further requirement asks again', async () => {
    await restoreShipped();
    const agent = await world.agent('asked-again-bot', 'carl');
    const first = await world.as(await world.actor('bob'), 'mandate_create', {
      agent: agent.id,
      scopes: ['okta.mfa.reset'],
      resources: ['team'],
      purpose: 'asked again',
    });
    if (first.status !== 'waiting') throw new Error(JSON.stringify(first));
    await agreed('policy_set', {
      text: await shippedWith(
        '@id("it-sees-mandates") @adds("requirement") @approval("role:it_admin") @reason("IT looks at mandates.") permit (principal is Person, action == Action::"mandate_create", resource is Agent);',
      ),
      note: 'IT agrees to mandates',
    });
    await world.vote('mona', first.approvalId);
    const row = await eventually(
      async () =>
        (
          await world.sql<
            { state: string; successor_id: string }[]
          >`select state, successor_id from calls where id = ${first.callId} and state = 'superseded'`
        )[0],
      'it is superseded',
    );
    const [next] = await world.sql<
      { state: string; decision: { policies: string[] } }[]
    >`select state, decision from calls where id = ${row.successor_id}`;
    expect(next?.state).toBe('waiting');
    expect(next?.decision.policies).toContain('it-sees-mandates');
  });

  test('what stays, stays: under a text that permits everything an agent still governs nothing and a change still takes two', async () => {
    await agreed('policy_set', {
      text: '@id("everything") @allows("everybody") permit (principal, action, resource);',
      note: 'permit all',
    });
    const ann = await world.actor('ann');
    expect(await world.as(ann, 'policy_show', {})).toMatchObject({ status: 'done' });
    const asked = await world.as(ann, 'scope_set', {
      scope: 'finance:approve',
      description: 'Approve invoices',
    });
    expect(asked.status).toBe('waiting');
    expect(await world.as(ann, 'okta_reset_mfa', { person: (await world.person('ann')).id })).toMatchObject({
      denial: { policy: 'nobody-resets-themselves-here' },
    });
    // Back with the old version, although the text in force does not mention policy_set.
    expect(await agreed('policy_set', { version: 0, note: 'back' })).toMatchObject({ two_humans: true });
    expect(await world.as(ann, 'policy_show', {})).toMatchObject({ status: 'denied' });
  });

  test('a text that the catalogue has outgrown decides nothing but what stays, and administrators can mend it', async () => {
    const version = (await versions()) + 1;
    await world.sql`insert into policy_versions (tenant_id, version, text, note) values (${world.tenantId}, ${version}, '@id("old") permit (principal, action == Action::"gone_tool", resource);', 'from before an upgrade')`;
    expect(await world.as(await world.actor('carl'), 'agent_list', {})).toMatchObject({ status: 'denied' });
    const shown = done(await world.as(await world.actor('dana'), 'policy_show', {}));
    expect(shown['problem']).toContain('gone_tool');
    await agreed('policy_set', { version: 0, note: 'mended' });
    expect(await world.as(await world.actor('carl'), 'agent_list', {})).toMatchObject({ status: 'done' });
  });

  test('one IT admin is refused, unless the tenant says so while there is no second one; the answer shows it', async () => {
    const ivan = (await world.person('ivan')).id;
    await world.sql`update people set held = true where id = ${ivan}`;
    const dana = await world.actor('dana');
    const scope = { scope: 'single:scope', description: 'A test' };
    expect(await world.as(dana, 'scope_set', scope)).toMatchObject({
      status: 'denied',
      denial: { code: 'no_approver' },
    });
    await world.sql`update tenants set settings = settings || '{"singleAdmin": true}'`;
    expect(done(await world.as(dana, 'scope_set', scope))).toMatchObject({ two_humans: false });
    await world.sql`update people set held = false where id = ${ivan}`;
    expect((await world.as(dana, 'scope_set', { ...scope, description: 'Two again' })).status).toBe(
      'waiting',
    );
    // Removing the second admin again does not make Dana the only one: the setting is gone until it is set
    // again.
    await world.sql`update people set held = true where id = ${ivan}`;
    expect(await world.as(dana, 'scope_set', { ...scope, description: 'Alone again' })).toMatchObject({
      denial: { code: 'no_approver' },
    });
    expect(done(await world.as(dana, 'policy_show', {}))).toMatchObject({ single_admin: false });
    await world.sql`update people set held = false where id = ${ivan}`;
    // Nor can it be set while there are two.
    await world.sql`update tenants set settings = settings || '{"singleAdmin": true}'`;
    expect(await world.sql`select 1 from tenants where settings ? 'singleAdmin'`).toHaveLength(0);
  });

  test('a second IT admin by a membership or a mapping ends that one alone may change the rules', async () => {
    const ivan = (await world.person('ivan')).id;
    const alone = async () =>
      (await world.sql`select 1 from tenants where settings ? 'singleAdmin'`).length === 1;
    const mapped = await world.sql<{ source: string; group_uid: string }[]>`
      select source, group_uid from group_mappings where role = 'it_admin'`;
    const rows = await world.sql`select * from memberships where person_id = ${ivan}`;
    const without = async () => {
      await world.sql`delete from memberships where person_id = ${ivan}`;
      await world.sql`update tenants set settings = settings || '{"singleAdmin": true}'`;
      expect(await alone()).toBe(true);
    };
    await without();
    for (const row of rows) await world.sql`insert into memberships ${world.sql(row)}`;
    expect(await alone()).toBe(false);
    await world.sql`delete from memberships where person_id = ${ivan}`;
    expect(await alone()).toBe(false);
    await without();
    const everybody = await world.sql<{ source: string; uid: string }[]>`
      select source, uid from groups where uid <> all(${mapped.map((one) => one.group_uid)})
         and (select count(*) from memberships m where m.group_id = groups.id) > 1 limit 1`;
    await world.sql`insert into group_mappings (tenant_id, id, source, group_uid, role, scopes) values (${world.tenantId}, 'map_test', ${everybody[0]!.source}, ${everybody[0]!.uid}, 'it_admin', '{}')`;
    expect(await alone()).toBe(false);
    await world.sql`delete from group_mappings where group_uid = ${everybody[0]!.uid} and role = 'it_admin'`;
    for (const row of rows) await world.sql`insert into memberships ${world.sql(row)}`;
  });

  test('versions are only ever added: the server itself cannot change one', async () => {
    await expect(world.app.database.sql`update policy_versions set text = 'x'`).rejects.toThrow(
      /permission denied/,
    );
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changeMembers, memberChanges } from '#domain/group/import.ts';
import { depart } from '#domain/person/depart.ts';
import { findPerson } from '#domain/person/store.ts';
import { call } from '#engine/call.ts';
import { execute } from '#engine/execute.ts';
import { transact } from '#engine/transact.ts';
import { samplePerson } from '#sandbox/company.ts';
import { still } from '../support/still.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const state = async (callId: string) =>
  (await world.sql<{ state: string }[]>`select state from calls where id = ${callId}`)[0]?.state;

/** Whether a statement of the server waits for a lock of another transaction. */
const waitsForLock = async (): Promise<boolean> =>
  (
    await world.sql`select from pg_stat_activity
      where datname = current_database() and application_name = 'prokura' and wait_event_type = 'Lock' and wait_event <> 'advisory'`
  ).length > 0;

/** Somebody leaves, in a transaction that stays open until `end`. */
async function leaves(key: string): Promise<{ end(): Promise<void> }> {
  const { id } = await world.person(key);
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const leaving = transact(world.app, world.tenantId, async (ctx) => {
    const person = await findPerson(ctx, id, 'update');
    if (person === null) throw new Error(`${key} is not there`);
    await depart(ctx, person, { actor: 'okta:scim', reason: 'left', mandates: 'revoke' });
    await ctx.db.execute(
      `update people set scim_active = false where tenant_id = '${world.tenantId}' and id = '${id}'`,
    );
    begun.resolve();
    await gate.promise;
  });
  await begun.promise;
  return {
    end: async () => {
      gate.resolve();
      await leaving;
    },
  };
}

describe('law 2: an execution that begins while the principal is leaving waits for that, and does nothing', () => {
  const run = (callId: string) =>
    execute(still(world.app), world.tenantId, callId, AbortSignal.timeout(60_000));

  test('an act: Okta is not asked to change anything', async () => {
    const factors = () => [...(world.okta.org.users.get(samplePerson('nina').oktaId)?.factors ?? [])].length;
    const before = factors();
    expect(before).toBeGreaterThan(0);
    const asked = await call(still(world.app), {
      tenantId: world.tenantId,
      actor: await world.actor('faye'),
      tool: 'okta_reset_mfa',
      input: { person: 'nina@acme.example' },
    });
    const callId = 'callId' in asked ? (asked.callId ?? '') : '';
    expect(await state(callId)).toBe('ready');
    const leaving = await leaves('faye');
    const running = run(callId);
    await eventually(
      async () => (await waitsForLock()) || (await state(callId)) !== 'ready',
      'the execution has come to the person',
    );
    expect(await state(callId)).toBe('ready');
    await leaving.end();
    await running;
    expect(['denied', 'withdrawn']).toContain(await state(callId));
    expect(factors()).toBe(before);
  });

  test('a write: no mandate is born', async () => {
    const agent = await world.agent('leaving-bot', 'carl');
    const asked = await call(still(world.app), {
      tenantId: world.tenantId,
      actor: await world.actor('bob'),
      tool: 'mandate_create',
      input: { agent: agent.id, scopes: ['okta.users.read'], resources: ['*'], days: 7, purpose: 'leaving' },
    });
    if (asked.status !== 'waiting') throw new Error(JSON.stringify(asked));
    await call(still(world.app), {
      tenantId: world.tenantId,
      actor: await world.actor('mona'),
      tool: 'approval_decide',
      input: { approval_id: asked.approvalId, decision: 'approve', version: 1 },
    });
    expect(await state(asked.callId)).toBe('ready');
    const leaving = await leaves('bob');
    const running = run(asked.callId);
    await eventually(
      async () => (await waitsForLock()) || (await state(asked.callId)) !== 'ready',
      'the execution has come to the person',
    );
    expect(await state(asked.callId)).toBe('ready');
    await leaving.end();
    await running;
    expect(['denied', 'withdrawn']).toContain(await state(asked.callId));
    expect(await world.sql`select from mandates where call_id = ${asked.callId}`).toHaveLength(0);
  });
});

test('law 2: a mandate that is being born while its principal loses the group is frozen with the others', async () => {
  const agent = await world.agent('born-bot', 'mona');
  // Delays its row while it is being written. Everything that it depends on has been read by then.
  await world.sql.unsafe(`
    create function held_back() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(4711); return new; end $$;
    create trigger held_back before insert on mandates for each row execute function held_back()`);
  const holder = await world.sql.reserve();
  await holder`select pg_advisory_lock(4711)`;
  const waiting = () =>
    world.sql`select from pg_locks where locktype = 'advisory' and objid = 4711 and not granted`;
  const born = world.as(await world.actor('mona'), 'mandate_create', {
    agent: agent.id,
    scopes: ['okta.mfa.reset'],
    resources: ['team'],
    days: 7,
    purpose: 'while the group goes',
  });
  await eventually(async () => (await waiting()).length > 0, 'the mandate is about to be written');
  const [group] = await world.sql<
    { id: string; removals: number }[]
  >`select id, removals from groups where name = 'Managers'`;
  const left = await world.sql<{ uid: string }[]>`
    select p.uid from memberships m join people p on p.id = m.person_id where m.group_id = ${group!.id} and p.email <> 'mona@acme.example'`;
  let removed = false;
  const remove = () =>
    transact(world.app, world.tenantId, async (ctx) =>
      changeMembers(
        ctx,
        group!,
        await memberChanges(
          ctx,
          'okta',
          group!.id,
          left.map(({ uid }) => uid),
        ),
        'okta:system-log',
      ),
    );
  const removal = (async () => {
    await remove();
    removed = true;
  })();
  await eventually(async () => removed || (await waitsForLock()), 'the removal has come to the person');
  await holder`select pg_advisory_unlock(4711)`;
  holder.release();
  await removal;
  const outcome = await born;
  await world.sql.unsafe('drop trigger held_back on mandates');
  const rows = await world.sql<{ state: string }[]>`
    select state from mandates where agent_id = ${agent.id}`;
  // Either it was not created, or it is frozen like the others.
  expect([outcome.status, rows.map((row) => row.state)]).toEqual([
    outcome.status,
    outcome.status === 'done' ? ['frozen'] : [],
  ]);
});

test('law 3: a transaction that is refused at its commit leaves no job, and one that is committed leaves its own', async () => {
  await world.sql.unsafe(`
    create table refused_at_commit (one int); grant insert on refused_at_commit to public;
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused at the commit'; end $$;
    create constraint trigger refuse after insert on refused_at_commit deferrable initially deferred for each row execute function refuse()`);
  const enqueue = (marker: string, refused: boolean) =>
    transact(world.app, world.tenantId, async (ctx) => {
      ctx.enqueue('expire-approval', { approval: marker });
      if (refused) await ctx.db.execute('insert into refused_at_commit values (1)');
    });
  const jobs = async (marker: string) =>
    (
      await world.sql`select from pgboss.job where name = 'expire-approval' and data ->> 'approval' = ${marker}`
    ).length;
  // What our own functions raise may quote values, so only the SQLSTATE is reported.
  await expect(enqueue('apr_refused', true)).rejects.toMatchObject({
    code: 'P0001',
    routine: 'exec_stmt_raise',
  });
  await enqueue('apr_committed', false);
  expect([await jobs('apr_refused'), await jobs('apr_committed')]).toEqual([0, 1]);
});

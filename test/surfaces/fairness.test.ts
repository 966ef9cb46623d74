import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql as text } from 'drizzle-orm';
import { openDatabase, SERVER_ROLE } from '#db/pool.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { browse, transact } from '#engine/transact.ts';
import { eventually, openWorld, type World } from '../support/world.ts';

// So long that nothing here happens because time has passed.
const LONG = 600_000;

let world: World;
let checkpoints: string;
beforeAll(async () => {
  world = await openWorld({ browsing: { places: 2, line: 3, waitMs: LONG, statementMs: LONG } });
  checkpoints = `${world.url}/v1/ledger/checkpoints?tenant=${world.tenantId}`;
});
afterAll(() => world.close());

const keyFor = async (scope: string, source: string | null = null) =>
  (
    await transact(world.app, world.tenantId, (ctx) =>
      createApiKey(ctx, 'sandbox', { name: scope, scopes: [scope], ...(source === null ? {} : { source }) }),
    )
  ).presented;
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

const LISTS = [
  ['/v1/calls', 'calls:read'],
  ['/v1/approvals', 'calls:read'],
  ['/v1/ledger', 'ledger:read'],
  ['/v1/ledger/export', 'ledger:read'],
] as const;
const TOOLS = [
  ['mandate_list', {}],
  ['approval_list', {}],
  ['agent_list', {}],
  ['who_can', { tool: 'okta_reset_mfa', input: { person: 'ann@acme.example' } }],
  ['policy_try', { text: '', days: 1 }],
] as const;

/**
 * Makes every read of the checkpoints hang while `meanwhile` runs, or until it calls what it gets. Nothing
 * else reads them.
 */
async function holding(meanwhile: (free: () => Promise<void>) => Promise<void>): Promise<void> {
  const session = await world.sql.reserve();
  let held = true;
  const free = async () => {
    if (held) await session`rollback`;
    held = false;
  };
  try {
    await session`begin`;
    await session`lock table ledger_checkpoints in access exclusive mode`;
    await meanwhile(free);
  } finally {
    await free();
    session.release();
  }
}

const hanging = async () =>
  Number(
    (
      await world.sql`select count(*) as n from pg_stat_activity
                       where wait_event_type = 'Lock' and query like '%ledger_checkpoints%'`
    )[0]?.['n'],
  );

/** Sends this many requests for a list that hangs, until those that may are at the database. */
async function hang(count: number) {
  const sent = Array.from({ length: count }, () => {
    const gone = new AbortController();
    const answer = fetch(checkpoints, { signal: gone.signal }).then(
      ({ status }) => status,
      () => 'gone' as const,
    );
    return { leave: () => gone.abort(), answer };
  });
  await eventually(async () => (await hanging()) === Math.min(count, 2), 'lists hang');
  return sent;
}

describe('while lists hang on the database', () => {
  test('tokens, changes, freezes and reads by key are answered', async () => {
    const agent = await world.agent('fair-bot', 'carl');
    const mandate = await world.mandate('bob', agent);
    const introspect = await keyFor('introspect');
    const verify = await keyFor('verify');
    await holding(async (free) => {
      const lists = await hang(5);

      const token = await world.token(agent, 'bob', mandate);
      const active = async () => {
        const body = new URLSearchParams({ token });
        const at = `${world.url}/t/${world.tenantId}/oauth2/introspect`;
        const answer = await fetch(at, { method: 'POST', body, ...bearer(introspect) });
        return ((await answer.json()) as { active: boolean }).active;
      };
      expect(await active()).toBe(true);
      const checked = await fetch(`${world.url}/v1/verify`, {
        method: 'POST',
        headers: { ...bearer(verify).headers, 'content-type': 'application/json' },
        body: JSON.stringify({
          agent: 'fair-bot',
          principal: 'bob@acme.example',
          action: 'okta.mfa.reset',
          resource: 'person:ann@acme.example',
        }),
      });
      expect(checked.status).toBe(200);
      const bob = await world.actor('bob');
      expect(await world.as(bob, 'mandate_show', { mandate_id: mandate })).toMatchObject({ status: 'done' });
      const dana = await world.actor('dana');
      const frozen = await world.as(dana, 'freeze_apply', {
        target: agent.name,
        reason: 'lists must not hold this up',
      });
      expect(frozen).toMatchObject({ status: 'done' });
      expect(await active()).toBe(false);
      const revoked = await world.as(bob, 'mandate_revoke', { mandate_id: mandate, reason: 'nor this' });
      expect(revoked).toMatchObject({ status: 'done' });

      expect(await hanging()).toBe(2);
      await free();
      expect(await Promise.all(lists.map(({ answer }) => answer))).toEqual([200, 200, 200, 200, 200]);
    });
  });

  test('one more than the line holds is refused, in the words of each interface', async () => {
    await holding(async (free) => {
      const lists = await hang(5);
      // The line is full once one more is refused. Those who were not, are in it.
      const refused = await eventually(async () => {
        const gone = AbortSignal.timeout(2000);
        const answer = await fetch(checkpoints, { signal: gone }).catch(() => null);
        return answer?.status === 503 ? answer : null;
      }, 'a list is refused');
      expect(refused.headers.get('retry-after')).toBe('5');
      expect(await refused.json()).toMatchObject({
        code: 'unavailable',
        reason: 'busy',
        detail: 'Too many lists and searches are running. Try again in a few seconds.',
      });

      const scim = await fetch(`${world.url}/v1/scim/v2/Users`, bearer(await keyFor('scim', 'okta')));
      expect([scim.status, scim.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await scim.json()).toMatchObject({
        schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
        status: '503',
      });
      for (const [path, scope] of LISTS) {
        const answer = await fetch(`${world.url}${path}`, bearer(await keyFor(scope)));
        expect([path, answer.status]).toEqual([path, 503]);
      }
      for (const [tool, input] of TOOLS)
        await expect(world.as(await world.actor('dana'), tool, input)).rejects.toMatchObject({
          code: 'unavailable',
          detail: { reason: 'busy' },
        });

      await free();
      expect(await Promise.all(lists.map(({ answer }) => answer))).toEqual([200, 200, 200, 200, 200]);
    });
  });

  test('a client that goes away frees its place, and what it asked for is cancelled', async () => {
    await holding(async (free) => {
      const [first, second] = await hang(2);
      const calls = fetch(`${world.url}/v1/calls`, bearer(await keyFor('calls:read')));
      expect(await hanging()).toBe(2);
      first?.leave();
      expect((await calls).status).toBe(200);
      await eventually(async () => (await hanging()) === 1, 'the statement is cancelled');
      await free();
      expect(await second?.answer).toBe(200);
    });
  });
});

test('a read that takes too long is stopped, and the answer says to ask for less', async () => {
  const database = openDatabase(world.ownerUrl, { role: SERVER_ROLE, browsing: { statementMs: 50 } });
  try {
    const slow = browse({ ...world.app, database }, world.tenantId, undefined, (reader) =>
      reader.db.execute(text`select pg_sleep(600)`),
    );
    await expect(slow).rejects.toMatchObject({ code: 'unavailable', detail: { reason: 'too_slow' } });
    const [row] = await browse({ ...world.app, database }, world.tenantId, undefined, (reader) =>
      reader.db.execute(text`select current_setting('statement_timeout') as longest`),
    );
    expect(row).toEqual({ longest: '50ms' });
  } finally {
    await database.close();
  }
});

test('only the transaction that was given up is cancelled, not what its connection does later', async () => {
  const session = await world.sql.reserve();
  try {
    const [mine] = await session<{ pid: number }[]>`select pg_backend_pid() as pid`;
    await session`begin`;
    const stop = await world.sql<{ stopped: boolean }[]>`
      select stop_statement(${mine!.pid}, now() - interval '1 microsecond') as stopped`;
    expect(stop[0]?.stopped).toBe(false);
    await session`rollback`;
  } finally {
    session.release();
  }
});

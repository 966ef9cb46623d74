import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { ledgerLines } from '#domain/ledger/append.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { revokeMandateTree } from '#domain/mandate/revoke.ts';
import type { App } from '#engine/app.ts';
import { transact } from '#engine/transact.ts';
import { sha256 } from '#lib/crypto.ts';
import { newId } from '#lib/id.ts';
import { cpuMicros } from '../harness/channel.ts';
import type { Fixtures } from './fixtures.ts';

/**
 * Work whose cost is mostly the database's. Each method returns the CPU microseconds of one operation, in
 * this process and in PostgreSQL.
 */
export interface LedgerWork {
  /** Revokes a tree of this many mandates, or updates as many rows with one statement. */
  cascade(what: 'ours' | 'floor', mandates: number): Promise<number>;
  /** Appends this many entries in one transaction, or inserts as many given rows. */
  append(what: 'ours' | 'floor', entries: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * The CPU time of another process so far, in microseconds, from the first number of Linux's schedstat
 * (proc(5)), which is in nanoseconds.
 */
function cpuOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
}

/**
 * Prepares the work. Requires Linux, with PostgreSQL on the same machine. The owner's connection runs the
 * floors and restores rows.
 */
export function prepareLedger(app: App, fixtures: Fixtures, ownerUrl: string): LedgerWork {
  const { tenantId } = fixtures;
  const owner = postgres(ownerUrl, { max: 1, onnotice: () => {} });
  let tree: Promise<string[]> | null = null;
  let copied = false;

  /**
   * Runs `work` in a transaction of ours. Returns what its backend and this process used, in microseconds.
   */
  async function ours(work: Parameters<typeof transact>[2]): Promise<number> {
    let backend = 0;
    const meter = { here: 0, there: 0 };
    await transact(app, tenantId, async (ctx) => {
      const [row] = await ctx.db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
      backend = row?.pid ?? 0;
      meter.there = cpuOf(backend);
      meter.here = cpuMicros();
      await work(ctx);
    });
    return cpuMicros() - meter.here + cpuOf(backend) - meter.there;
  }

  /** The same for a statement of the owner, to whom row-level security does not apply. */
  async function plain(work: () => Promise<unknown>): Promise<number> {
    const [row] = await owner<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const pid = row?.pid ?? 0;
    const [here, there] = [cpuMicros(), cpuOf(pid)];
    await work();
    return cpuMicros() - here + cpuOf(pid) - there;
  }

  return {
    cascade: async (what, mandates) => {
      const ids = await (tree ??= plant(owner, fixtures, mandates));
      await owner`update mandates set state = 'active', reason = null, ended_at = null where tenant_id = ${tenantId} and id = any(${ids})`;
      await owner`vacuum analyze mandates`;
      if (what === 'floor') {
        return plain(
          () => owner`
            update mandates set state = 'revoked', reason = 'measured', epoch = epoch + 1, ended_at = now()
             where tenant_id = ${tenantId} and id = any(${ids})`,
        );
      }
      let ended = 0;
      const spent = await ours(async (ctx) => {
        ended = (await revokeMandateTree(ctx, ids[0] ?? '', { actor: 'benchmark', reason: 'measured' }))
          .length;
      });
      await dropNotices(owner);
      if (ended !== ids.length) throw new Error(`${ended} of ${ids.length} mandates were revoked`);
      return spent;
    },
    append: async (what, count) => {
      const entries = Array.from({ length: count }, (): NewEntry => ({
        event: 'CALL_SUCCEEDED',
        actor: fixtures.agentId,
        data: {
          call_id: newId('call'),
          tool: 'okta_reset_mfa',
          principal: fixtures.principalId,
          mandate_id: fixtures.mandateId,
          targets: [fixtures.targetId],
        },
      }));
      if (what === 'ours') {
        const spent = await ours((ctx) => {
          for (const entry of entries) ctx.record(entry);
          return Promise.resolve();
        });
        return spent / count;
      }
      if (!copied) await owner`create table bench_ledger (like ledger including all)`;
      copied = true;
      const tenant = newId('tnt');
      const { at, json } = ledgerLines(new Date(), entries);
      const hash = sha256(tenant);
      const spent = await plain(
        () => owner`
          insert into bench_ledger (tenant_id, seq, id, at, event, actor, data, prev_hash, hash, things)
          select ${tenant}, n, i, ${at}::timestamptz, e, a, d::jsonb, ${hash}, encode(sha256(i::bytea), 'hex'), string_to_array(t, chr(31))
            from rows from (json_to_recordset(${json}::text::json) as (i text, e text, a text, d json, t text)) with ordinality as row(i, e, a, d, t, n)`,
      );
      return spent / count;
    },
    close: () => owner.end({ timeout: 5 }),
  };
}

/**
 * The notices of a revocation are another operation and must not run into the next measurement. Drops those
 * that have not begun, and waits for the others.
 */
async function dropNotices(owner: postgres.Sql): Promise<void> {
  for (;;) {
    await owner`delete from pgboss.job where data ->> 'fact' = 'mandate.revoked' and state <> 'active'`;
    const [begun] = await owner`select 1 from pgboss.job where data ->> 'fact' = 'mandate.revoked'`;
    if (begun === undefined) return;
    await sleep(50);
  }
}

/**
 * Inserts a tree of mandates under the fixture's agent, ten below each. Returns their ids, the root first.
 */
async function plant(owner: postgres.Sql, fixtures: Fixtures, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId('mdt'));
  const parents = ids.map((_, index) => (index === 0 ? null : (ids[Math.floor((index - 1) / 10)] ?? null)));
  await owner`
    insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, parent_id, depth, call_id, starts_at, expires_at)
    select m.tenant_id, n.id, m.principal_id, m.agent_id, m.scopes, m.resources, m.purpose, n.parent, 9, m.call_id, m.starts_at, m.expires_at
      from mandates m, unnest(${ids}::text[], ${parents}::text[]) as n(id, parent)
     where m.tenant_id = ${fixtures.tenantId} and m.id = ${fixtures.mandateId}`;
  return ids;
}

import { sql } from 'drizzle-orm';
import type { NewEntry } from '#domain/ledger/entry.ts';
import type { App } from './app.ts';
import { transact } from './transact.ts';

/** Something that may happen once only: a client assertion's `jti`, a Slack signature. `key` is a digest. */
export interface Once {
  readonly key: string;
  readonly expiresAt: Date;
}

/** Ledger entries that stand alone (reads, denials, tokens): many requests share one transaction. */
export interface LedgerBatch {
  /**
   * Resolves when the entry has committed: the caller's answer waits for it (law 11). With `once`, resolves `false`, and writes
   * no entry, where that key was used before, by any process; exactly one of many concurrent callers gets `true`.
   */
  add(tenantId: string, entry: NewEntry, once?: Once): Promise<boolean>;
}

interface Waiting {
  readonly entry: NewEntry;
  readonly once: Once | undefined;
  resolve(fresh: boolean): void;
  reject(error: unknown): void;
}

/** Collects while the tenant's last batch is being written, so that a busy tenant pays for one head lock a batch, not a request. */
export function createLedgerBatch(app: Pick<App, 'database' | 'queue' | 'now' | 'subscribers'>): LedgerBatch {
  const waiting = new Map<string, Waiting[]>();
  const flushing = new Set<string>();

  async function flush(tenantId: string): Promise<void> {
    flushing.add(tenantId);
    for (let batch = waiting.get(tenantId); batch !== undefined; batch = waiting.get(tenantId)) {
      waiting.delete(tenantId);
      await write(app, tenantId, batch);
    }
    flushing.delete(tenantId);
  }

  return {
    add: (tenantId, entry, once) =>
      new Promise((resolve, reject) => {
        const line = { entry, once, resolve, reject };
        const batch = waiting.get(tenantId);
        if (batch === undefined) waiting.set(tenantId, [line]);
        else batch.push(line);
        if (!flushing.has(tenantId))
          setImmediate(() => void (flushing.has(tenantId) ? undefined : flush(tenantId)));
      }),
  };
}

async function write(
  app: Pick<App, 'database' | 'queue' | 'now' | 'subscribers'>,
  tenantId: string,
  batch: readonly Waiting[],
): Promise<void> {
  try {
    const fresh = await transact(app, tenantId, async (ctx) => {
      const spent = await spend(ctx, batch);
      const answers = batch.map((line) => line.once === undefined || spent.delete(line.once.key));
      batch.forEach((line, index) => answers[index] === true && ctx.record(line.entry));
      return answers;
    });
    batch.forEach((line, index) => line.resolve(fresh[index] === true));
  } catch (error) {
    for (const line of batch) line.reject(error);
  }
}

/** The keys that were not used before now. A second line with the same key in one batch finds it deleted, and loses. */
async function spend(
  ctx: Parameters<Parameters<typeof transact>[2]>[0],
  batch: readonly Waiting[],
): Promise<Set<string>> {
  const keys = new Map(
    batch.flatMap((line) => (line.once === undefined ? [] : [[line.once.key, line.once.expiresAt] as const])),
  );
  if (keys.size === 0) return new Set();
  const rows = await ctx.db.execute<{ key: string }>(sql`
    insert into replays (tenant_id, key, expires_at)
    select ${ctx.tenantId}, k, e::timestamptz from unnest(${sql.param([...keys.keys()])}::text[], ${sql.param([...keys.values()].map((at) => at.toISOString()))}::text[]) as t(k, e)
    on conflict do nothing returning key`);
  return new Set(rows.map((row) => row.key));
}

import { reach } from '#db/reach.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { appendAlone, type LoneEntry, type Once } from '#domain/ledger/store.ts';
import type { App } from './app.ts';
import { retryVictims } from './transact.ts';

/** Ledger entries that stand alone (reads, denials, tokens): many requests share one transaction. */
export interface LedgerBatch {
  /**
   * Resolves when the entry has committed: the caller's answer waits for it (law 11). With `once`, resolves `false`, and writes
   * no entry, where that key was used before, by any process; exactly one of many concurrent callers gets `true`.
   */
  add(tenantId: string, entry: NewEntry, once?: Once): Promise<boolean>;
}

interface Waiting extends LoneEntry {
  resolve(fresh: boolean): void;
  reject(error: unknown): void;
}

/** Collects while the tenant's last batch is being written, so that a busy tenant pays for one head lock a batch, not a request. */
export function createLedgerBatch(app: Pick<App, 'database' | 'now'>): LedgerBatch {
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
  app: Pick<App, 'database' | 'now'>,
  tenantId: string,
  batch: readonly Waiting[],
): Promise<void> {
  try {
    const fresh = await retryVictims(() => reach(appendAlone(app.database.sql, tenantId, app.now(), batch)));
    batch.forEach((line, index) => line.resolve(fresh[index] === true));
  } catch (error) {
    for (const line of batch) line.reject(error);
  }
}

import { reachInTime } from '#db/reach.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { appendAlone, type LoneEntry, type Once } from '#domain/ledger/store.ts';
import { gather } from '#lib/gather.ts';
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

/** Collects while the tenant's last batch is being written, so that a busy tenant pays for one head lock a batch, not a request. */
export function createLedgerBatch(app: Pick<App, 'database' | 'now'>): LedgerBatch {
  const add = gather<LoneEntry, boolean>((tenantId, lines) =>
    retryVictims(() => reachInTime(appendAlone(app.database.sql, tenantId, app.now(), lines))),
  );
  return { add: (tenantId, entry, once) => add(tenantId, { entry, once }) };
}

import { reachInTime } from '#db/reach.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { appendAlone, type LoneEntry, type Once } from '#domain/ledger/store.ts';
import { gather } from '#lib/gather.ts';
import type { App } from './app.ts';
import { retryVictims } from './transact.ts';

/** Ledger entries that stand alone (reads, denials, tokens): many requests share one transaction. */
export interface LedgerBatch {
  /**
   * Resolves with null when the entry has committed: the caller's answer waits for it (law 11). With `once`, that uses up every key of it;
   * where one was used before, by any process, no entry is written, none is used up, and that key is the answer. So exactly one of many
   * concurrent callers with a key gets null.
   */
  add(tenantId: string, entry: NewEntry, once?: readonly Once[]): Promise<string | null>;
}

/** Collects while the tenant's last batch is being written, so that a busy tenant pays for one head lock a batch, not a request. */
export function createLedgerBatch(app: Pick<App, 'database' | 'now'>): LedgerBatch {
  const add = gather<LoneEntry, string | null>((tenantId, lines) =>
    retryVictims(() => reachInTime(appendAlone(app.database.sql, tenantId, app.now(), lines))),
  );
  return { add: (tenantId, entry, once = []) => add(tenantId, { entry, once }) };
}

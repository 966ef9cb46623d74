import { reachInTime } from '#db/reach.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import { appendAlone, type LoneEntry, type Once } from '#domain/ledger/store.ts';
import { gather } from '#lib/gather.ts';
import type { App } from './app.ts';
import { retryVictims } from './transact.ts';

/**
 * Writes ledger entries that need no other change (reads, denials, tokens). Many requests share one
 * transaction.
 */
export interface LedgerBatch {
  /**
   * Resolves when the entry has committed, so the caller answers only then (law 11). Resolves with null if it
   * was written.
   *
   * `once` lists keys that can be used one time each. If any was used before, by any process, nothing is
   * written, no key is used up, and the call resolves with that key. So exactly one of many concurrent
   * callers gets null.
   */
  add(tenantId: string, entry: NewEntry, once?: readonly Once[]): Promise<string | null>;
}

/**
 * Collects entries while the tenant's last batch is being written, so a busy tenant locks its ledger head
 * once per batch, not per request.
 */
export function createLedgerBatch(app: Pick<App, 'database' | 'now'>): LedgerBatch {
  const add = gather<LoneEntry, string | null>((tenantId, lines) =>
    retryVictims(() => reachInTime(appendAlone(app.database.sql, tenantId, app.now(), lines))),
  );
  return { add: (tenantId, entry, once = []) => add(tenantId, { entry, once }) };
}

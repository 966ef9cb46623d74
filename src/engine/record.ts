import { reachInTime } from '#db/reach.ts';
import { appendAlone, type LoneEntry } from '#domain/ledger/store.ts';
import { gather } from '#lib/gather.ts';
import type { App, LedgerBatch } from './app.ts';
import { retryVictims } from './transact.ts';

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

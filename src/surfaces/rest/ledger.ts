import { z } from 'zod';
import { actorName } from '#domain/actor.ts';
import { ledgerEntries } from '#domain/ledger/store.ts';
import type { LedgerEntry } from '#domain/ledger/entry.ts';
import type { App } from '#engine/app.ts';
import { readonly } from '#engine/transact.ts';
import { Fault } from '#lib/fault.ts';
import type { Caller } from './authenticate.ts';
import type { LedgerQuery } from './query.ts';

/** What an API key needs to read the ledger. */
export const LEDGER_SCOPE = 'ledger:read';

/** An entry exactly as it was hashed (src/domain/ledger/entry.ts). */
export const LedgerLine = z.object({
  tenant: z.string(),
  seq: z.number(),
  id: z.string(),
  at: z.iso.datetime(),
  event: z.string(),
  actor: z.string(),
  data: z.record(z.string(), z.unknown()),
  prev_hash: z.string(),
  hash: z.string(),
});

const PAGE = 1000;

/** A page of the ledger, oldest first. Fault `forbidden` without the scope. */
export async function listLedger(app: App, caller: Caller, query: z.infer<typeof LedgerQuery>) {
  requireLedgerScope(caller);
  const rows = await readonly(app, caller.tenantId, (reader) =>
    ledgerEntries(reader, query.cursor, query.limit + 1, query.event),
  );
  const entries = rows.slice(0, query.limit);
  return {
    entries,
    next_cursor: rows.length > entries.length ? String(entries.at(-1)?.seq ?? query.cursor) : null,
  };
}

/**
 * The whole ledger as NDJSON, one entry a line, oldest first, read page by page while the client takes it. The export is itself an
 * entry, committed before the first byte; it ends with what stood there then. A failure on the way breaks the connection off: a
 * file that ended well is whole.
 */
export async function exportLedger(app: App, caller: Caller): Promise<Response> {
  requireLedgerScope(caller);
  await app.ledgerBatch.add(caller.tenantId, {
    event: 'ledger_exported',
    actor: actorName(caller.actor),
    data: { surface: 'rest', ...('keyId' in caller.actor ? { key_id: caller.actor.keyId } : {}) },
  });
  const encoder = new TextEncoder();
  let after = 0;
  let done = false;
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const entries: LedgerEntry[] = done
        ? []
        : await readonly(app, caller.tenantId, (reader) => ledgerEntries(reader, after, PAGE));
      after = entries.at(-1)?.seq ?? after;
      done = entries.length < PAGE;
      if (entries.length > 0)
        controller.enqueue(encoder.encode(entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')));
      if (done) controller.close();
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'application/x-ndjson',
      'content-disposition': 'attachment; filename="ledger.ndjson"',
    },
  });
}

function requireLedgerScope({ keyScopes, actor }: Caller): void {
  if (keyScopes.includes(LEDGER_SCOPE)) return;
  const who = actor.kind === 'service' ? 'This API key lacks' : 'The ledger is read with an API key that has';
  throw new Fault('forbidden', `${who} the scope ${LEDGER_SCOPE}. An administrator can create such a key.`, {
    detail: { required_scope: LEDGER_SCOPE },
  });
}

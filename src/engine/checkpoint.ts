import { signCheckpoint } from '#domain/ledger/checkpoint.ts';
import { insertCheckpoint, listCheckpoints, type KeptCheckpoint } from '#domain/ledger/checkpoint-store.ts';
import { ledgerHead } from '#domain/ledger/store.ts';
import { createSigningKeys } from '#domain/token/keys/signing-keys.ts';
import { Fault } from '#lib/fault.ts';
import type { App } from './app.ts';
import { readonly, transact } from './transact.ts';

/** The queue of the job that signs the head of a tenant's ledger. */
export const CHECKPOINT_LEDGER = 'checkpoint-ledger';

/**
 * Signs the committed head of the tenant's ledger with the tenant's signing key, stores the checkpoint and
 * returns it. Returns the last checkpoint if the ledger has not grown since, so an idle tenant adds none.
 * Throws Fault `not_found` for a tenant without a ledger.
 */
export async function checkpointLedger(app: App, tenantId: string): Promise<KeptCheckpoint> {
  const { head, last } = await readonly(app, tenantId, async (reader) => ({
    head: await ledgerHead(reader),
    last: (await listCheckpoints(reader, null, 1))[0],
  }));
  if (head === null) throw new Fault('not_found', 'There is no ledger.');
  if (last?.seq === head.seq) return last;
  const keys = createSigningKeys({
    read: (tenant, work) => readonly(app, tenant, work),
    secrets: app.secrets,
    now: app.now,
  });
  const at = app.now();
  const jws = signCheckpoint(
    { tenant: tenantId, seq: head.seq, hash: head.hash, at: at.toISOString() },
    await keys.signer(tenantId),
  );
  const checkpoint = { seq: head.seq, hash: head.hash, at, jws };
  await transact(app, tenantId, (ctx) => insertCheckpoint(ctx, checkpoint));
  return { tenantId, ...checkpoint };
}

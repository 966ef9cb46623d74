import { z } from 'zod';
import { forgetDepartures } from '#domain/breaker/store.ts';
import { forgetRepeats } from '#domain/call/repeats.ts';
import { stuckCalls } from '#domain/call/store.ts';
import { forgetSignIns } from '#domain/sign-in/store.ts';
import { retireOldSigningKeys } from '#domain/token/keys/rotate-signing-key.ts';
import { forgetReplays } from '#domain/token/store.ts';
import { forgetVerifiedUses } from '#domain/verify/store.ts';
import type { App } from '#engine/app.ts';
import { defineJob } from '#engine/job.ts';
import { EXECUTE_CALL } from '#engine/saved-call.ts';
import { SWEEP } from '#engine/set-up.ts';
import { readonly, transact } from '#engine/transact.ts';

// An open call that has not changed for this long has no job left.
const STUCK_MS = 600_000;

export default defineJob({
  queue: SWEEP,
  data: z.object({}),
  concurrency: 1,
  retryLimit: 3,
  retryDelaySeconds: 60,
  givenUp: 'alarm',
  run: (app, tenantId) => sweep(app, tenantId),
});

/**
 * Cleans up one tenant, every few minutes. Deletes what can no longer be replayed or repeated, and sign-ins
 * that have ended. Retires signing keys that no valid token depends on. Sends calls again that are ready or
 * running but have not changed for ten minutes: their job ran out of tries while the database or Okta was
 * down.
 */
export async function sweep(app: App, tenantId: string): Promise<void> {
  await transact(app, tenantId, async (ctx) => {
    await forgetReplays(ctx);
    await forgetDepartures(ctx);
    await forgetVerifiedUses(ctx);
    await forgetRepeats(ctx);
  });
  await transact(app, tenantId, forgetSignIns);
  await transact(app, tenantId, retireOldSigningKeys);
  const stuck = await readonly(app, tenantId, (reader) =>
    stuckCalls(reader, new Date(reader.now.getTime() - STUCK_MS), 500),
  );
  for (const id of stuck) await app.queue.send(EXECUTE_CALL, { tenant: tenantId, call: id });
}

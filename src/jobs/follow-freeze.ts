import { z } from 'zod';
import { FOLLOW_FREEZE, followFreeze, type Following } from '#domain/freeze/follow.ts';
import type { App } from '#engine/app.ts';
import { defineJob } from '#engine/job.ts';
import { transact } from '#engine/transact.ts';

export default defineJob({
  queue: FOLLOW_FREEZE,
  data: z.object({
    doing: z.enum(['freeze', 'lift']),
    target: z.string(),
    actor: z.string(),
    reason: z.string(),
    until: z.string(),
    step: z.enum(['mandates', 'calls']),
    after: z.string(),
  }),
  concurrency: 2,
  retryLimit: 50,
  retryDelaySeconds: 5,
  givenUp: 'alarm',
  run: followFreezeToTheEnd,
});

/**
 * Updates mandates and waiting calls after a freeze, or its lifting, that was too large for one transaction.
 * Works in pieces, each committed separately. Records `FREEZE_COMPLETED` at the end, unless the opposite was
 * done meanwhile; then the job of that one continues.
 */
async function followFreezeToTheEnd(
  app: App,
  tenantId: string,
  first: Following,
  signal: AbortSignal,
): Promise<void> {
  let [mandates, calls] = [0, 0];
  let next: Following | null = first;
  while (next !== null) {
    signal.throwIfAborted();
    const at: Following = next;
    const before = { mandates, calls };
    const done = await transact(app, tenantId, async (ctx) => {
      const piece = await followFreeze(ctx, at);
      if (piece.next === null && !piece.stopped)
        ctx.record({
          event: 'FREEZE_COMPLETED',
          actor: at.actor,
          data: {
            target: at.target,
            doing: at.doing,
            mandates: before.mandates + piece.mandates.length,
            calls: before.calls + piece.calls,
          },
        });
      return piece;
    });
    mandates += done.mandates.length;
    calls += done.calls;
    next = done.next;
  }
}

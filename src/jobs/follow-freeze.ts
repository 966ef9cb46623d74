import type { JobData } from '#db/queue.ts';
import { followFreeze, type Following } from '#domain/freeze/follow.ts';
import type { App } from '#engine/app.ts';
import { transact } from '#engine/transact.ts';

/**
 * Updates mandates and waiting calls after a freeze, or its lifting, that was too large for one transaction.
 * Works in pieces, each committed separately. Records `FREEZE_COMPLETED` at the end, unless the opposite was
 * done meanwhile; then the job of that one continues.
 */
export async function followFreezeToTheEnd(
  app: App,
  tenantId: string,
  data: JobData,
  signal: AbortSignal,
): Promise<void> {
  const text = (field: keyof Following) => String(data[field] ?? '');
  let [mandates, calls] = [0, 0];
  let next: Following | null = {
    doing: text('doing') === 'lift' ? 'lift' : 'freeze',
    step: text('step') === 'calls' ? 'calls' : 'mandates',
    target: text('target'),
    actor: text('actor'),
    reason: text('reason'),
    until: text('until'),
    after: text('after'),
  };
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

import { endAlarm, raiseAlarm } from '#domain/alarm/store.ts';
import { noteSync } from '#domain/tenant/connection.ts';
import type { App } from '#engine/app.ts';
import { SYNC_DIRECTORY } from '#engine/set-up.ts';
import { transact } from '#engine/transact.ts';
import type { JobData } from '#db/queue.ts';
import { inShort } from '#lib/in-short.ts';
import type { SyncRun } from './sync-directory.ts';

const WORK = { queue: SYNC_DIRECTORY, subject: '' };

/**
 * Records the end of a run in the ledger. Alerts the IT admins if the provider refused a part, and ends the
 * alarm once it no longer does.
 */
export async function saveOutcome({ app, tenantId, link, actor, begun, report }: SyncRun): Promise<void> {
  const missing = Object.entries(report.missing).map(([what, why]) => `${what}: ${why}`);
  await transact(app, tenantId, async (ctx) => {
    await noteSync(ctx, link.vendor, { ...report }, missing.length > 0 ? null : { begun });
    const event = missing.length > 0 ? 'sync_failed' : 'sync_completed';
    ctx.record({ event, actor, data: { ...report } });
    if (missing.length > 0) await raiseAlarm(ctx, WORK, missing.join('\n'));
    else await endAlarm(ctx, WORK);
  });
}

/**
 * Records a run that failed for the last time as `sync_failed` with the reason, and alerts the IT admins. The
 * next run follows the schedule.
 */
export async function syncGivenUp(app: App, tenantId: string, _data: JobData, error: unknown): Promise<void> {
  const reason = inShort(error);
  await transact(app, tenantId, async (ctx) => {
    ctx.record({ event: 'sync_failed', actor: 'prokura', data: { reason } });
    await raiseAlarm(ctx, WORK, reason);
  });
}

import { raiseAlarm } from '#domain/alarm/store.ts';
import { newId } from '#lib/id.ts';
import { inShort } from '#lib/in-short.ts';
import type { App } from './app.ts';
import { EXECUTE_CALL } from './saved-call.ts';
import { lockCall, settle } from './settle-call.ts';
import { transact } from './transact.ts';

/**
 * Ends a call that failed and that no retry will help, and alerts the IT admins. A running act is not ended
 * but left to the sweep, which sends it again: it may have taken effect, and a suspension is never abandoned
 * (law 9).
 */
export async function giveUpCall(app: App, tenantId: string, callId: string, error: unknown): Promise<void> {
  const errorId = newId('err');
  app.log.error({ error_id: errorId, call: callId, cause: inShort(error) }, 'a call is given up');
  await transact(app, tenantId, async (ctx) => {
    const row = await lockCall(ctx, callId);
    if (row === null) return;
    await raiseAlarm(
      ctx,
      { queue: EXECUTE_CALL, subject: callId },
      `${row.summary}: ${inShort(error)} (error ${errorId})`,
    );
    if (row.state === 'running') return;
    await settle(ctx, row, 'failed', {
      error: {
        code: 'internal',
        message: `This failed several times because of an internal error, and nothing was changed. IT admins have been notified: error ${errorId}.`,
      },
    });
  });
}

import type { JobData } from '#db/queue.ts';
import { reevaluatePiece } from '#domain/group/reevaluate.ts';
import type { App } from '#engine/app.ts';
import { transact } from '#engine/transact.ts';

/**
 * Updates the mandates of some people to what their groups give now, where the transaction that changed the
 * groups left too much to do.
 */
export async function reevaluateAuthorityPiece(app: App, tenantId: string, data: JobData): Promise<void> {
  const people = String(data['people'] ?? '').split(' ');
  const actor = String(data['actor'] ?? 'prokura');
  const [part, of] = [Number(data['part']), Number(data['of'])];
  await transact(app, tenantId, (ctx) => reevaluatePiece(ctx, { people, actor, part, of }));
}

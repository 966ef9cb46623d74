import { z } from 'zod';
import { REEVALUATE_AUTHORITY, reevaluatePiece } from '#domain/group/reevaluate.ts';
import { defineJob } from '#engine/job.ts';
import { transact } from '#engine/transact.ts';

/**
 * Updates the mandates of some people to what their groups give now, where the transaction that changed the
 * groups left too much to do.
 */
export default defineJob({
  queue: REEVALUATE_AUTHORITY,
  data: z.object({
    people: z.string().transform((ids) => ids.split(' ')),
    actor: z.string(),
    part: z.number(),
    of: z.number(),
  }),
  concurrency: 2,
  retryLimit: 50,
  retryDelaySeconds: 5,
  givenUp: 'alarm',
  run: (app, tenantId, piece) => transact(app, tenantId, (ctx) => reevaluatePiece(ctx, piece)),
});

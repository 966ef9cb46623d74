import { z } from 'zod';
import { CHECKPOINT_LEDGER, checkpointLedger } from '#engine/checkpoint.ts';
import { defineJob } from '#engine/job.ts';

/** Signs the head of a tenant's ledger: `checkpointLedger`. */
export default defineJob({
  queue: CHECKPOINT_LEDGER,
  data: z.object({}),
  concurrency: 1,
  retryLimit: 3,
  retryDelaySeconds: 60,
  givenUp: 'alarm',
  run: (app, tenantId) => checkpointLedger(app, tenantId),
});

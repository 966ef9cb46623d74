import { z } from 'zod';
import { EXPIRE_APPROVAL } from '#engine/approve/ask.ts';
import { expireApproval } from '#engine/approve/expire.ts';
import { defineJob } from '#engine/job.ts';

/** Ends an approval that nobody decided in time: `expireApproval`. */
export default defineJob({
  queue: EXPIRE_APPROVAL,
  data: z.object({ approval: z.string() }),
  concurrency: 2,
  retryLimit: 50,
  retryDelaySeconds: 5,
  givenUp: 'alarm',
  run: (app, tenantId, { approval }) => expireApproval(app, tenantId, approval),
});

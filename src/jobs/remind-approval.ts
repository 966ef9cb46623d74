import { z } from 'zod';
import { REMIND_APPROVAL, remindApproval } from '#engine/approve/remind.ts';
import { defineJob } from '#engine/job.ts';

/** Reminds the approvers of an undecided approval, or escalates it: `remindApproval`. */
export default defineJob({
  queue: REMIND_APPROVAL,
  data: z.object({ approval: z.string() }),
  concurrency: 2,
  retryLimit: 50,
  retryDelaySeconds: 5,
  givenUp: 'alarm',
  run: (app, tenantId, { approval }) => remindApproval(app, tenantId, approval),
});

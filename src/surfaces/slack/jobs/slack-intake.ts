import { z } from 'zod';
import { defineSlackJob } from '../job.ts';
import { SLACK_INTAKE } from '../queue.ts';

/** Does what a process took in from Slack and did not finish before it died. */
export default defineSlackJob({
  queue: SLACK_INTAKE,
  data: z.object({ id: z.string() }),
  concurrency: 4,
  retryLimit: 8,
  retryDelaySeconds: 5,
  givenUp: 'log',
  run: (slack, tenantId, { id }) => slack.resumeIntake(tenantId, id),
});

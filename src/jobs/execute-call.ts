import { z } from 'zod';
import { execute } from '#engine/execute.ts';
import { giveUpCall } from '#engine/give-up.ts';
import { defineJob } from '#engine/job.ts';
import { EXECUTE_CALL } from '#engine/saved-call.ts';

/** Runs a call that may run: `execute`. */
export default defineJob({
  queue: EXECUTE_CALL,
  data: z.object({ call: z.string() }),
  // A batch waits for its slowest member, and Okta may be slow. So use many workers with one call each.
  concurrency: 16,
  retryLimit: 50,
  retryDelaySeconds: 1,
  unexpectedTries: 5,
  givenUp: (app, tenantId, { call }, error) => giveUpCall(app, tenantId, call, error),
  run: (app, tenantId, { call }, signal) => execute(app, tenantId, call, signal),
});

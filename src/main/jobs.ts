import type { QueueTable } from '#db/queue.ts';
import type { App } from '#engine/app.ts';
import { loadJobs, queuesOf, subscribersOf } from '#engine/load-jobs.ts';
import { startJob } from '#engine/run-job.ts';
import type { SlackDelivery } from '#surfaces/slack/job.ts';

/** Every job of a server: what the migration and the app need to know of them, and how they are started. */
export interface ServerJobs {
  readonly queues: QueueTable;
  readonly subscribers: App['subscribers'];
  start(app: App, slack: SlackDelivery): Promise<void>;
}

/**
 * Loads the jobs of `src/jobs/` and those of Slack; placing a file there is enough. Throws an Error if a file
 * exports no job or is not named after its queue, and if two jobs have the same queue.
 */
export async function loadServerJobs(): Promise<ServerJobs> {
  const jobs = await loadJobs(new URL('../jobs/', import.meta.url));
  const slackJobs = await loadJobs<SlackDelivery>(new URL('../surfaces/slack/jobs/', import.meta.url));
  const all = [...jobs, ...slackJobs];
  return {
    queues: queuesOf(all),
    subscribers: subscribersOf(all),
    start: async (app, slack) => {
      for (const job of jobs) await startJob(app, job, app);
      for (const job of slackJobs) await startJob(app, job, slack);
    },
  };
}

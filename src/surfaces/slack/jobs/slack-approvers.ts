import { defineSlackJob } from '../job.ts';
import { SLACK_APPROVERS } from '../queue.ts';

/**
 * Looks at everything that waits for an approval, because other people may be able to give it now. Those who
 * have become approvers are told, and the messages that exist name them.
 */
export default defineSlackJob({
  queue: SLACK_APPROVERS,
  on: [
    'agent.changed',
    'approvers.changed',
    'person.departed',
    'person.suspended',
    'tenant.frozen',
    'tenant.thawed',
  ],
  // This many at once, because jobs that wait for the same look-up share it.
  concurrency: 16,
  retryLimit: 20,
  retryDelaySeconds: 2,
  givenUp: 'log',
  run: (slack, tenantId) => slack.projectWaiting(tenantId),
});

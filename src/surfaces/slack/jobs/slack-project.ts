import { defineSlackJob } from '../job.ts';
import { SLACK_PROJECT } from '../queue.ts';

/** Keeps messages in Slack equal to what they show. */
export default defineSlackJob({
  queue: SLACK_PROJECT,
  on: [
    'call.waiting',
    'call.voted',
    'call.settled',
    'approval.reminded',
    'approval.escalated',
    'mandate.created',
    'mandate.changed',
    'mandate.frozen',
    'mandate.thawed',
    'mandate.revoked',
    'mandate.expired',
    'agent.registered',
    'agent.offered',
    'agent.changed',
    'break_glass.used',
    'break_glass.reviewed',
    'breaker.tripped',
    'breaker.settled',
    'job.failed',
    'job.recovered',
    'account.contested',
  ],
  concurrency: 4,
  retryLimit: 20,
  retryDelaySeconds: 2,
  // An alarm is itself a message in Slack.
  givenUp: 'log',
  run: (slack, tenantId, { things }) => slack.project(tenantId, things),
});

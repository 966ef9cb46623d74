import type { QueueTable } from '#db/queue.ts';
import type { App } from '#engine/app.ts';
import { JOBS } from '#jobs/index.ts';
import { SLACK_APPROVERS, SLACK_INTAKE, SLACK_PROJECT } from '#surfaces/slack/queue.ts';

/** The jobs of surfaces, by queue. */
export const SURFACE_JOBS: QueueTable &
  Readonly<Record<string, { concurrency: number; retryLimit: number }>> = {
  [SLACK_PROJECT]: { concurrency: 4, retryLimit: 20, retryDelaySeconds: 2 },
  // This many at once, because jobs that wait for the same look-up share it.
  [SLACK_APPROVERS]: { concurrency: 16, retryLimit: 20, retryDelaySeconds: 2 },
  [SLACK_INTAKE]: { concurrency: 4, retryLimit: 8, retryDelaySeconds: 5 },
};

/** All queues, for the migration. */
export const QUEUES: QueueTable = { ...JOBS, ...SURFACE_JOBS };

/** Which queues get a job for which fact. */
export const SUBSCRIBERS: App['subscribers'] = {
  'call.waiting': [SLACK_PROJECT],
  'call.voted': [SLACK_PROJECT],
  'call.settled': [SLACK_PROJECT],
  'approval.reminded': [SLACK_PROJECT],
  'approval.escalated': [SLACK_PROJECT],
  'mandate.created': [SLACK_PROJECT],
  'mandate.changed': [SLACK_PROJECT],
  'mandate.frozen': [SLACK_PROJECT],
  'mandate.thawed': [SLACK_PROJECT],
  'mandate.revoked': [SLACK_PROJECT],
  'mandate.expired': [SLACK_PROJECT],
  'agent.registered': [SLACK_PROJECT],
  'agent.offered': [SLACK_PROJECT],
  'break_glass.used': [SLACK_PROJECT],
  'break_glass.reviewed': [SLACK_PROJECT],
  'agent.changed': [SLACK_PROJECT, SLACK_APPROVERS],
  'approvers.changed': [SLACK_APPROVERS],
  'person.departed': [SLACK_APPROVERS],
  'person.suspended': [SLACK_APPROVERS],
  'tenant.frozen': [SLACK_APPROVERS],
  'tenant.thawed': [SLACK_APPROVERS],
  'breaker.tripped': [SLACK_PROJECT],
  'breaker.settled': [SLACK_PROJECT],
  'job.failed': [SLACK_PROJECT],
  'job.recovered': [SLACK_PROJECT],
  'account.contested': [SLACK_PROJECT],
};

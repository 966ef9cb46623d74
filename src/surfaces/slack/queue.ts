/**
 * The queue whose jobs keep messages in Slack equal to what they show. It is to hear of the facts `call.waiting`, `call.voted`,
 * `call.settled`, `approval.reminded`, `approval.escalated`, `mandate.created`, `mandate.changed`, `mandate.revoked`, `mandate.frozen`, `mandate.thawed`, `mandate.expired`, `agent.registered`,
 * `agent.offered`, `agent.changed`, `break_glass.used`, `break_glass.reviewed`, `breaker.tripped`, `breaker.settled`, `job.failed` and `job.recovered`;
 * data: `{tenant, fact, thing}`, where `thing` is an id, or several with spaces between.
 */
export const SLACK_PROJECT = 'slack-project';

/**
 * The queue whose jobs look at everything that waits for an approval, since who can give it may be others now: those who have become
 * approvers are told, and the copies that stand name them. It is to hear of `approvers.changed`, `person.departed`, `person.suspended`,
 * `agent.changed`, `tenant.frozen` and `tenant.thawed`.
 */
export const SLACK_APPROVERS = 'slack-approvers';

/** The queue that does what a process took in from Slack and died over; data: `{tenant, id}`. */
export const SLACK_INTAKE = 'slack-intake';

/**
 * The queue whose jobs keep messages in Slack equal to what they show. It is to hear of the facts `call.waiting`, `call.voted`,
 * `call.settled`, `approval.reminded`, `approval.escalated`, `mandate.created`, `mandate.changed`, `mandate.revoked`, `mandate.frozen`, `mandate.thawed`, `mandate.expired`, `agent.registered`,
 * `agent.offered`, `agent.changed`, `break_glass.used`, `break_glass.reviewed`, `breaker.tripped`, `breaker.settled`, `job.failed`, `job.recovered`, `account.contested`,
 * `person.provisioned`, `person.departed`, `person.suspended` and `authority.changed`;
 * data: `{tenant, fact, thing}`, where `thing` is an id, or several with spaces between.
 */
export const SLACK_PROJECT = 'slack-project';

/** The queue that does what a process took in from Slack and died over; data: `{tenant, id}`. */
export const SLACK_INTAKE = 'slack-intake';

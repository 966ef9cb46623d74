/** The queue of the jobs that keep messages in Slack equal to what they show. */
export const SLACK_PROJECT = 'slack-project';

/** The queue of the jobs that look at everything that waits for an approval. */
export const SLACK_APPROVERS = 'slack-approvers';

/** The queue of the jobs that do what a process took in from Slack and did not finish. */
export const SLACK_INTAKE = 'slack-intake';

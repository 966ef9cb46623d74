/** The queue whose job edits every Slack copy of a call or mandate after it has changed. */
export const SLACK_PROJECT = 'slack-project';

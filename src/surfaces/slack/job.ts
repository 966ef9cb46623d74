import { jobsWith } from '#engine/job.ts';

/** What Slack's own jobs work with. */
export interface SlackDelivery {
  /** Makes the messages about these things equal to what their rows say: `projectEvents`. */
  project(tenantId: string, things: readonly string[]): Promise<void>;
  /** The same for everything that waits for an approval: `waitingProjection`. */
  projectWaiting(tenantId: string): Promise<void>;
  /** Does what a process took in from Slack and did not finish: `Intake.resume`. */
  resumeIntake(tenantId: string, intakeId: string): Promise<void>;
}

/**
 * Defines a job of this surface, as `defineJob` does for `src/jobs/`. Placing its file in `jobs/` beside this
 * one is enough. A job that delivers alarms must use `givenUp: 'log'`, because an alarm is itself a message
 * in Slack.
 */
export const defineSlackJob = jobsWith<SlackDelivery>();

import { expireApproval } from '#engine/approve/expire.ts';
import { EXPIRE_APPROVAL } from '#engine/approve/ask.ts';
import { REMIND_APPROVAL, remindApproval } from '#engine/approve/remind.ts';
import type { App } from '#engine/app.ts';
import { EXECUTE_CALL } from '#engine/saved-call.ts';
import { execute } from '#engine/execute.ts';
import { giveUpCall } from '#engine/give-up.ts';
import { CHECKPOINT_LEDGER, checkpointLedger } from '#engine/checkpoint.ts';
import { SWEEP, SYNC_DIRECTORY } from '#engine/set-up.ts';
import { RETIRE_AGENT_KEY } from '#domain/agent/credentials.ts';
import { EXPIRE_MANDATE } from '#domain/mandate/create.ts';
import type { JobData } from '#db/queue.ts';
import { REEVALUATE_AUTHORITY } from '#domain/group/reevaluate.ts';
import { FOLLOW_FREEZE } from '#domain/freeze/follow.ts';
import { expireMandate } from './expire-mandate.ts';
import { followFreezeToTheEnd } from './follow-freeze.ts';
import { reevaluateAuthorityPiece } from './reevaluate-authority.ts';
import { retireAgentKey } from './retire-agent-key.ts';
import { sweep } from './sweep.ts';
import { syncDirectory } from './sync-directory.ts';
import { syncGivenUp } from './sync-outcome.ts';

/** A kind of durable job. Every job may run twice: rows say what is left to do. */
export interface Job {
  readonly concurrency: number;
  readonly retryLimit: number;
  readonly retryDelaySeconds: number;
  /** After how many tries an unexpected error is final. Absent: after the queue's last try. */
  readonly unexpectedTries?: number;
  run(app: App, tenantId: string, data: JobData, signal: AbortSignal): Promise<unknown>;
  /** Handles a job that is not tried again, after its log line. Absent: `jobGivenUp` handles it. */
  givenUp?(app: App, tenantId: string, data: JobData, error: unknown): Promise<void>;
}

const text = (data: JobData, field: string): string => String(data[field] ?? '');

/** Every job except those of interfaces, by its queue. */
export const JOBS: Readonly<Record<string, Job>> = {
  // A batch waits for its slowest member, and Okta may be slow. So use many workers with one call each.
  [EXECUTE_CALL]: {
    concurrency: 16,
    retryLimit: 50,
    retryDelaySeconds: 1,
    unexpectedTries: 5,
    run: (app, tenant, data, signal) => execute(app, tenant, text(data, 'call'), signal),
    givenUp: (app, tenant, data, error) => giveUpCall(app, tenant, text(data, 'call'), error),
  },
  [EXPIRE_APPROVAL]: {
    concurrency: 2,
    retryLimit: 50,
    retryDelaySeconds: 5,
    run: (app, tenant, data) => expireApproval(app, tenant, text(data, 'approval')),
  },
  [REMIND_APPROVAL]: {
    concurrency: 2,
    retryLimit: 50,
    retryDelaySeconds: 5,
    run: (app, tenant, data) => remindApproval(app, tenant, text(data, 'approval')),
  },
  [EXPIRE_MANDATE]: {
    concurrency: 2,
    retryLimit: 50,
    retryDelaySeconds: 5,
    run: (app, tenant, data) => expireMandate(app, tenant, text(data, 'mandate')),
  },
  [RETIRE_AGENT_KEY]: {
    concurrency: 1,
    retryLimit: 50,
    retryDelaySeconds: 5,
    run: (app, tenant, data) => retireAgentKey(app, tenant, text(data, 'agent'), text(data, 'kid')),
  },
  [FOLLOW_FREEZE]: { concurrency: 2, retryLimit: 50, retryDelaySeconds: 5, run: followFreezeToTheEnd },
  [REEVALUATE_AUTHORITY]: {
    concurrency: 2,
    retryLimit: 50,
    retryDelaySeconds: 5,
    run: reevaluateAuthorityPiece,
  },
  [SYNC_DIRECTORY]: {
    concurrency: 1,
    retryLimit: 3,
    retryDelaySeconds: 60,
    run: (app, tenant) => syncDirectory(app, tenant),
    givenUp: syncGivenUp,
  },
  [CHECKPOINT_LEDGER]: {
    concurrency: 1,
    retryLimit: 3,
    retryDelaySeconds: 60,
    run: (app, tenant) => checkpointLedger(app, tenant),
  },
  [SWEEP]: { concurrency: 1, retryLimit: 3, retryDelaySeconds: 60, run: (app, tenant) => sweep(app, tenant) },
};

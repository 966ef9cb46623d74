import type { Delivery, JobData } from '#db/queue.ts';
import { raiseAlarm } from '#domain/alarm/store.ts';
import type { App } from '#engine/app.ts';
import { transact } from '#engine/transact.ts';
import { asFault, type Fault } from '#lib/fault.ts';
import { inShort } from '#lib/in-short.ts';

/** A job as the queue delivers it. */
export interface Work {
  readonly queue: string;
  /** After how many tries an unexpected error is final. Absent: after the queue's last try. */
  readonly unexpectedTries?: number;
  run(data: JobData, signal: AbortSignal): Promise<unknown>;
  /** Handles work that is not tried again. May run twice. */
  givenUp?(data: JobData, error: unknown): Promise<void>;
}

// How long a rate-limited job waits if the fault names no time.
const PAUSE_SECONDS = 60;

/**
 * Runs one delivery of a job. A failed try logs one line with queue, job, try and cause, without parameters
 * of SQL statements. A job that is rate-limited is put back for as long as the other side asks, which uses up
 * no try. After the last try it calls `givenUp`. Throws a short error, for the queue to store and to try
 * again.
 */
export async function runJob(app: App, work: Work, data: JobData, delivery: Delivery): Promise<void> {
  try {
    await work.run(data, delivery.signal);
  } catch (error) {
    const fault = asFault(error);
    const line = { queue: work.queue, job: delivery.id, try: delivery.attempt, cause: inShort(error) };
    if (fault.code === 'rate_limited') return putBack(app, work.queue, data, fault, line);
    const unexpected = fault.code === 'internal' && delivery.attempt >= (work.unexpectedTries ?? Infinity);
    if (!unexpected && !delivery.last) {
      app.log.warn(line, 'a job failed, and is tried again');
      throw inQueue(line.cause);
    }
    app.log.error(line, 'a job failed, and is not tried again');
    await work.givenUp?.(data, error);
    if (!unexpected) throw inQueue(line.cause);
  }
}

async function putBack(app: App, queue: string, data: JobData, fault: Fault, line: object): Promise<void> {
  const told = fault.detail.retry_after_seconds ?? 0;
  const seconds = told > 0 ? told : PAUSE_SECONDS;
  app.log.warn({ ...line, wait_seconds: seconds }, 'a job is put back for a rate limit');
  await app.queue.send(queue, data, { startAfter: new Date(app.now().getTime() + seconds * 1000) });
}

/**
 * The default for a job that is not tried again: writes `job_failed` to the ledger and alerts the IT admins.
 */
export const jobGivenUp =
  (queue: string) =>
  async (app: App, tenantId: string, data: JobData, error: unknown): Promise<void> => {
    const { tenant: _tenant, ...about } = data;
    const reason = inShort(error);
    await transact(app, tenantId, async (ctx) => {
      ctx.record({ event: 'job_failed', actor: 'prokura', data: { queue, ...about, reason } });
      await raiseAlarm(ctx, { queue, subject: Object.values(about).join(' ') }, reason);
    });
  };

/** The error that the queue stores with the job: one line, no stack. */
const inQueue = (cause: string): Error => Object.assign(new Error(cause), { stack: cause });

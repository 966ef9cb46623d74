import type { Delivery, JobData } from '#db/queue.ts';
import { raiseAlarm } from '#domain/alarm/store.ts';
import type { App } from '#engine/app.ts';
import { transact } from '#engine/transact.ts';
import { asFault, type Fault } from '#lib/fault.ts';
import { inShort } from '#lib/in-short.ts';

/** Durable work as it is delivered. */
export interface Work {
  readonly queue: string;
  /** After so many tries an unexpected error is no matter of time; absent: only after the last try of the queue. */
  readonly unexpectedTries?: number;
  run(data: JobData, signal: AbortSignal): Promise<unknown>;
  /** It will not be tried again: whoever waits for it is told why. May run twice. */
  givenUp?(data: JobData, error: unknown): Promise<void>;
}

/** How long work waits that was refused for a rate limit without a time. */
const PAUSE_SECONDS = 60;

/**
 * Runs one delivery of a job. A failed try is one line in the log: queue, job, try and cause, without parameters of statements. What
 * is rate-limited is put back for as long as the other side asks, which uses up no try. The last try is told to whoever waits. Throws a
 * short error for the queue to keep and to try again.
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
  const told = fault.detail['retry_after_seconds'];
  const seconds = typeof told === 'number' && told > 0 ? told : PAUSE_SECONDS;
  app.log.warn({ ...line, wait_seconds: seconds }, 'a job is put back for a rate limit');
  await app.queue.send(queue, data, { startAfter: new Date(app.now().getTime() + seconds * 1000) });
}

/** What becomes of a job without a way of its own: a line in the ledger, and IT admins are told. */
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

/** What the queue keeps of an error with the job: one line, no stack. */
const inQueue = (cause: string): Error => Object.assign(new Error(cause), { stack: cause });

import type { Delivery, JobData } from '#db/queue.ts';
import { raiseAlarm } from '#domain/alarm/store.ts';
import { asFault, type Fault } from '#lib/fault.ts';
import { inShort } from '#lib/in-short.ts';
import type { App } from './app.ts';
import type { Job } from './job.ts';
import { transact } from './transact.ts';

// How long a rate-limited job waits if the fault names no time.
const PAUSE_SECONDS = 60;

/** Starts the workers of a job's queue in this process. `parts` is what its `run` works with. */
export const startJob = <Parts>(app: App, job: Job<Parts>, parts: Parts): Promise<void> =>
  app.queue.work(job.queue, job, (data, delivery) => runJob(app, job, parts, data, delivery));

/**
 * Runs one delivery of a job. A failed try logs one line with queue, job, try and cause, without parameters
 * of SQL statements. A job that is rate-limited is put back for as long as the other side asks, which uses up
 * no try. What follows the last try is what the job says (`givenUp`). Throws a short error, for the queue to
 * store and to try again.
 */
async function runJob<Parts>(
  app: App,
  job: Job<Parts>,
  parts: Parts,
  data: JobData,
  delivery: Delivery,
): Promise<void> {
  const { queue, unexpectedTries, givenUp } = job;
  const tenantId = String(data['tenant']);
  try {
    await job.run(parts, tenantId, data, delivery.signal);
  } catch (error) {
    const fault = asFault(error);
    const line = { queue, job: delivery.id, try: delivery.attempt, cause: inShort(error) };
    if (fault.code === 'rate_limited') return putBack(app, queue, data, fault, line);
    const unexpected = fault.code === 'internal' && delivery.attempt >= (unexpectedTries ?? Infinity);
    if (!unexpected && !delivery.last) {
      app.log.warn(line, 'a job failed, and is tried again');
      throw inQueue(line.cause);
    }
    app.log.error(line, 'a job failed, and is not tried again');
    if (givenUp === 'alarm') await raiseJobAlarm(app, queue, tenantId, data, error);
    else if (givenUp !== 'log') await givenUp(parts, tenantId, data, error);
    if (!unexpected) throw inQueue(line.cause);
  }
}

async function putBack(app: App, queue: string, data: JobData, fault: Fault, line: object): Promise<void> {
  const told = fault.detail.retry_after_seconds ?? 0;
  const seconds = told > 0 ? told : PAUSE_SECONDS;
  app.log.warn({ ...line, wait_seconds: seconds }, 'a job is put back for a rate limit');
  await app.queue.send(queue, data, { startAfter: new Date(app.now().getTime() + seconds * 1000) });
}

/** Writes `job_failed` to the ledger and alerts the IT admins. */
async function raiseJobAlarm(
  app: App,
  queue: string,
  tenantId: string,
  data: JobData,
  error: unknown,
): Promise<void> {
  const { tenant: _tenant, ...about } = data;
  const reason = inShort(error);
  await transact(app, tenantId, async (ctx) => {
    ctx.record({ event: 'job_failed', actor: 'prokura', data: { queue, ...about, reason } });
    await raiseAlarm(ctx, { queue, subject: Object.values(about).join(' ') }, reason);
  });
}

/** The error that the queue stores with the job: one line, no stack. */
const inQueue = (cause: string): Error => Object.assign(new Error(cause), { stack: cause });

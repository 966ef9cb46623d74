import { fromDrizzle, PgBoss } from 'pg-boss';
import { sql } from 'drizzle-orm';
import type { Logger } from '#lib/log.ts';
import { connectionTarget } from './connection-url.ts';

/** A database transaction in drizzle's form. The queue only needs its `execute`. */
export type AnyTransaction = Parameters<typeof fromDrizzle>[0];

/** A job's data as it is stored: ids only, never contents (law 12). */
export type JobData = Readonly<Record<string, string | number | null>>;

/** When a job runs, and whether it is added only once. */
export interface EnqueueOptions {
  /** The earliest time at which it runs. */
  readonly startAfter?: Date;
  /** At most one job with this key waits in the queue. */
  readonly singletonKey?: string;
}

/** How many jobs of a queue run at once, and how often they are retried. */
export interface WorkOptions {
  /**
   * How many run at once in this process. Each is fetched alone, because a batch would wait for its
   * slowest job.
   */
  readonly concurrency: number;
  readonly retryLimit: number;
}

/** One delivery of a job. */
export interface Delivery {
  readonly id: string;
  readonly signal: AbortSignal;
  /** Counts from 1. */
  readonly attempt: number;
  /** Whether this is the last attempt: if it throws, the job is not delivered again. */
  readonly last: boolean;
}

/**
 * Durable work. A job that is enqueued in a transaction exists if and only if the transaction commits.
 * It survives kill -9.
 */
export interface JobQueue {
  /** Adds a job in the transaction. */
  enqueue(tx: AnyTransaction, queue: string, data: JobData, options?: EnqueueOptions): Promise<void>;
  /** Adds many jobs to one queue with one statement. */
  enqueueAll(
    tx: AnyTransaction,
    queue: string,
    jobs: readonly { readonly data: JobData; readonly startAfter?: Date }[],
  ): Promise<void>;
  /** Adds a job outside any transaction, to repeat work that is stored in rows already. */
  send(queue: string, data: JobData, options?: EnqueueOptions): Promise<void>;
  /**
   * Runs `handler` for each job. A job whose process died is delivered again after ten to thirteen
   * seconds. A job whose handler throws is retried with back-off.
   */
  work(
    queue: string,
    options: WorkOptions,
    handler: (data: JobData, delivery: Delivery) => Promise<void>,
  ): Promise<void>;
  /**
   * Adds a recurring job; `cron` has five fields, and each key has one schedule. A run that was missed
   * because no server was up happens once.
   */
  schedule(queue: string, cron: string, data: JobData, key: string): Promise<void>;
  /** Waits up to eight seconds for running jobs, then closes. */
  stop(): Promise<void>;
}

/** All queues by name, with how a job is retried whose handler throws. */
export type QueueTable = Readonly<Record<string, { retryLimit: number; retryDelaySeconds: number }>>;

const SCHEMA = 'pgboss';

/** Creates or updates pg-boss's own schema and our queues. Runs as the owner, before the server opens. */
export async function migrateQueue(ownerUrl: string, queues: QueueTable): Promise<void> {
  const { url, ssl, options: runTime } = connectionTarget(ownerUrl);
  const boss = new PgBoss({
    connectionString: withOptions(url, runTime),
    ssl,
    schema: SCHEMA,
    max: 2,
    supervise: false,
    schedule: false,
    useListenNotify: true,
  });
  boss.on('error', () => {});
  await boss.start();
  for (const [name, queue] of Object.entries(queues)) {
    const options = {
      notify: true,
      heartbeatSeconds: 10,
      retryLimit: queue.retryLimit,
      retryDelay: queue.retryDelaySeconds,
      retryBackoff: true,
      retryDelayMax: 3600,
    };
    if ((await boss.getQueue(name)) === null) await boss.createQueue(name, options);
    else await boss.updateQueue(name, options);
  }
  await boss.stop({ graceful: false, close: true });
}

function withOptions(url: string, options: string): string {
  const connection = new URL(url);
  if (options !== '') connection.searchParams.set('options', options);
  return connection.href;
}

/**
 * Opens the queue as the server's role. `log` gets pg-boss's own errors, such as a lost connection, from
 * which it recovers.
 */
export async function openQueue(url: string, role: string, log: Logger): Promise<JobQueue> {
  const target = connectionTarget(url);
  const boss = new PgBoss({
    connectionString: withOptions(target.url, `${target.options} -c role=${role}`.trim()),
    ssl: target.ssl,
    schema: SCHEMA,
    max: 4,
    migrate: false,
    createSchema: false,
    useListenNotify: true,
    superviseIntervalSeconds: 3,
    monitorIntervalSeconds: 3,
    application_name: 'prokura-queue',
  });
  boss.on('error', (error) => log.warn({ err: error }, 'queue'));
  await boss.start();
  const named = (options: EnqueueOptions = {}) => ({
    ...(options.startAfter === undefined ? {} : { startAfter: options.startAfter }),
    ...(options.singletonKey === undefined
      ? {}
      : { singletonKey: options.singletonKey, singletonSeconds: 1 }),
  });
  return {
    enqueue: async (tx, queue, data, options) => {
      await boss.send(queue, data, { ...named(options), db: fromDrizzle(tx, sql) });
    },
    enqueueAll: async (tx, queue, jobs) => {
      await boss.insert(queue, [...jobs], { db: fromDrizzle(tx, sql) });
    },
    send: async (queue, data, options) => {
      await boss.send(queue, data, named(options));
    },
    work: async (queue, options, handler) => {
      const settings = {
        batchSize: 1,
        localConcurrency: options.concurrency,
        pollingIntervalSeconds: 0.5,
        notifyPollingIntervalSeconds: 2,
        includeMetadata: true,
      } as const;
      await boss.work<JobData, void, typeof settings>(queue, settings, async ([job]) => {
        if (job === undefined) return;
        const { id, signal, retryCount, retryLimit } = job;
        await handler(job.data, { id, signal, attempt: retryCount + 1, last: retryCount >= retryLimit });
      });
    },
    schedule: async (queue, cron, data, key) => {
      await boss.schedule(queue, cron, data, { key, missed: 'once' });
    },
    stop: async () => {
      await boss.stop({ graceful: true, timeout: 8000, close: true });
    },
  };
}

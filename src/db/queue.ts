import { fromDrizzle, PgBoss } from 'pg-boss';
import { sql } from 'drizzle-orm';
import type { Logger } from '#lib/log.ts';
import { connectionTarget } from './connection-url.ts';

/** A database transaction in drizzle's form; the queue needs nothing of it but `execute`. */
export type AnyTransaction = Parameters<typeof fromDrizzle>[0];

/** A job as it is stored: ids only, never contents (law 12). */
export type JobData = Readonly<Record<string, string | number | null>>;

export interface EnqueueOptions {
  /** Not before this moment. */
  readonly startAfter?: Date;
  /** At most one job of this key waits in the queue. */
  readonly singletonKey?: string;
}

export interface WorkOptions {
  /** How many run at once in this process; each is fetched alone, since a batch waits for its slowest. */
  readonly concurrency: number;
  readonly retryLimit: number;
}

/** One delivery of a job. */
export interface Delivery {
  readonly id: string;
  readonly signal: AbortSignal;
  /** Counts from 1. */
  readonly attempt: number;
  /** Where this one throws, the job is not given out again. */
  readonly last: boolean;
}

/** Durable work: a job enqueued in a transaction exists exactly if that transaction committed, and survives kill -9. */
export interface JobQueue {
  enqueue(tx: AnyTransaction, queue: string, data: JobData, options?: EnqueueOptions): Promise<void>;
  /** Many jobs of one queue as one statement. */
  enqueueAll(
    tx: AnyTransaction,
    queue: string,
    jobs: readonly { readonly data: JobData; readonly startAfter?: Date }[],
  ): Promise<void>;
  /** Outside of any transaction: for re-sending work that stands in rows already. */
  send(queue: string, data: JobData, options?: EnqueueOptions): Promise<void>;
  /** Runs `handler` for each job. A job whose process died is given out again after ten to thirteen seconds; a throw is retried with back-off. */
  work(
    queue: string,
    options: WorkOptions,
    handler: (data: JobData, delivery: Delivery) => Promise<void>,
  ): Promise<void>;
  /** `cron` in five fields, one schedule for each key; a run that was missed while nobody was up happens once. */
  schedule(queue: string, cron: string, data: JobData, key: string): Promise<void>;
  stop(): Promise<void>;
}

/** Names of every queue, with what happens to a job whose handler throws. */
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

/** Opens the queue as the server's role. `log` hears of pg-boss's own errors (a lost connection, which it mends itself). */
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

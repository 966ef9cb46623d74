import { z } from 'zod';
import type { JobData } from '#db/queue.ts';
import { splitThings, type DomainEventName } from '#domain/events.ts';
import type { App } from './app.ts';

/** A queue, and how its jobs run. */
interface JobSettings<Parts, Data> {
  /** The queue's name, which is also the name of the job's file. */
  readonly queue: string;
  /** How many run at once in each process. */
  readonly concurrency: number;
  /** How often a job is tried again after its first try. */
  readonly retryLimit: number;
  /** The delay before the second try. It doubles with each try, up to an hour. */
  readonly retryDelaySeconds: number;
  /** After how many tries an unexpected error is final. Absent: after the queue's last try. */
  readonly unexpectedTries?: number;
  /**
   * What follows a job that is not tried again. `alarm`: the ledger gets `job_failed`, and the IT admins are
   * alerted. `log`: a log line, and nothing else. A function may run twice.
   */
  readonly givenUp:
    | 'alarm'
    | 'log'
    | ((parts: Parts, tenantId: string, data: Data, error: unknown) => Promise<void>);
  /** Does the work. May run twice: rows say what is left to do. */
  readonly run: (parts: Parts, tenantId: string, data: Data, signal: AbortSignal) => Promise<unknown>;
}

/** What a subscriber gets of an event: the ids of what it is about. Often one, after a large change many. */
const HEARD = z.object({ thing: z.string() }).transform(({ thing }) => ({ things: splitThings(thing) }));

type Heard = z.infer<typeof HEARD>;

/**
 * A job that runs after each of these events, or work that something else enqueues, with the schema of its
 * data.
 */
type JobDefinition<Parts, Data> =
  | (JobSettings<Parts, Heard> & { readonly on: readonly DomainEventName[]; readonly data?: undefined })
  | (JobSettings<Parts, Data> & { readonly data: z.ZodType<Data>; readonly on?: undefined });

/**
 * A kind of durable job, as the queue runs it. `Parts` is what its `run` works with: the app, or what a
 * surface gives to its own jobs.
 */
export interface Job<Parts = App> extends JobSettings<Parts, JobData> {
  /** The events after which it runs. */
  readonly on: readonly DomainEventName[];
}

/**
 * Makes the function that defines jobs which work with `Parts`. A job whose data does not fit its schema
 * fails as any other unexpected error.
 */
export const jobsWith =
  <Parts>() =>
  <Data = Heard>(definition: JobDefinition<Parts, Data>): Job<Parts> =>
    definition.on === undefined
      ? parsing(definition, [], definition.data)
      : parsing(definition, definition.on, HEARD);

function parsing<Parts, Data>(
  { givenUp, run, ...settings }: JobSettings<Parts, Data>,
  on: readonly DomainEventName[],
  schema: z.ZodType<Data>,
): Job<Parts> {
  return {
    ...settings,
    on,
    run: async (parts, tenantId, data, signal) => run(parts, tenantId, schema.parse(data), signal),
    givenUp:
      typeof givenUp === 'string'
        ? givenUp
        : async (parts, tenantId, data, error) => givenUp(parts, tenantId, schema.parse(data), error),
  };
}

/**
 * Defines a durable job. Placing the file in `src/jobs/` creates its queue, subscribes it to the events `on`
 * and starts it. `data` is the schema of what is enqueued, for a job that hears no event.
 */
export const defineJob = jobsWith<App>();

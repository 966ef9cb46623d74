import { readdir } from 'node:fs/promises';
import type { QueueTable } from '#db/queue.ts';
import type { DomainEventName } from '#domain/events.ts';
import type { App } from './app.ts';
import type { Job } from './job.ts';

/**
 * Loads the job of every file in a folder. Folders inside it are for what jobs share. Throws an Error if a
 * file exports no job or is not named after its queue. Does not check what `run` works with: each folder has
 * its own function that defines jobs.
 */
export async function loadJobs<Parts = App>(folder: URL): Promise<Job<Parts>[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts')).sort();
  return Promise.all(
    files.map(async (file) => {
      const { default: job } = (await import(new URL(file, folder).href)) as { default?: Job<Parts> };
      if (job === undefined) throw new Error(`the job file ${file} exports no job`);
      if (`${job.queue}.ts` !== file)
        throw new Error(`the job file ${file} must be named after its queue: ${job.queue}.ts`);
      return job;
    }),
  );
}

/** The queues of jobs, for the migration. Throws an Error if two jobs have the same queue. */
export function queuesOf(jobs: readonly Job<never>[]): QueueTable {
  const queues = jobs.map(({ queue }) => queue);
  const twice = queues.find((queue, index) => queues.indexOf(queue) !== index);
  if (twice !== undefined) throw new Error(`two jobs have the queue ${twice}`);
  return Object.fromEntries(jobs.map((job) => [job.queue, job]));
}

/** For each event, the queues whose jobs hear it. */
export function subscribersOf(jobs: readonly Job<never>[]): App['subscribers'] {
  const subscribers: Partial<Record<DomainEventName, string[]>> = {};
  for (const { queue, on } of jobs) for (const event of on) (subscribers[event] ??= []).push(queue);
  return subscribers;
}

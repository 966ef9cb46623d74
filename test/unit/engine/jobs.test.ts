import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { Delivery, JobData, JobQueue } from '#db/queue.ts';
import { DOMAIN_EVENTS, joinThings, type DomainEventName } from '#domain/events.ts';
import type { App } from '#engine/app.ts';
import { defineJob } from '#engine/job.ts';
import { loadJobs, queuesOf, subscribersOf } from '#engine/load-jobs.ts';
import { startJob } from '#engine/run-job.ts';
import { loadServerJobs } from '../../../src/main/jobs.ts';

/** Events that nothing hears: what follows from them is done in their own transaction. */
const UNHEARD: readonly DomainEventName[] = ['person.provisioned'];

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

/** A folder with these files, each the text of a module that imports `defineJob`. */
async function folderWith(files: Readonly<Record<string, string>>): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), 'prokura-jobs-'));
  folders.push(folder);
  const define = new URL('../../../src/engine/job.ts', import.meta.url).href;
  for (const [name, text] of Object.entries(files))
    await writeFile(join(folder, name), text.replace('#engine/job.ts', define));
  return pathToFileURL(`${folder}/`);
}

/** The text of a job that appends what it hears to `globalThis[queue]`. */
const listening = (queue: string): string => `import { defineJob } from '#engine/job.ts';
export default defineJob({
  queue: '${queue}', on: ['mandate.frozen', 'mandate.thawed'], concurrency: 1, retryLimit: 1, retryDelaySeconds: 1, givenUp: 'log',
  run: async (_app, tenantId, { things }) => void (globalThis['${queue}'] ??= []).push({ tenantId, things }),
});`;

/** An app whose queue only notes the workers, by queue. */
function noting(): {
  app: App;
  workers: Map<string, (data: JobData, delivery: Delivery) => Promise<void>>;
} {
  const workers = new Map<string, (data: JobData, delivery: Delivery) => Promise<void>>();
  const work: JobQueue['work'] = async (queue, _options, handler) => void workers.set(queue, handler);
  return { app: { queue: { work } } as unknown as App, workers };
}

test('every event has a subscriber, except those that are named here', async () => {
  const { subscribers } = await loadServerJobs();
  expect(DOMAIN_EVENTS.filter((event) => subscribers[event] === undefined)).toEqual(UNHEARD);
});

test('every job file of the server has a queue and is started', async () => {
  const root = new URL('../../../src/', import.meta.url);
  const files = [
    ...(await readdir(new URL('jobs/', root))),
    ...(await readdir(new URL('surfaces/slack/jobs/', root))),
  ].flatMap((file) => (file.endsWith('.ts') ? [file.replace(/\.ts$/, '')] : []));
  const jobs = await loadServerJobs();
  const { app, workers } = noting();
  await jobs.start(app, {} as never);
  expect(files).toContain('slack-project');
  expect(Object.keys(jobs.queues).toSorted()).toEqual(files.toSorted());
  expect([...workers.keys()].toSorted()).toEqual(files.toSorted());
});

test('a file in the folder is a subscriber: its queue, its events and its worker, and it gets a list of things', async () => {
  const queue = 'hear-freezes';
  const [job, ...others] = await loadJobs(await folderWith({ [`${queue}.ts`]: listening(queue) }));
  if (job === undefined) throw new Error('no job');
  expect(others).toEqual([]);
  expect(queuesOf([job])).toMatchObject({ [queue]: { retryLimit: 1, retryDelaySeconds: 1 } });
  expect(subscribersOf([job])).toEqual({ 'mandate.frozen': [queue], 'mandate.thawed': [queue] });

  const { app, workers } = noting();
  await startJob(app, job, app);
  const delivery = { id: 'j', signal: new AbortController().signal, attempt: 1, last: false };
  const data = { tenant: 'tnt_1', fact: 'mandate.frozen', thing: joinThings(['mdt_1', 'mdt_2']) };
  await workers.get(queue)?.(data, delivery);
  expect((globalThis as Record<string, unknown>)[queue]).toEqual([
    { tenantId: 'tnt_1', things: ['mdt_1', 'mdt_2'] },
  ]);
});

test('the subscriber that CONTRIBUTING.md works out is one', async () => {
  const page = await readFile(new URL('../../../CONTRIBUTING.md', import.meta.url), 'utf8');
  const [, text = ''] = /^```ts src\/jobs\/log-freezes\.ts\n([^]*?)^```/m.exec(page) ?? [];
  const jobs = await loadJobs(await folderWith({ 'log-freezes.ts': text }));
  expect(subscribersOf(jobs)).toEqual({ 'mandate.frozen': ['log-freezes'] });
});

test('an event that does not exist, and a job that does not say what follows its last try, do not compile', () => {
  const settings = { queue: 'hear-nothing', concurrency: 1, retryLimit: 1, retryDelaySeconds: 1 };
  const run = () => Promise.resolve();
  // @ts-expect-error: this is not the name of an event
  const job = defineJob({ ...settings, on: ['mandate.frozn'], givenUp: 'log', run });
  expect(job.queue).toBe('hear-nothing');
  // @ts-expect-error: `givenUp` is missing
  defineJob({ ...settings, on: ['mandate.frozen'], run });
  // @ts-expect-error: neither events nor the schema of its data
  defineJob({ ...settings, givenUp: 'log', run });
});

test.each([
  ['exports no job', { 'nothing.ts': 'export const other = 1;' }, /nothing\.ts exports no job/],
  [
    'is not named after its queue',
    { 'other-name.ts': listening('hear-names') },
    /must be named after its queue: hear-names\.ts/,
  ],
])('a server does not start with a job file that %s', async (_, files, message) => {
  await expect(loadJobs(await folderWith(files))).rejects.toThrow(message);
});

test('a server does not start with two jobs on one queue', async () => {
  const jobs = await loadJobs(await folderWith({ 'hear-twice.ts': listening('hear-twice') }));
  expect(() => queuesOf([...jobs, ...jobs])).toThrow('two jobs have the queue hear-twice');
});

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Fault } from '#lib/fault.ts';
import type { Terms } from './examine.ts';
import type { Parsed } from './parse.ts';
import { withinLimits } from './text-limits.ts';

/** What the thread is given. */
export interface Task {
  readonly text: string;
  readonly terms: Terms;
}

/** What the thread answers. */
export type Answer =
  | { readonly policies: readonly Parsed[] }
  | { readonly problem: string }
  | { readonly broke: true };

/** What came of it. `slow`: it took too long this time, which may also be due to a busy machine. */
export type TriedOut =
  | { readonly policies: readonly Parsed[] }
  | { readonly problem: string; readonly slow: boolean };

/** From the moment at which the thread runs, in milliseconds. */
const MAX_MS = 30_000;
/** So many threads at once in one process. */
const MAX_AT_ONCE = 2;
/** In mebibytes of JavaScript's heap; Cedar's own memory is bounded by what the text may be. */
const MAX_HEAP = 128;
/** In mebibytes: no more than the thread that decides has, so that what passes here passes there. */
const STACK = 1;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Examines a tenant's text in a thread of its own that is thrown away afterwards: whatever it does to Cedar, it does there. Answers the
 * policies, or why the text cannot be used. Fault `unavailable` where no thread can be started. At most two texts are tried at a time; the
 * others wait.
 */
export async function tryOut(text: string, terms: Terms): Promise<TriedOut> {
  try {
    withinLimits(text);
  } catch (error) {
    return { problem: (error as Error).message, slow: false };
  }
  if (running >= MAX_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await inThread({ text, terms });
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

async function inThread(task: Task): Promise<TriedOut> {
  const worker = new Worker(new URL('./try-out-worker.ts', import.meta.url), {
    workerData: task,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP, stackSizeMb: STACK },
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<TriedOut>((resolve) => {
    worker.once('online', () => {
      timer = setTimeout(
        () => resolve({ problem: `they take Cedar longer than ${MAX_MS / 1000} seconds`, slow: true }),
        MAX_MS,
      );
    });
  });
  try {
    return await Promise.race([answerOf(worker), late]);
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

const BROKE = "they break Cedar's engine: write them shorter, or as several policies";

async function answerOf(worker: Worker): Promise<TriedOut> {
  try {
    // `once` rejects with an error of the thread.
    const [answer] = (await Promise.race([
      once(worker, 'message'),
      once(worker, 'exit').then(() => [{ broke: true }]),
    ])) as [Answer];
    if ('policies' in answer) return answer;
    return { problem: 'broke' in answer ? BROKE : answer.problem, slow: false };
  } catch (error) {
    const memory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
    if (memory) return { problem: BROKE, slow: false };
    throw new Fault(
      'unavailable',
      'The policies cannot be looked at at this moment. Try again in a minute.',
      {
        cause: error,
      },
    );
  }
}

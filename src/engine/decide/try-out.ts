import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Fault } from '#lib/fault.ts';
import type { Terms } from './examine.ts';
import type { Parsed } from './parse.ts';
import type { LineColumn } from './policy-places.ts';
import { withinLimits } from './text-limits.ts';

/** The input of the thread. */
export interface Task {
  readonly text: string;
  readonly terms: Terms;
}

/** The answer of the thread. */
export type Answer =
  | { readonly policies: readonly Parsed[] }
  | { readonly problem: string; readonly at: LineColumn | null }
  | { readonly broke: true };

/**
 * The result of trying out a text. `slow`: it took too long this time, perhaps only because the machine was
 * busy.
 */
export type TriedOut =
  | { readonly policies: readonly Parsed[] }
  | { readonly problem: string; readonly slow: boolean; readonly at?: LineColumn | null };

// In ms, from the moment when the thread runs.
const MAX_MS = 30_000;
// The most threads at once in one process.
const MAX_AT_ONCE = 2;
// JavaScript heap, in MiB. The limits of the text bound Cedar's own memory.
const MAX_HEAP = 128;
// In MiB, and no more than the deciding thread has: a text that passes here passes there.
const STACK = 1;

let running = 0;
const waiting: (() => void)[] = [];

/**
 * Examines a tenant's text in a thread that is thrown away afterwards, so a text that breaks Cedar does no
 * harm. Returns the policies, or why the text cannot be used. At most two texts are examined at a time;
 * others wait. Throws Fault `unavailable` if the thread cannot be started or fails.
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
        () =>
          resolve({ problem: `Cedar needs more than ${MAX_MS / 1000} seconds to evaluate them`, slow: true }),
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

// No fault of the text: it is within the limits, and Cedar should have answered.
const BROKE =
  'Cedar itself fails on them, which does not mean that they are wrong; shorten the policies, or split them';

async function answerOf(worker: Worker): Promise<TriedOut> {
  try {
    // `once` rejects if the thread throws.
    const [answer] = (await Promise.race([
      once(worker, 'message'),
      once(worker, 'exit').then(() => [{ broke: true }]),
    ])) as [Answer];
    if ('policies' in answer) return answer;
    return 'broke' in answer ? { problem: BROKE, slow: false } : { ...answer, slow: false };
  } catch (error) {
    const memory = (error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY';
    if (memory) return { problem: BROKE, slow: false };
    throw new Fault('unavailable', 'The policies cannot be checked at the moment. Try again in a minute.', {
      cause: error,
    });
  }
}

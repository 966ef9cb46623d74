import { parentPort, workerData } from 'node:worker_threads';
import { isTrap } from './engine.ts';
import { examine } from './examine.ts';
import { TextError } from './policy-places.ts';
import type { Answer, Task } from './try-out.ts';

// The thread that `tryOut` starts for one text. It answers once and ends.

const { text, terms } = workerData as Task;

function answer(): Answer {
  try {
    return { policies: examine(text, 'tenant', terms) };
  } catch (error) {
    if (isTrap(error)) return { broke: true };
    return { problem: (error as Error).message, at: error instanceof TextError ? error.at : null };
  }
}

parentPort?.postMessage(answer());

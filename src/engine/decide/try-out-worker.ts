import { parentPort, workerData } from 'node:worker_threads';
import { isTrap } from './engine.ts';
import { examine } from './examine.ts';
import type { Answer, Task } from './try-out.ts';

// The thread that `tryOut` starts for one text. It answers once and ends.

const { text, terms } = workerData as Task;

function answer(): Answer {
  try {
    return { policies: examine(text, 'tenant', terms) };
  } catch (error) {
    return isTrap(error) ? { broke: true } : { problem: (error as Error).message };
  }
}

parentPort?.postMessage(answer());

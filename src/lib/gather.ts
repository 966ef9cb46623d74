import { setTimeout as sleep } from 'node:timers/promises';

interface Asked<Q, A> {
  readonly question: Q;
  resolve(answer: A): void;
  reject(error: unknown): void;
}

/**
 * In a busy group, batches begin this far apart, in milliseconds. Fewer and larger batches cost
 * both sides less, and a question has to wait for a batch anyway.
 */
const PACE_MS = 10;
/** A batch of this size means that the group is busy. */
const BUSY = 8;

/**
 * Collects questions by group while the group's previous batch is being answered, and then answers them
 * together with `answer(group, questions)`, which returns the answers in the same order. A batch starts after
 * all of its questions were asked, so no answer is older than its question. Nothing is cached. In a busy
 * group, batches start `paceMs` apart. If `answer` fails, all questions of that batch fail, and the next
 * batch starts as usual. Not `dataloader`: it collects for one turn of the event loop and then asks at once,
 * so several batches of a group run side by side, and it caches answers.
 */
export function gather<Q, A>(
  answer: (group: string, questions: readonly Q[]) => Promise<readonly A[]>,
  paceMs = PACE_MS,
): (group: string, question: Q) => Promise<A> {
  const waiting = new Map<string, Asked<Q, A>[]>();
  const busy = new Set<string>();

  async function run(group: string): Promise<void> {
    busy.add(group);
    for (let batch = waiting.get(group); batch !== undefined; batch = waiting.get(group)) {
      waiting.delete(group);
      const from = performance.now();
      try {
        const answers = await answer(
          group,
          batch.map(({ question }) => question),
        );
        batch.forEach((one, index) => one.resolve(answers[index] as A));
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
      const left = batch.length < BUSY ? 0 : from + paceMs - performance.now();
      if (left >= 1 && waiting.has(group)) await sleep(left);
    }
    busy.delete(group);
  }

  return (group, question) =>
    new Promise((resolve, reject) => {
      const batch = waiting.get(group);
      if (batch !== undefined) {
        batch.push({ question, resolve, reject });
        return;
      }
      waiting.set(group, [{ question, resolve, reject }]);
      // Waits for other questions in the same turn of the event loop.
      if (!busy.has(group)) setImmediate(() => void (busy.has(group) ? undefined : run(group)));
    });
}

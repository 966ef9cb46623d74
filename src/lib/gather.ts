import { setTimeout as sleep } from 'node:timers/promises';

interface Asked<Q, A> {
  readonly question: Q;
  resolve(answer: A): void;
  reject(error: unknown): void;
}

/** A busy group's batches begin this far apart: fewer and larger ones cost both ends less, and a question waits for one anyway. */
const PACE_MS = 10;
/** A batch of this many tells that the group is busy. */
const BUSY = 8;

/**
 * Collects questions, for each group, while the group's last batch is being answered, and has them answered together: `answer(group,
 * questions)`, one answer for each in their order. A batch begins after every question in it was asked, so no answer is older than its
 * question; nothing is kept. While there are many, batches begin `paceMs` apart. Where `answer` fails, every question of the batch fails with it, and the next batch begins all the same.
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
      // What is asked in the same turn of the event loop goes along.
      if (!busy.has(group)) setImmediate(() => void (busy.has(group) ? undefined : run(group)));
    });
}

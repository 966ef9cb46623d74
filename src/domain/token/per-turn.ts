/** One question of many that are answered together. */
interface Asked<A> {
  resolve(answer: A | null): void;
  reject(error: unknown): void;
}

/**
 * Collects the questions of one event-loop turn, for each tenant, and asks them with one query: `answer(tenantId, keys)`, keys without
 * repetition. The query starts after every question in it was asked, so an answer is never older than its question (law 4):
 * nothing is kept. A key that is missing from the answer gives null; a failed query fails every question in it.
 */
export function perTurn<A>(
  answer: (tenantId: string, keys: string[]) => Promise<ReadonlyMap<string, A>>,
): (tenantId: string, key: string) => Promise<A | null> {
  let waiting = new Map<string, Map<string, Asked<A>[]>>();

  async function ask(tenantId: string, questions: Map<string, Asked<A>[]>): Promise<void> {
    try {
      const answers = await answer(tenantId, [...questions.keys()]);
      for (const [key, asked] of questions) for (const one of asked) one.resolve(answers.get(key) ?? null);
    } catch (error) {
      for (const asked of questions.values()) for (const one of asked) one.reject(error);
    }
  }

  return (tenantId, key) =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) {
        setImmediate(() => {
          const batch = waiting;
          waiting = new Map();
          for (const [tenant, questions] of batch) void ask(tenant, questions);
        });
      }
      const questions = waiting.get(tenantId) ?? new Map<string, Asked<A>[]>();
      waiting.set(tenantId, questions);
      const asked = questions.get(key);
      if (asked === undefined) questions.set(key, [{ resolve, reject }]);
      else asked.push({ resolve, reject });
    });
}

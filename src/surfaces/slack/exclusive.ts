import type { Database } from '#db/pool.ts';

const chains = new WeakMap<Database, Map<string, Promise<void>>>();

/**
 * Runs `work` alone for its key, in this process and in every other on the same database (an advisory lock, which ends with a
 * process that dies). Who waits in this process holds no connection; one that works holds one. Where that is cut, `held` is aborted: somebody else
 * may have begun.
 */
export async function exclusively<T>(
  database: Database,
  key: string,
  work: (held: AbortSignal) => Promise<T>,
): Promise<T> {
  const mine = chains.get(database) ?? new Map<string, Promise<void>>();
  chains.set(database, mine);
  const before = mine.get(key) ?? Promise.resolve();
  const run = before.then(() => database.alone(key, work));
  const settled = run.then(
    () => undefined,
    () => undefined,
  );
  mine.set(key, settled);
  try {
    return await run;
  } finally {
    if (mine.get(key) === settled) mine.delete(key);
  }
}

import type { Database } from '#db/pool.ts';

const chains = new WeakMap<Database, Map<string, Promise<void>>>();

/**
 * Runs `work` alone for its key, in this process and in every other on the same database (an advisory lock, which ends with a
 * process that dies). Who waits in this process holds no connection; one that works holds one.
 */
export async function exclusively<T>(database: Database, key: string, work: () => Promise<T>): Promise<T> {
  const mine = chains.get(database) ?? new Map<string, Promise<void>>();
  chains.set(database, mine);
  const before = mine.get(key) ?? Promise.resolve();
  const run = before.then(() => locked(database, key, work));
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

/**
 * A transaction that touches no row, only to hold its lock: it ends with its connection, whatever happens, and keeps nothing from
 * being vacuumed. (`reserve()` of postgres.js 3.4.9 never answers on a new connection where `fetch_types` is off.)
 */
async function locked<T>(database: Database, key: string, work: () => Promise<T>): Promise<T> {
  const [answer] = await database.sql.begin(async (lock) => {
    await lock`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`;
    return [{ value: await work() }];
  });
  return (answer as { value: T }).value;
}

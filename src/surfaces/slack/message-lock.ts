import type { Database } from '#db/pool.ts';

const chains = new WeakMap<Database, Map<string, Promise<void>>>();

/**
 * Runs `work` while nobody else changes the messages about this thing: no other call of this process, and no
 * other process on the same database (`Database.withLock`). A caller that waits for another call of this
 * process holds no connection; one that works holds one. If that connection is lost, `held` is aborted:
 * another caller may have started.
 */
export async function withMessageLock<T>(
  database: Database,
  tenantId: string,
  thing: string,
  work: (held: AbortSignal) => Promise<T>,
): Promise<T> {
  const key = `slack ${tenantId} ${thing}`;
  const mine = chains.get(database) ?? new Map<string, Promise<void>>();
  chains.set(database, mine);
  const before = mine.get(key) ?? Promise.resolve();
  const run = before.then(() => database.withLock(key, work));
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

import postgres, { type Options, type PostgresType } from 'postgres';

/** What to do if a lock is taken: give up at once, or wait for at most the statement timeout. */
type IfTaken = 'give_up' | 'wait';

/**
 * Runs `work` while no other process or call holds the lock of this key. Returns null without running it if
 * the lock is taken and `ifTaken` is `give_up`. It is an advisory lock of its own session (PostgreSQL manual,
 * section 13.3.5). It ends with its connection, so after kill -9 the next caller can start at once, and no
 * other session can end it. If the connection is lost, `held` is aborted, because another caller may have
 * started; `work` is still awaited. Throws what `work` throws, and the driver's error if waiting takes too
 * long.
 */
export async function withAdvisoryLock<T>(
  url: string,
  settings: Options<Record<string, PostgresType>>,
  lock: { readonly key: string; readonly ifTaken: IfTaken },
  work: (held: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const lost = new AbortController();
  const session = postgres(url, {
    ...settings,
    max: 1,
    idle_timeout: 0,
    onclose: () => lost.abort(new Error('the connection of the lock was lost')),
  });
  try {
    const [row] =
      lock.ifTaken === 'give_up'
        ? await session<
            { mine: boolean }[]
          >`select pg_try_advisory_lock(hashtextextended(${lock.key}, 0)) as mine`
        : await session<
            { mine: boolean }[]
          >`select true as mine from pg_advisory_lock(hashtextextended(${lock.key}, 0))`;
    return row?.mine === true ? await work(lost.signal) : null;
  } finally {
    await session.end({ timeout: 1 });
  }
}

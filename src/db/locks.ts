import postgres, { type Options, type PostgresType } from 'postgres';

/** How a lock is asked for: `now` gets it at once or not at all, `wait` waits for it as long as a statement may. */
export type Asking = 'now' | 'wait';

/**
 * Does `work` while nobody else does anything under this key, in any process; null, and nothing is done, where somebody does and it was not to
 * be waited for. The lock is an advisory one of a session of its own (PostgreSQL manual, section 13.3.5): it ends with its connection, so
 * after kill -9 the next may begin at once, and nothing that another session does can end it. Where the connection is lost, `held` is
 * aborted: somebody else may have begun. What has begun is waited for all the same.
 */
export async function holding<T>(
  url: string,
  settings: Options<Record<string, PostgresType>>,
  lock: { readonly key: string; readonly asking: Asking },
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
      lock.asking === 'now'
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

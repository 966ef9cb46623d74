import type { Sql } from 'postgres';

/** Notifies waiting callers that a call has changed, in whatever process. */
export interface SettledCalls {
  /**
   * Runs `read` now and whenever the call changes, until it returns a value. Returns null after
   * `milliseconds` or when the signal aborts. Subscribes before the first read, so no change is missed.
   */
  until<T>(
    callId: string,
    milliseconds: number,
    read: () => Promise<T | null>,
    signal?: AbortSignal,
  ): Promise<T | null>;
  close(): Promise<void>;
}

/**
 * Opens the one LISTEN of this process. The driver reconnects by itself; waiters also read again every two
 * seconds.
 */
export async function listenForSettled(sql: Sql): Promise<SettledCalls> {
  const waiters = new Map<string, Set<() => void>>();
  const subscription = await sql.listen('prokura_call', (callId) => {
    for (const wake of waiters.get(callId) ?? []) wake();
  });

  return {
    until: async (callId, milliseconds, read, signal) => {
      const deadline = Date.now() + milliseconds;
      let changed = false;
      let wake = () => void (changed = true);
      const listener = () => wake();
      const mine = waiters.get(callId) ?? new Set();
      waiters.set(callId, mine.add(listener));
      try {
        for (;;) {
          changed = false;
          const answer = await read();
          const left = deadline - Date.now();
          if (answer !== null || left <= 0 || signal?.aborted === true) return answer;
          if (changed) continue;
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, Math.min(left, 2000));
            wake = () => {
              clearTimeout(timer);
              resolve();
            };
          });
          wake = () => void (changed = true);
        }
      } finally {
        mine.delete(listener);
        if (mine.size === 0) waiters.delete(callId);
      }
    },
    close: () => subscription.unlisten(),
  };
}

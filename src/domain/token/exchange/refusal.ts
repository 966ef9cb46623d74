import { isId } from '#lib/id.ts';
import type { NewEntry } from '../../ledger/entry.ts';
import type { OAuthError } from '../oauth-error.ts';
import type { KernelParts } from '../parts.ts';

/**
 * The ledger entry for a refused token request of an authenticated agent: ids and a reason, never a
 * token (law 12).
 */
export function refusalEntry(error: OAuthError, client: string, mandate: string | null): NewEntry {
  return {
    event: 'TOKEN_REFUSED',
    actor: client,
    data: {
      error: error.error,
      reason: error.reason,
      client_authenticated: true,
      client_id: client,
      ...(mandate !== null && isId('mdt', mandate) ? { mandate_id: mandate } : {}),
    },
  };
}

/** Counts refused requests of clients that did not authenticate. */
export interface StrangerCount {
  /**
   * Counts one refusal. The first of a reason is written before this resolves. Those that follow within a
   * minute become one entry with their number. So a flood costs one ledger entry per minute and reason.
   * Nothing that the caller chose is written. Fault `unavailable` if the first cannot be written.
   */
  add(tenantId: string, error: { readonly error: string; readonly reason: string }): Promise<void>;
  /** Writes what has been counted so far. A count that cannot be written is lost. */
  flush(): Promise<void>;
}

const MINUTE_MS = 60_000;

interface Counted {
  readonly tenantId: string;
  readonly error: string;
  readonly reason: string;
  /** Since the last entry. */
  count: number;
  since: Date;
  timer: NodeJS.Timeout | null;
}

/**
 * Creates the counter. It counts in this process, so each process writes its own entry. `error` and
 * `reason` must come from a closed set of codes, because each is kept in memory for a minute.
 */
export function createStrangerCount(parts: Pick<KernelParts, 'record' | 'now' | 'log'>): StrangerCount {
  const counted = new Map<string, Counted>();

  const write = (one: Counted, count: number): Promise<unknown> =>
    parts.record(one.tenantId, {
      event: 'TOKEN_REFUSED',
      actor: 'unauthenticated client',
      data: {
        error: one.error,
        reason: one.reason,
        client_authenticated: false,
        count,
        ...(count === 1 ? {} : { since: one.since.toISOString() }),
      },
    });

  /** At the end of a minute, writes the number. A reason without refusals in that minute is forgotten. */
  async function settle(key: string, one: Counted): Promise<void> {
    const { count } = one;
    if (count === 0) {
      counted.delete(key);
      return;
    }
    await write(one, count);
    one.count -= count;
    one.since = parts.now();
  }

  function wait(key: string, one: Counted): void {
    one.timer = setTimeout(() => {
      void settle(key, one)
        // The refusals stay counted and are written with those of the next minute.
        .catch((error: unknown) => parts.log.warn({ err: error }, 'refusals could not be written'))
        .finally(() => {
          if (counted.has(key)) wait(key, one);
        });
    }, MINUTE_MS).unref();
  }

  return {
    add: async (tenantId, { error, reason }) => {
      const key = `${tenantId} ${error} ${reason}`;
      const known = counted.get(key);
      if (known !== undefined) {
        known.count += 1;
        return;
      }
      const one = { tenantId, error, reason, count: 0, since: parts.now(), timer: null };
      counted.set(key, one);
      try {
        await write(one, 1);
      } catch (failure) {
        counted.delete(key);
        throw failure;
      }
      wait(key, one);
    },
    flush: async () => {
      const all = [...counted.values()];
      counted.clear();
      for (const { timer } of all) if (timer !== null) clearTimeout(timer);
      await Promise.allSettled(all.filter(({ count }) => count > 0).map((one) => write(one, one.count)));
    },
  };
}

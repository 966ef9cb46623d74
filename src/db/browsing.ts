import type { Sql } from 'postgres';
import { Fault } from '#lib/fault.ts';
import type { Capacity } from '#lib/places.ts';

/** What reads that can be expensive may take (`Database.browse`). */
export interface Browsing extends Capacity {
  /** How long one of their statements may take, in milliseconds. */
  readonly statementMs: number;
}

/**
 * Of a pool of 20, all others stay for what must not wait: decisions, changes, freezes. Most clients
 * wait for half a minute: whoever would wait longer in line is better told to come again.
 */
export const BROWSING: Browsing = { places: 4, line: 50, waitMs: 20_000, statementMs: 10_000 };

/** A transaction, as others name it: its connection's process, and when it began, to the microsecond. */
export interface Session {
  readonly pid: number;
  readonly begun: string;
}

/** What bounds a transaction besides the settings of its connection. */
export interface Bound {
  readonly statementMs: number;
  readonly given: AbortSignal | undefined;
  /** Cancels the statement that the transaction runs. Never throws. */
  readonly stop: (session: Session) => Promise<void>;
}

/**
 * Cancels the statement that the transaction runs, if it still does. Never throws: where it cannot, the
 * statement timeout stops it later.
 */
export async function stopStatement(client: Sql, { pid, begun }: Session): Promise<void> {
  try {
    // As text, since the driver sends times without their microseconds.
    await client`select stop_statement(${pid}, ${begun}::text::timestamptz)`;
  } catch {
    // See above.
  }
}

/** What a transaction throws in place of another statement, once it is given up. */
export const givenUp = (): Fault =>
  new Fault('unavailable', 'The request was given up before it was answered.');

/**
 * Cancels the transaction's statement as soon as it is given up. Returns a function that ends this, and waits
 * for a cancellation that has begun.
 */
export function cancelling({ given, stop }: Bound, named: Promise<Session[]>): () => Promise<void> {
  let stopped = Promise.resolve();
  const cancel = () => {
    stopped = named.then(
      ([session]) => (session === undefined ? undefined : stop(session)),
      () => {},
    );
  };
  given?.addEventListener('abort', cancel, { once: true });
  return async () => {
    given?.removeEventListener('abort', cancel);
    await stopped;
  };
}

import type { Sql } from 'postgres';

/**
 * A client that can be replaced by a new one. If a connection is cut inside a transaction,
 * postgres.js 3.4.9 keeps using it: it writes the end of that transaction, keeps the bytes for the
 * next connection, and fails the queries that get it, for half a minute. So the whole client is
 * replaced. Queries on its other connections get five seconds to end.
 */
export interface Renewable {
  /** The client to use now. */
  current(): Sql;
  /** Replaces `client`, unless that was done already. */
  giveUp(client: Sql): void;
  /** Ends the current client and waits for the replaced ones. */
  end(): Promise<void>;
}

/** Creates a renewable client with `make`. */
export function renewable(make: () => Sql): Renewable {
  let client = make();
  const ending = new Set<Promise<void>>();
  return {
    current: () => client,
    giveUp: (failed) => {
      if (failed !== client) return;
      client = make();
      const ended = failed.end({ timeout: 5 }).catch(() => {});
      ending.add(ended);
      void ended.finally(() => ending.delete(ended));
    },
    end: async () => {
      await Promise.all([client.end({ timeout: 5 }), ...ending]);
    },
  };
}

import type { Sql } from 'postgres';

/**
 * A client that can be given up for a new one. postgres.js 3.4.9 goes on using a connection that was cut inside of a transaction: it writes the end
 * of that transaction to it, keeps the bytes for its next life, and fails whoever gets it then, for half a minute. So a client to which that
 * has happened is replaced whole: what runs on its other connections has five seconds to end.
 */
export interface Renewable {
  /** The one to use now. */
  current(): Sql;
  /** Replaces `client`, unless somebody has already. */
  giveUp(client: Sql): void;
  end(): Promise<void>;
}

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

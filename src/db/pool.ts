import {
  drizzle,
  PostgresJsSession,
  PostgresJsTransaction,
  type PostgresJsDatabase,
} from 'drizzle-orm/postgres-js';
import { makePgArray, parsePgArray, PgDialect } from 'drizzle-orm/pg-core';
import postgres, { type Sql } from 'postgres';
import { connectionTarget } from './connection-url.ts';
import { holding } from './locks.ts';
import { isLost } from './reach.ts';
import { renewable, type Renewable } from './renewable.ts';

/** The role that the server works as: neither owner nor superuser, so that row-level security binds it. */
export const SERVER_ROLE = 'prokura_server';

/** An array type, by its OID, as drizzle reads and writes arrays; `member` makes a member of its text. */
const arrayType = (oid: number, member: (text: string) => unknown = String) => ({
  to: oid,
  from: [oid],
  parse: (text: string): unknown => (parsePgArray(text) as string[]).map(member),
  serialize: (values: unknown): string => (Array.isArray(values) ? makePgArray(values) : String(values)),
});

/** Every array type that our statements use (pg_type.oid). */
const ARRAYS = {
  boolean: arrayType(1000, (text) => text === 't'),
  int4: arrayType(1007, Number),
  text: arrayType(1009),
  int8: arrayType(1016, Number),
  timestamptz: arrayType(1185),
};

/**
 * drizzle sends its statements by `unsafe` and says that they are not to be prepared: each would cost a second round trip and be
 * planned anew. Prepares them all the same.
 */
function preparing<T extends Sql>(client: T): T {
  const unsafe = client.unsafe.bind(client);
  return Object.assign(client, {
    unsafe: (text: string, values?: never[], options?: object) =>
      unsafe(text, values, { ...options, prepare: true }),
  });
}

const DIALECT = new PgDialect();

/** What a transaction may do: everything, as of each statement; or read, as of one moment. */
const MODES = { write: '', read: 'isolation level repeatable read read only' } as const;

/**
 * Whether an uncaught error is the known race of postgres.js 3.4.9: a query that was to be written in the moment in which its
 * connection was lost (`nextWrite` on a socket that is gone). The query itself has been rejected; nothing is left to do.
 */
export const isDriverRace = (error: unknown): boolean =>
  error instanceof TypeError &&
  /reading 'write'/.test(error.message) &&
  /postgres\/src\/connection\.js/.test(error.stack ?? '');

/** Open connections to one database: raw (`sql`, for hot reads and LISTEN) and drizzle (`db`, for everything else). */
export interface Database {
  readonly url: string;
  readonly sql: Sql;
  readonly db: PostgresJsDatabase;
  /**
   * Runs `work` in a transaction that names the tenant before anything else: together with the first statement of `work`, in one
   * message. Where that fails, so does all that follows. Commits, or rolls back and throws what was thrown.
   */
  transaction<T>(
    mode: keyof typeof MODES,
    tenantId: string,
    work: (tx: PostgresJsTransaction<never, never>) => Promise<T>,
  ): Promise<T>;
  /**
   * Does `work` while nobody else does anything under this key, in any process; null, and nothing is done, where somebody does. The lock lasts as long
   * as its connection: after kill -9 the next may begin at once. Where the database cuts the connection, `held` is aborted: somebody else may have begun.
   */
  exclusively<T>(key: string, work: (held: AbortSignal) => Promise<T>): Promise<T | null>;
  /** The same, but waits until it may begin. Throws where that takes longer than a statement may. */
  alone<T>(key: string, work: (held: AbortSignal) => Promise<T>): Promise<T>;
  /** Waits up to five seconds for running queries, then closes. */
  close(): Promise<void>;
}

/**
 * Opens a pool. With `role` every connection asks to start as that role, in its start-up packet, so that no query can run before. A pooler in front may
 * drop that: what reads or writes a tenant's rows therefore says `primary_only()` in its statement, which refuses a connection that
 * row-level security does not bind. Does not connect yet: the first query does, and throws where the server is not there.
 */
export function openDatabase(databaseUrl: string, options: { role?: string; max?: number } = {}): Database {
  const { url, ssl, options: runTime } = connectionTarget(databaseUrl);
  const settings = {
    ssl,
    max: options.max ?? 10,
    // postgres.js 3.4.9 may send BEGIN on an unreserved connection when its pipeline is full.
    max_pipeline: 1e9,
    connect_timeout: 5,
    // Whoever waits for a connection that cannot be made is told within moments, and what waits is served as soon as it can be.
    backoff: () => 0.1,
    idle_timeout: 60,
    onnotice: () => {},
    // Asking for the array types at each connection is a query of the driver's own, whose failure nobody can catch: a lost connection
    // would end the process.
    fetch_types: false,
    types: ARRAYS,
    connection: {
      application_name: 'prokura',
      statement_timeout: 30_000,
      ...(runTime === '' ? {} : { options: runTime }),
      ...(options.role === undefined ? {} : { role: options.role }),
    },
  };
  const sql = postgres(url, { ...settings, max: Math.ceil(settings.max / 2) });
  // drizzle replaces the JSON serialisers of the client that it wraps, so it gets clients of its own.
  const plain = preparing(postgres(url, { ...settings, max: 2 }));
  const transactions = renewable(() => {
    const client = preparing(postgres(url, settings));
    // For what it does to the client: from then on JSON is written and read as drizzle's statements mean it.
    drizzle(client);
    return client;
  });
  return {
    url: databaseUrl,
    sql,
    db: drizzle(plain),
    transaction: (mode, tenantId, work) => inTransaction(transactions, mode, tenantId, work),
    exclusively: (key, work) => holding(url, settings, { key, asking: 'now' }, work),
    alone: async (key, work) => {
      const done = await holding(url, settings, { key, asking: 'wait' }, async (held) => ({
        value: await work(held),
      }));
      if (done === null) throw new Error(`the lock ${key} was not given`);
      return done.value;
    },
    close: async () => {
      await Promise.all([sql.end({ timeout: 5 }), plain.end({ timeout: 5 }), transactions.end()]);
    },
  };
}

async function inTransaction<T>(
  transactions: Renewable,
  mode: keyof typeof MODES,
  tenantId: string,
  work: (tx: PostgresJsTransaction<never, never>) => Promise<T>,
): Promise<T> {
  const pool = transactions.current();
  let begun = false;
  try {
    return (await pool.begin(MODES[mode], async (client) => {
      begun = true;
      // What decides is read at the primary alone (migration primary_only).
      const naming =
        client`select set_config('app.tenant_id', ${tenantId}, true) where primary_only()`.execute();
      naming.catch(() => {});
      // drizzle's own types take a transaction's client for no client.
      const statements = preparing(client as unknown as Sql);
      const session = new PostgresJsSession<Sql, never, never>(statements, DIALECT, undefined);
      try {
        return await work(new PostgresJsTransaction(DIALECT, session as never, undefined));
      } finally {
        // Where it failed, that is why everything after it did, and it says so.
        await naming;
      }
    })) as T;
  } catch (error) {
    if (begun && isLost(error)) transactions.giveUp(pool);
    throw error;
  }
}

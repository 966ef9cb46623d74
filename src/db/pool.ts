import {
  drizzle,
  PostgresJsSession,
  PostgresJsTransaction,
  type PostgresJsDatabase,
} from 'drizzle-orm/postgres-js';
import { makePgArray, parsePgArray, PgDialect } from 'drizzle-orm/pg-core';
import postgres, { type Sql } from 'postgres';
import { openPlaces } from '#lib/places.ts';
import {
  BROWSING,
  cancelling,
  givenUp,
  stopStatement,
  type Bound,
  type Browsing,
  type Session,
} from './browsing.ts';
import { connectionTarget } from './connection-url.ts';
import { withAdvisoryLock } from './locks.ts';
import { isLost } from './reach.ts';
import { renewable, type Renewable } from './renewable.ts';

/**
 * The database role of the server. It is neither owner nor superuser, so row-level security applies to it.
 */
export const SERVER_ROLE = 'prokura_server';

/** An array type by its OID, in drizzle's form. `member` parses the text of one element. */
const arrayType = (oid: number, member: (text: string) => unknown = String) => ({
  to: oid,
  from: [oid],
  parse: (text: string): unknown => (parsePgArray(text) as string[]).map(member),
  serialize: (values: unknown): string => (Array.isArray(values) ? makePgArray(values) : String(values)),
});

/** All array types that our statements use (pg_type.oid). */
const ARRAYS = {
  boolean: arrayType(1000, (text) => text === 't'),
  int4: arrayType(1007, Number),
  text: arrayType(1009),
  int8: arrayType(1016, Number),
  timestamptz: arrayType(1185),
};

/**
 * Makes drizzle's statements prepared ones. drizzle sends them with `unsafe` as not prepared, so each would
 * cost a second round trip and be planned again. Once `given` up, throws instead of sending another.
 */
function preparing<T extends Sql>(client: T, given?: AbortSignal): T {
  const unsafe = client.unsafe.bind(client);
  return Object.assign(client, {
    unsafe: (text: string, values?: never[], options?: object) => {
      if (given?.aborted === true) throw givenUp();
      return unsafe(text, values, { ...options, prepare: true });
    },
  });
}

const DIALECT = new PgDialect();

/**
 * The modes of a transaction: `write` may do everything and sees the state as of each statement; `read`
 * only reads, as of one moment.
 */
const MODES = { write: '', read: 'isolation level repeatable read read only' } as const;

/**
 * Open connections to one database: raw (`sql`, for hot reads and LISTEN) and with drizzle (`db`, for
 * everything else).
 */
export interface Database {
  readonly url: string;
  readonly sql: Sql;
  readonly db: PostgresJsDatabase;
  /**
   * Runs `work` in a transaction that first sets the tenant, in one message with the first statement of
   * `work`. If setting it fails, everything that follows fails. Commits, or rolls back and throws what was
   * thrown.
   */
  transaction<T>(
    mode: keyof typeof MODES,
    tenantId: string,
    work: (tx: PostgresJsTransaction<never, never>) => Promise<T>,
  ): Promise<T>;
  /**
   * Runs `work` in a read transaction that may be expensive: one of a few at a time (`Places`), with a short
   * statement timeout. When `given` up, its statement is cancelled, and its place is free. Throws Fault
   * `unavailable` (reason `busy`) if there is no place in time.
   */
  browse<T>(
    tenantId: string,
    work: (tx: PostgresJsTransaction<never, never>) => Promise<T>,
    given?: AbortSignal,
  ): Promise<T>;
  /**
   * Runs `work` while no other process or call holds the lock of this key, and waits for it first. Throws if
   * that takes longer than the statement timeout. The lock lasts as long as its connection, so after kill -9
   * the next caller can start at once. If the connection is lost, `held` is aborted: another caller may have
   * started.
   */
  withLock<T>(key: string, work: (held: AbortSignal) => Promise<T>): Promise<T>;
  /** The same, but does not wait: returns null without running `work` if the lock is taken. */
  withLockIfFree<T>(key: string, work: (held: AbortSignal) => Promise<T>): Promise<T | null>;
  /** Waits up to five seconds for running queries, then closes. */
  close(): Promise<void>;
}

/**
 * Opens a pool. With `role`, every connection asks for that role in its start-up packet, so no query runs
 * before. A pooler in between may drop this. Statements that read or write a tenant's rows therefore
 * include `primary_only()`, which refuses a connection to which row-level security does not apply. Does not
 * connect yet: the first query does, and throws if the server is not there.
 */
export function openDatabase(
  databaseUrl: string,
  options: { role?: string; max?: number; browsing?: Partial<Browsing> } = {},
): Database {
  const { url, ssl, options: runTime } = connectionTarget(databaseUrl);
  const settings = {
    ssl,
    max: options.max ?? 10,
    // postgres.js 3.4.9 may send BEGIN on an unreserved connection when its pipeline is full.
    max_pipeline: 1e9,
    connect_timeout: 5,
    // A caller learns within moments that no connection can be made, and waiting queries run as soon as one
    // can.
    backoff: () => 0.1,
    idle_timeout: 60,
    onnotice: () => {},
    // The driver would query the array types on each connection. Nobody can catch a failure of that query,
    // so a lost connection would end the process.
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
    // Only for its side effect: the client then reads and writes JSON as drizzle's statements expect.
    drizzle(client);
    return client;
  });
  const { statementMs, ...capacity } = { ...BROWSING, ...options.browsing };
  const browsing = openPlaces(capacity);
  return {
    url: databaseUrl,
    sql,
    db: drizzle(plain),
    transaction: (mode, tenantId, work) => inTransaction(transactions, mode, tenantId, work),
    browse: (tenantId, work, given) =>
      browsing.within(
        tenantId,
        () =>
          inTransaction(transactions, 'read', tenantId, work, {
            statementMs,
            given,
            stop: (session) => stopStatement(sql, session),
          }),
        given,
      ),
    withLock: async (key, work) => {
      const done = await withAdvisoryLock(url, settings, { key, ifTaken: 'wait' }, async (held) => ({
        value: await work(held),
      }));
      if (done === null) throw new Error(`the lock ${key} was not given`);
      return done.value;
    },
    withLockIfFree: (key, work) => withAdvisoryLock(url, settings, { key, ifTaken: 'give_up' }, work),
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
  bound?: Bound,
): Promise<T> {
  const pool = transactions.current();
  let begun = false;
  try {
    return (await pool.begin(MODES[mode], async (client) => {
      begun = true;
      // Decisions are read from the primary only (the SQL function `primary_only`).
      const naming =
        bound === undefined
          ? client`select set_config('app.tenant_id', ${tenantId}, true) where primary_only()`.execute()
          : client<Session[]>`
              select set_config('app.tenant_id', ${tenantId}, true), pg_backend_pid() as pid, now()::text as begun,
                     set_config('statement_timeout', ${String(bound.statementMs)}, true)
               where primary_only()`.execute();
      naming.catch(() => {});
      const cancelled = bound === undefined ? null : cancelling(bound, naming as Promise<Session[]>);
      // drizzle's types do not accept a transaction's client as a client.
      const statements = preparing(client as unknown as Sql, bound?.given);
      const session = new PostgresJsSession<Sql, never, never>(statements, DIALECT, undefined);
      try {
        return await work(new PostgresJsTransaction(DIALECT, session as never, undefined));
      } finally {
        // Before the connection is another transaction's.
        await cancelled?.();
        // If setting the tenant failed, this throws that error, which is the cause of all later ones.
        await naming;
      }
    })) as T;
  } catch (error) {
    if (begun && isLost(error)) transactions.giveUp(pool);
    throw error;
  }
}

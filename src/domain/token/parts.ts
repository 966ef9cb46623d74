import type { Sql } from 'postgres';
import type { Secrets } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import type { Logger } from '#lib/log.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { NewEntry } from '../ledger/entry.ts';

/** What the token kernel is made of. The engine hands it in: this room opens no transaction. */
export interface KernelParts {
  /** Without a trailing slash; the root of every issuer and audience. */
  readonly baseUrl: string;
  /** For the hot reads, one round trip each. */
  readonly sql: Sql;
  readonly now: () => Date;
  readonly secrets: Secrets;
  readonly log: Logger;
  /** `LedgerBatch.add`: resolves after the commit; false where `once` was used before, and then nothing was written. */
  readonly record: (
    tenantId: string,
    entry: NewEntry,
    once?: { key: string; expiresAt: Date },
  ) => Promise<boolean>;
  /** A short read-only transaction of one tenant. */
  readonly read: <T>(tenantId: string, work: (ctx: TenantReader) => Promise<T>) => Promise<T>;
  /** A transaction of one tenant that may write. */
  readonly write: <T>(tenantId: string, work: (ctx: TenantWriter) => Promise<T>) => Promise<T>;
  /** For tests: how identity providers are asked. */
  readonly fetch?: typeof fetch;
}

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
]);

/**
 * Waits for the database. Where it is gone, too busy or read-only, throws Fault `unavailable` in place of the driver's error: nothing
 * is ever allowed for want of an answer (law 4).
 * SQLSTATE classes 08 (connection), 28 (login), 53 (resources), 57 (shut down, statement time-out), and 25006, 3D000, 55000 (a standby, a
 * database that is gone or closed to connections): PostgreSQL manual, appendix A.
 */
export async function reach<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
      if (NETWORK.has(code) || /^(?:08|28|53|57)|^(?:25006|3D000|55000)$/.test(code)) {
        throw new Fault(
          'unavailable',
          'The database does not answer, so nothing can be allowed. Try again in a few seconds.',
          {
            detail: { reason: 'database_unavailable', retry_after_seconds: 5 },
            cause: error,
          },
        );
      }
    }
    throw error;
  }
}

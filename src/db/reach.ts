import { Fault } from '#lib/fault.ts';
import { withoutValues } from './without-values.ts';

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

/** All error codes in a chain of causes: SQLSTATEs and codes of Node and postgres.js. */
function codes(error: unknown): string[] {
  const found: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') found.push(cause.code);
  }
  return found;
}

/**
 * Awaits the database. Its errors contain no values of a statement (`withoutValues`). If the database
 * is unreachable, too busy or read-only, throws Fault `unavailable` instead of the driver's error:
 * without an answer, nothing is ever allowed (law 4). SQLSTATE classes 08, 53 and 57, and 25006,
 * 55000, 28000, 28P01 and 3D000 (connection refused): PostgreSQL manual, appendix A.
 */
export async function reach<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Fault) throw error;
    const bare = withoutValues(error);
    throw isUnreachable(error) ? unreachable(bare) : bare;
  }
}

/**
 * How long a query may stay unanswered while others wait behind it, in milliseconds. If a server
 * closes a connection before its refusal was read, postgres.js 3.4.9 reconnects forever and reports
 * nothing. A connection that went silent reports nothing either.
 */
const SILENCE_MS = 5000;

/**
 * The same for a query that others wait behind. No answer within `SILENCE_MS` also throws Fault
 * `unavailable`.
 */
export async function reachInTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unreachable(new Error('no answer'))), SILENCE_MS);
    timer.unref();
  });
  try {
    return await reach(Promise.race([work, silence]));
  } finally {
    clearTimeout(timer);
  }
}

/** Whether an error means that the database is unreachable, too busy or read-only. */
export const isUnreachable = (error: unknown): boolean =>
  codes(error).some(
    (code) => NETWORK.has(code) || /^(?:08|53|57)...$|^(?:25006|55000|28P01|28000|3D000)$/.test(code),
  );

/** Whether an error means that the connection itself was cut. */
export const isLost = (error: unknown): boolean =>
  codes(error).some((code) => NETWORK.has(code) || /^57P0[123]$/.test(code));

/** Whether a statement was cancelled, or took longer than its timeout (SQLSTATE 57014). */
export const isStopped = (error: unknown): boolean => codes(error).includes('57014');

const unreachable = (cause: unknown): Fault =>
  new Fault(
    'unavailable',
    'The database is not responding, so nothing can be decided. Try again in a few seconds.',
    {
      detail: { reason: 'database_unavailable', retry_after_seconds: 5 },
      cause,
    },
  );

/**
 * Whether the database chose this transaction as the victim of a deadlock or serialization conflict.
 * It can be run again.
 */
export const isVictim = (error: unknown): boolean =>
  codes(error).some((code) => code === '40P01' || code === '40001');

/** Whether a row was refused because of this unique index (SQLSTATE 23505). */
export function isDuplicate(error: unknown, index: string): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === '23505')
      return 'constraint_name' in cause && cause.constraint_name === index;
  }
  return false;
}

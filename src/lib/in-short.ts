import { Fault } from './fault.ts';

const LONGEST = 300;

/**
 * What went wrong in one short line, for logs and for what is kept of a failed job: the code and the first line of the innermost cause.
 * A statement of the database and its parameters are never in it: they stand in the errors around that cause.
 */
export function inShort(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined && cause.cause !== null) cause = cause.cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  const outer = error instanceof Fault ? `${error.code}: ` : '';
  const code = cause instanceof Error && 'code' in cause && cause !== error ? `${String(cause.code)} ` : '';
  // drizzle's own error, where it has no cause, quotes the statement.
  const words = said.startsWith('Failed query') ? 'a query failed' : (said.split('\n', 1)[0] ?? '');
  const line = `${outer}${code}${words}`;
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

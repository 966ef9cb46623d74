import { Fault } from './fault.ts';

const LONGEST = 300;

/**
 * An error in one short line, for logs and for the stored reason of a failed job: its code and the first
 * line of the innermost cause. It never contains a database statement or its parameters, which are in the
 * errors around that cause.
 */
export function inShort(error: unknown): string {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined && cause.cause !== null) cause = cause.cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  const outer = error instanceof Fault ? `${error.code}: ` : '';
  const code = cause instanceof Error && 'code' in cause && cause !== error ? `${String(cause.code)} ` : '';
  // drizzle's own error quotes the statement if it has no cause.
  const words = said.startsWith('Failed query') ? 'a query failed' : (said.split('\n', 1)[0] ?? '');
  const line = `${outer}${code}${words}`;
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

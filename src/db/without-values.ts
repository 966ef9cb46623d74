/** SQLSTATE classes whose messages quote values: data exceptions, and errors raised by our own functions. */
const QUOTING = /^(?:22|P0)/;

/** Members of PostgreSQL's errors that contain names of the schema and never values. */
const NAMES = ['schema_name', 'table_name', 'column_name', 'constraint_name', 'routine'] as const;

/**
 * A database error without the statement's values (law 12). drizzle puts every parameter into its
 * message, and PostgreSQL puts whole rows into `detail`; both would end up in logs and in the rows of
 * jobs. SQLSTATE and names stay. Any other error is returned unchanged.
 */
export function withoutValues(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.name === 'PostgresError') return barePostgres(error);
  if (!('query' in error && 'params' in error)) return error;
  const cause = withoutValues(error.cause);
  const why = cause instanceof Error ? cause.message : 'no cause is known';
  return new Error(`A statement failed: ${why}`, { cause });
}

function barePostgres(error: Error): Error {
  const told = error as Error & Readonly<Record<string, unknown>>;
  const code = String(told['code']);
  const bare = new Error(QUOTING.test(code) ? `SQLSTATE ${code}` : `${error.message} (SQLSTATE ${code})`);
  const names = NAMES.flatMap((name) => (told[name] === undefined ? [] : [[name, told[name]] as const]));
  return Object.assign(bare, { name: error.name, code, ...Object.fromEntries(names) });
}

/** SQLSTATE classes whose messages quote values: data exceptions, and what our own functions raise. */
const QUOTING = /^(?:22|P0)/;

/** Members of PostgreSQL's errors that name things of the schema, never contents. */
const NAMES = ['schema_name', 'table_name', 'column_name', 'constraint_name', 'routine'] as const;

/**
 * An error of the database without what the statement carried (law 12): drizzle puts every parameter into its message, and PostgreSQL whole
 * rows into `detail`; both would go to logs and into the rows of jobs. SQLSTATE and names stay. Any other error is answered as it is.
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

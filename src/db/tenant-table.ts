import { sql, type SQL } from 'drizzle-orm';
import { pgPolicy, text, timestamp, type AnyPgColumn } from 'drizzle-orm/pg-core';

/**
 * The row-level security policy of every table with tenants' rows (law 10). A transaction reads and
 * writes only rows of the tenant that it set with `set_config('app.tenant_id', …, true)`, and no rows if
 * it set none. Source: PostgreSQL manual, section 5.9 "Row Security Policies".
 */
export function tenantPolicy(column: AnyPgColumn | SQL = sql.raw('tenant_id')) {
  const mine = sql`${column} = current_setting('app.tenant_id', true)`;
  return pgPolicy('tenant', { as: 'permissive', for: 'all', to: 'public', using: mine, withCheck: mine });
}

/** The tenant of a row. It is the first column of every key and foreign key. */
export const tenantId = () => text('tenant_id').notNull();

/**
 * A column that the database keeps as `folded` makes it of a text (an SQL expression over the row): without
 * regard to case. Compared by `=` it uses an index behind row-level security, which `lower(…)` does not.
 */
export const foldedText = (name: string, of: string) =>
  text(name)
    .notNull()
    .generatedAlwaysAs(sql.raw(`folded(${of})`));

/**
 * A value as the columns of `foldedText` have it, folded by the same function of the database. JavaScript
 * folds other letters in another way.
 */
export const folded = (value: string): SQL<string> => sql`folded(${value}::text)`;

/** The same of many values, as one array. */
export const foldedAll = (values: readonly string[]): SQL =>
  sql`array(select folded(value) from unnest(${sql.param([...values])}::text[]) as value)`;

/** A time with time zone, to the microsecond; a `Date` in TypeScript. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

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

/** A time with time zone, to the microsecond; a `Date` in TypeScript. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

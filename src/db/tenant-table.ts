import { sql, type SQL } from 'drizzle-orm';
import { pgPolicy, text, timestamp, type AnyPgColumn } from 'drizzle-orm/pg-core';

/**
 * The policy that every table of a tenant carries (law 10): a transaction sees and writes the rows of the tenant that it
 * named with `set_config('app.tenant_id', …, true)`, and no row at all when it named none.
 * Source: PostgreSQL manual, section 5.9 "Row Security Policies".
 */
export function tenantPolicy(column: AnyPgColumn | SQL = sql.raw('tenant_id')) {
  const mine = sql`${column} = current_setting('app.tenant_id', true)`;
  return pgPolicy('tenant', { as: 'permissive', for: 'all', to: 'public', using: mine, withCheck: mine });
}

/** The column that puts a row into a tenant; it is the first column of every key and foreign key. */
export const tenantId = () => text('tenant_id').notNull();

/** A moment, with time zone, to the microsecond; a `Date` in TypeScript. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

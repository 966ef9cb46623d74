import { sql } from 'drizzle-orm';
import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** The organisation's own resource servers: what a delegation token may be for beside our own addresses (RFC 8707). */
export const resourceServers = pgTable(
  'resource_servers',
  {
    tenantId: tenantId(),
    /** The https address that stands in `aud`, byte for byte. */
    identifier: text('identifier').notNull(),
    /** Those that a token for it may carry, and a token for nothing else. */
    scopes: text('scopes').array().notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.identifier] }), tenantPolicy()],
);

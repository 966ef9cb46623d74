import { sql } from 'drizzle-orm';
import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/**
 * The organisation's own resource servers: audiences for delegation tokens besides our own
 * addresses (RFC 8707).
 */
export const resourceServers = pgTable(
  'resource_servers',
  {
    tenantId: tenantId(),
    /** The https address in `aud`, byte for byte. */
    identifier: text('identifier').notNull(),
    /** The scopes that a token for it may carry. Tokens for other audiences cannot carry them. */
    scopes: text('scopes').array().notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.identifier] }), tenantPolicy()],
);

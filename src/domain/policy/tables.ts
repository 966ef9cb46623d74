import { sql } from 'drizzle-orm';
import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/**
 * A tenant's own policies, the whole text in one row per version. The highest version is in force,
 * together with the shipped policies that no tenant can remove.
 */
export const policyVersions = pgTable(
  'policy_versions',
  {
    tenantId: tenantId(),
    version: integer('version').notNull(),
    text: text('text').notNull(),
    note: text('note').notNull(),
    callId: text('call_id'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.version] }), tenantPolicy()],
);

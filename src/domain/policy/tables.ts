import { sql } from 'drizzle-orm';
import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** A tenant's own policies, whole, one row a version; the highest version is in force, beside the tenant-wide forbids that ship. */
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

import { sql } from 'drizzle-orm';
import { pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** Background work that failed for good, from the time that IT admins were told until it succeeds again. */
export const jobAlarms = pgTable(
  'job_alarms',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    queue: text('queue').notNull(),
    /** What the work is about: an id, or empty if a tenant has only one of its kind. */
    subject: text('subject').notNull(),
    reason: text('reason').notNull(),
    raisedAt: moment('raised_at')
      .notNull()
      .default(sql`now()`),
    overAt: moment('over_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    uniqueIndex('job_alarms_open')
      .on(table.tenantId, table.queue, table.subject)
      .where(sql`${table.overAt} is null`),
    tenantPolicy(),
  ],
);

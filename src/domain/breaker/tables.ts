import { sql } from 'drizzle-orm';
import { index, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** Departures by source and person, to count a burst. */
export const breakerCounts = pgTable(
  'breaker_counts',
  {
    tenantId: tenantId(),
    source: text('source').notNull(),
    personId: text('person_id').notNull(),
    at: moment('at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.source, table.personId, table.at] }),
    index('breaker_counts_at').on(table.tenantId, table.source, table.at),
    tenantPolicy(),
  ],
);

/** People whose revocation is held back until an administrator decides. */
export const breakerHolds = pgTable(
  'breaker_holds',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    source: text('source').notNull(),
    personId: text('person_id').notNull(),
    reason: text('reason').notNull(),
    /**
     * The first hold of the burst that this hold belongs to. People are notified once per burst,
     * not for each person.
     */
    burst: text('burst').notNull(),
    state: text('state', { enum: ['held', 'applied', 'dismissed'] })
      .notNull()
      .default('held'),
    at: moment('at')
      .notNull()
      .default(sql`now()`),
    decidedAt: moment('decided_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('breaker_holds_state').on(table.tenantId, table.state, table.id),
    index('breaker_holds_burst').on(table.tenantId, table.burst),
    tenantPolicy(),
  ],
);

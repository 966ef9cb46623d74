import { sql } from 'drizzle-orm';
import { index, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** Irreversible changes from one source, one row a person, for counting a burst. */
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

/** A person whose irreversible part is held back until a human has decided. */
export const breakerHolds = pgTable(
  'breaker_holds',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    source: text('source').notNull(),
    personId: text('person_id').notNull(),
    reason: text('reason').notNull(),
    /** The hold with which the burst began that it belongs to: people are told of a burst, not of each person in it. */
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
    index('breaker_holds_state').on(table.tenantId, table.state),
    index('breaker_holds_burst').on(table.tenantId, table.burst),
    tenantPolicy(),
  ],
);

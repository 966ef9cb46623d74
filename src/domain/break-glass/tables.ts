import { sql } from 'drizzle-orm';
import { foreignKey, index, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';
import { approvals } from '../approval/tables.ts';
import { people } from '../person/tables.ts';

/** The people who may use break-glass. Only a governance change edits this list. */
export const breakGlassPeople = pgTable(
  'break_glass_people',
  {
    tenantId: tenantId(),
    personId: text('person_id').notNull(),
    namedAt: moment('named_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.personId] }),
    foreignKey({ columns: [table.tenantId, table.personId], foreignColumns: [people.tenantId, people.id] }),
    tenantPolicy(),
  ],
);

/** Each use of break-glass, with its review. */
export const breakGlassUses = pgTable(
  'break_glass_uses',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    personId: text('person_id').notNull(),
    approvalId: text('approval_id').notNull(),
    why: text('why').notNull(),
    /** How the person was identified. */
    identity: jsonb('identity').$type<Record<string, string>>().notNull(),
    at: moment('at')
      .notNull()
      .default(sql`now()`),
    reviewedBy: text('reviewed_by'),
    reviewedAt: moment('reviewed_at'),
    review: text('review'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    // Law 14: the next use by anyone in the tenant waits for the review of the last.
    uniqueIndex('break_glass_one_open')
      .on(table.tenantId)
      .where(sql`${table.reviewedAt} is null`),
    index('break_glass_uses_at').on(table.tenantId, table.at),
    foreignKey({ columns: [table.tenantId, table.personId], foreignColumns: [people.tenantId, people.id] }),
    foreignKey({
      columns: [table.tenantId, table.approvalId],
      foreignColumns: [approvals.tenantId, approvals.id],
    }),
    tenantPolicy(),
  ],
);

import { sql } from 'drizzle-orm';
import { numeric, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** The tenant's catalogue of scopes: what can be delegated. A scope that is not in it is refused. */
export const scopes = pgTable(
  'scopes',
  {
    tenantId: tenantId(),
    scope: text('scope').notNull(),
    description: text('description').notNull(),
    /** `high`: delegating it needs the approval of people with the approving authority. */
    sensitivity: text('sensitivity', { enum: ['normal', 'high'] })
      .notNull()
      .default('normal'),
    /** Roles whose members may hold it. Empty: anyone whose groups give it. */
    holders: text('holders').array().notNull(),
    /** A mandate with a higher amount is of high value. */
    amountThreshold: numeric('amount_threshold', { precision: 20, scale: 4 }),
    currency: text('currency'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.scope] }), tenantPolicy()],
);

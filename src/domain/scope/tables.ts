import { sql } from 'drizzle-orm';
import { numeric, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** The tenant's catalogue of scopes: what there is to delegate. A scope that is not in it is refused. */
export const scopes = pgTable(
  'scopes',
  {
    tenantId: tenantId(),
    scope: text('scope').notNull(),
    description: text('description').notNull(),
    /** `high`: delegating it needs people who carry the approving authority. */
    sensitivity: text('sensitivity', { enum: ['normal', 'high'] })
      .notNull()
      .default('normal'),
    /** Roles whose members may hold it; empty: whoever's groups give it. */
    holders: text('holders').array().notNull(),
    /** Above this amount a mandate counts as high value. */
    amountThreshold: numeric('amount_threshold', { precision: 20, scale: 4 }),
    currency: text('currency'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.scope] }), tenantPolicy()],
);

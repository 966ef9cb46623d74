import { sql } from 'drizzle-orm';
import { jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** Checks that counted a use, by the caller's idempotency key: a repetition gets the first answer and counts nothing (law 7). */
export const verifiedUses = pgTable(
  'verified_uses',
  {
    tenantId: tenantId(),
    /** SHA-256 over the API key's id and the caller's idempotency key. */
    key: text('key').notNull(),
    /** SHA-256 over the canonical check: the same key for another check is refused. */
    requestDigest: text('request_digest').notNull(),
    /** Null only inside the transaction that is deciding. */
    answer: jsonb('answer').$type<Record<string, unknown>>(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.key] }), tenantPolicy()],
);

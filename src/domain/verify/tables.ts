import { sql } from 'drizzle-orm';
import { jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/**
 * Checks that counted a use, by the caller's idempotency key. A repeated check gets the first
 * answer and counts nothing (law 7).
 */
export const verifiedUses = pgTable(
  'verified_uses',
  {
    tenantId: tenantId(),
    /** SHA-256 of the API key's id and the caller's idempotency key. */
    key: text('key').notNull(),
    /** SHA-256 of the canonical check. The same key with another check is refused. */
    requestDigest: text('request_digest').notNull(),
    /** Null only inside the transaction that decides. */
    answer: jsonb('answer').$type<Record<string, unknown>>(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.key] }), tenantPolicy()],
);

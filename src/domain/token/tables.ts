import { sql } from 'drizzle-orm';
import { index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

export const signingKeys = pgTable(
  'signing_keys',
  {
    tenantId: tenantId(),
    kid: text('kid').notNull(),
    alg: text('alg', { enum: ['ES256'] }).notNull(),
    publicJwk: jsonb('public_jwk').$type<Record<string, unknown>>().notNull(),
    /** PKCS#8, sealed with the installation's key (`lib/seal.ts`). */
    sealedPrivateKey: text('sealed_private_key').notNull(),
    createdAt: moment('created_at').notNull().default(sql`now()`),
    retiredAt: moment('retired_at'),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.kid] }), tenantPolicy()],
);

/** What may be used once: client assertions' `jti`, Slack signatures. The key is a digest, never the thing itself. */
export const replays = pgTable(
  'replays',
  { tenantId: tenantId(), key: text('key').notNull(), expiresAt: moment('expires_at').notNull() },
  (table) => [primaryKey({ columns: [table.tenantId, table.key] }), index('replays_expiry').on(table.expiresAt), tenantPolicy()],
);

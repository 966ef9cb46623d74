import { sql } from 'drizzle-orm';
import { index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** The tenant's token signing keys, retired ones included. */
export const signingKeys = pgTable(
  'signing_keys',
  {
    tenantId: tenantId(),
    kid: text('kid').notNull(),
    alg: text('alg', { enum: ['ES256'] }).notNull(),
    publicJwk: jsonb('public_jwk').$type<Record<string, unknown>>().notNull(),
    /** PKCS#8, sealed with the installation's key (`Secrets.seal` in `lib/crypto.ts`). */
    sealedPrivateKey: text('sealed_private_key').notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    /** When it begins to sign. It is published from `createdAt` on. Null: it signs at once. */
    activeFrom: moment('active_from'),
    retiredAt: moment('retired_at'),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.kid] }), tenantPolicy()],
);

/**
 * Things that may be used only once, such as the `jti` of client assertions and Slack signatures.
 * The key is a digest.
 */
export const replays = pgTable(
  'replays',
  { tenantId: tenantId(), key: text('key').notNull(), expiresAt: moment('expires_at').notNull() },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.key] }),
    index('replays_expiry').on(table.expiresAt),
    tenantPolicy(),
  ],
);

/** Tokens that were revoked individually (RFC 7009), kept until they would have expired. */
export const tokenDenials = pgTable(
  'token_denials',
  { tenantId: tenantId(), jti: text('jti').notNull(), expiresAt: moment('expires_at').notNull() },
  (table) => [primaryKey({ columns: [table.tenantId, table.jti] }), tenantPolicy()],
);

/** State of the browser sign-in: sessions, grants, codes and refresh tokens, one row each, by kind. */
export const oidcModels = pgTable(
  'oidc_models',
  {
    tenantId: tenantId(),
    kind: text('kind').notNull(),
    id: text('id').notNull(),
    payload: jsonb('payload').$type<Record<string, unknown>>().notNull(),
    accountId: text('account_id').generatedAlwaysAs(sql`payload ->> 'accountId'`),
    grantId: text('grant_id'),
    uid: text('uid'),
    userCode: text('user_code'),
    expiresAt: moment('expires_at'),
    consumedAt: moment('consumed_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.kind, table.id] }),
    index('oidc_models_account').on(table.tenantId, table.accountId),
    index('oidc_models_grant').on(table.tenantId, table.grantId),
    index('oidc_models_uid').on(table.tenantId, table.kind, table.uid),
    index('oidc_models_expiry').on(table.expiresAt),
    tenantPolicy(),
  ],
);

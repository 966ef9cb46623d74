import { sql } from 'drizzle-orm';
import { boolean, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';
import type { TenantSettings } from './settings.ts';

/** Tenants: the customer organisations. */
export const tenants = pgTable(
  'tenants',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    status: text('status', { enum: ['active', 'frozen'] })
      .notNull()
      .default('active'),
    /** The person who froze it. They cannot approve lifting the freeze. */
    frozenBy: text('frozen_by'),
    frozenReason: text('frozen_reason'),
    /** Raised to end everything that was issued before. */
    epoch: integer('epoch').notNull().default(0),
    slackTeamId: text('slack_team_id').unique(),
    settings: jsonb('settings').$type<TenantSettings>().notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  () => [tenantPolicy(sql.raw('id'))],
);

/** API keys, revoked ones included. */
export const apiKeys = pgTable(
  'api_keys',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    /**
     * SHA-256 of the whole presented secret (`mk_live_…`). No key stretching is needed: the secret
     * has 256 random bits.
     */
    hash: text('hash').notNull(),
    /** What the key may do: one of `KEY_SCOPES`, or a tool's name. */
    scopes: text('scopes').array().notNull(),
    /** The provider that a SCIM key acts for (`okta`, `entra`). */
    source: text('source'),
    /** The identifier of the resource server that holds the key. Null: none. */
    resource: text('resource'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    revokedAt: moment('revoked_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    uniqueIndex('api_keys_hash').on(table.tenantId, table.hash),
    tenantPolicy(),
  ],
);

/** The token issuers that a tenant trusts. */
export const identityProviders = pgTable(
  'identity_providers',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    kind: text('kind', { enum: ['OKTA', 'ENTRA', 'COGNITO', 'OIDC'] }).notNull(),
    issuer: text('issuer').notNull(),
    audience: text('audience').notNull(),
    enabled: boolean('enabled').notNull().default(true),
    /** What only this kind needs: Entra's tenant id, Cognito's client ids. */
    config: jsonb('config').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    uniqueIndex('identity_providers_issuer').on(table.tenantId, table.issuer),
    tenantPolicy(),
  ],
);

/** Links to the tenant's organisation at a vendor. */
export const connections = pgTable(
  'connections',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    vendor: text('vendor', { enum: ['okta'] }).notNull(),
    orgUrl: text('org_url').notNull(),
    /** The credential, encrypted with the installation's key (`Secrets.seal` in `lib/crypto.ts`). */
    sealedCredential: text('sealed_credential').notNull(),
    /** Whether address and credential follow the installation's settings. True for one tenant at most. */
    fromSettings: boolean('from_settings').notNull().default(false),
    lastSyncAt: moment('last_sync_at'),
    lastSync: jsonb('last_sync').$type<Record<string, unknown>>(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('connections_vendor').on(table.tenantId, table.vendor),
    tenantPolicy(),
  ],
);

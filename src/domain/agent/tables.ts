import { sql } from 'drizzle-orm';
import {
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';
import { people } from '../person/tables.ts';

export const agents = pgTable(
  'agents',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    ownerId: text('owner_id').notNull(),
    /** The most that any mandate may give it. */
    ceiling: text('ceiling').array().notNull(),
    /** Where its keys are published, instead of keys of its own here. */
    jwksUrl: text('jwks_url'),
    /** SHA-256 of its generated secret, where it has one. */
    secretHash: text('secret_hash'),
    /** The identity of its workload, in a trust domain whose bundle the tenant has. */
    spiffeId: text('spiffe_id'),
    /** The person who is asked to take it over after its owner has left. */
    offeredTo: text('offered_to'),
    status: text('status', { enum: ['active', 'disabled', 'frozen'] })
      .notNull()
      .default('active'),
    /** Why it does not work (`AgentCause`); `status` follows from them, and it is active when none is left. */
    causes: text('causes')
      .array()
      .notNull()
      .default(sql`'{}'`),
    epoch: integer('epoch').notNull().default(0),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    updatedAt: moment('updated_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    uniqueIndex('agents_name').on(table.tenantId, sql`lower(${table.name})`),
    uniqueIndex('agents_spiffe_id').on(table.tenantId, table.spiffeId),
    index('agents_owner').on(table.tenantId, table.ownerId),
    foreignKey({ columns: [table.tenantId, table.ownerId], foreignColumns: [people.tenantId, people.id] }),
    tenantPolicy(),
  ],
);

export const agentKeys = pgTable(
  'agent_keys',
  {
    tenantId: tenantId(),
    agentId: text('agent_id').notNull(),
    /** RFC 7638 thumbprint of the key: its `kid` in client assertions. */
    kid: text('kid').notNull(),
    alg: text('alg', { enum: ['ES256', 'RS256'] }).notNull(),
    publicJwk: jsonb('public_jwk').$type<Record<string, unknown>>().notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    revokedAt: moment('revoked_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.agentId, table.kid] }),
    foreignKey({ columns: [table.tenantId, table.agentId], foreignColumns: [agents.tenantId, agents.id] }),
    tenantPolicy(),
  ],
);

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
import { foldedText, moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';
import { people } from '../person/tables.ts';

/** Agents, in every state. */
export const agents = pgTable(
  'agents',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    nameFolded: foldedText('name_folded', 'name'),
    ownerId: text('owner_id').notNull(),
    /** The scopes that any mandate may give it at most. */
    ceiling: text('ceiling').array().notNull(),
    /** The address of its JWKS, instead of keys that are stored here. */
    jwksUrl: text('jwks_url'),
    /** SHA-256 of its generated secret, or null. */
    secretHash: text('secret_hash'),
    /** The SPIFFE ID of its workload, in a trust domain whose bundle the tenant has. */
    spiffeId: text('spiffe_id'),
    /** The person who is asked to take it over after its owner left. */
    offeredTo: text('offered_to'),
    status: text('status', { enum: ['active', 'disabled', 'frozen'] })
      .notNull()
      .default('active'),
    /** Why it does not work (`AgentCause`). `status` follows from them: it is active if there are none. */
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
    uniqueIndex('agents_name').on(table.tenantId, table.nameFolded),
    uniqueIndex('agents_spiffe_id').on(table.tenantId, table.spiffeId),
    index('agents_owner').on(table.tenantId, table.ownerId),
    foreignKey({ columns: [table.tenantId, table.ownerId], foreignColumns: [people.tenantId, people.id] }),
    tenantPolicy(),
  ],
);

/** The public keys of agents, retired ones included. */
export const agentKeys = pgTable(
  'agent_keys',
  {
    tenantId: tenantId(),
    agentId: text('agent_id').notNull(),
    /** RFC 7638 thumbprint of the key. Client assertions name it as `kid`. */
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

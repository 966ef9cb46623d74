import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import { foldedText, moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';
import { agents } from '../agent/tables.ts';
import { people } from '../person/tables.ts';
import type { MandateTerms } from './asked.ts';
import type { MandateWindow } from './window.ts';

/** Mandates, in every state. A mandate that waits for approval is a waiting call and has no row here yet. */
export const mandates = pgTable(
  'mandates',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    principalId: text('principal_id').notNull(),
    agentId: text('agent_id').notNull(),
    scopes: text('scopes').array().notNull(),
    /** Patterns over immutable ids (`domain/mandate/resources.ts`). */
    resources: text('resources').array().notNull(),
    /** Names of the tools that may be used. Null: every tool whose scope is held. */
    tools: text('tools').array(),
    /** The most that one use may be worth, in `currency`. Null: amounts are not limited. */
    amount: numeric('amount', { precision: 20, scale: 4 }),
    currency: text('currency'),
    /** The hours of the week in which it works. Null: always. */
    window: jsonb('window').$type<MandateWindow>(),
    /** Its place in the tenant's Token Status List. Random, so that it reveals nothing. */
    statusIndex: integer('status_index'),
    maxUses: integer('max_uses'),
    uses: integer('uses').notNull().default(0),
    purpose: text('purpose').notNull(),
    offline: boolean('offline').notNull().default(false),
    parentId: text('parent_id'),
    /** The number of further levels of sub-delegation that it allows. */
    depth: integer('depth').notNull().default(0),
    state: text('state', { enum: ['active', 'frozen', 'revoked', 'expired'] })
      .notNull()
      .default('active'),
    reason: text('reason'),
    epoch: integer('epoch').notNull().default(0),
    callId: text('call_id').notNull(),
    startsAt: moment('starts_at').notNull(),
    expiresAt: moment('expires_at').notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    endedAt: moment('ended_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('mandates_principal').on(table.tenantId, table.principalId, table.id),
    // Lists are read newest first, for one state after the other (`list.ts`).
    index('mandates_agent').on(table.tenantId, table.agentId, table.state, table.id),
    index('mandates_state').on(table.tenantId, table.state, table.id),
    uniqueIndex('mandates_status_index').on(table.tenantId, table.statusIndex),
    index('mandates_parent').on(table.tenantId, table.parentId, table.id),
    index('mandates_expiry')
      .on(table.tenantId, table.expiresAt)
      .where(sql`${table.state} in ('active', 'frozen')`),
    foreignKey({
      columns: [table.tenantId, table.principalId],
      foreignColumns: [people.tenantId, people.id],
    }),
    foreignKey({ columns: [table.tenantId, table.agentId], foreignColumns: [agents.tenantId, agents.id] }),
    foreignKey({
      columns: [table.tenantId, table.parentId],
      foreignColumns: [table.tenantId, table.id],
      name: 'mandates_parent_fk',
    }),
    check('mandates_uses', sql`${table.maxUses} is null or ${table.uses} <= ${table.maxUses}`),
    tenantPolicy(),
  ],
);

/** Why a mandate is frozen. It thaws when the last cause is lifted. */
export const mandateFreezes = pgTable(
  'mandate_freezes',
  {
    tenantId: tenantId(),
    mandateId: text('mandate_id').notNull(),
    cause: text('cause').notNull(),
    since: moment('since')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.mandateId, table.cause] }),
    foreignKey({
      columns: [table.tenantId, table.mandateId],
      foreignColumns: [mandates.tenantId, mandates.id],
    }),
    tenantPolicy(),
  ],
);

/** Terms that people pick instead of typing them: "Reset MFA for my team, 7 days". */
export const mandateTemplates = pgTable(
  'mandate_templates',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    name: text('name').notNull(),
    nameFolded: foldedText('name_folded', 'name'),
    description: text('description').notNull(),
    terms: jsonb('terms').$type<Omit<MandateTerms, 'agent'>>().notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    uniqueIndex('mandate_templates_name').on(table.tenantId, table.nameFolded),
    tenantPolicy(),
  ],
);

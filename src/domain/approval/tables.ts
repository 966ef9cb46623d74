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
import { calls } from '../call/tables.ts';
import { people } from '../person/tables.ts';
import type { Impact } from '../impact.ts';
import type { ApprovalState, Requirement } from './approval.ts';

/** Approvals, in every state. */
export const approvals = pgTable(
  'approvals',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    callId: text('call_id').notNull(),
    /** Keyed digest of exactly what is approved (law 6). */
    digest: text('digest').notNull(),
    requirements: jsonb('requirements').$type<Requirement[]>().notNull(),
    impact: jsonb('impact').$type<Impact>().notNull(),
    state: text('state').$type<ApprovalState>().notNull().default('pending'),
    /** Raised by every change. A click on an older version has no effect. */
    version: integer('version').notNull().default(1),
    reason: text('reason'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    expiresAt: moment('expires_at').notNull(),
    remindedAt: moment('reminded_at'),
    escalatedAt: moment('escalated_at'),
    decidedAt: moment('decided_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('approvals_pending')
      .on(table.tenantId, table.expiresAt)
      .where(sql`${table.state} = 'pending'`),
    foreignKey({ columns: [table.tenantId, table.callId], foreignColumns: [calls.tenantId, calls.id] }),
    tenantPolicy(),
  ],
);

/** Votes on approvals. They are never changed. */
export const votes = pgTable(
  'votes',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    approvalId: text('approval_id').notNull(),
    voterId: text('voter_id').notNull(),
    vote: text('vote', { enum: ['approve', 'deny'] }).notNull(),
    note: text('note'),
    /** What a denier would accept instead, in words and terms. */
    suggestion: jsonb('suggestion').$type<Record<string, unknown>>(),
    /** How the voter was identified: `{surface, account, matched_by}`. */
    identity: jsonb('identity').$type<Record<string, string>>().notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    // One vote per person (law 5).
    uniqueIndex('votes_once').on(table.tenantId, table.approvalId, table.voterId),
    foreignKey({
      columns: [table.tenantId, table.approvalId],
      foreignColumns: [approvals.tenantId, approvals.id],
    }),
    foreignKey({ columns: [table.tenantId, table.voterId], foreignColumns: [people.tenantId, people.id] }),
    tenantPolicy(),
  ],
);

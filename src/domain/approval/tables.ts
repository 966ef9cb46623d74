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
    index('approvals_state').on(table.tenantId, table.state, table.id),
    index('approvals_pending')
      .on(table.tenantId, table.expiresAt, table.id)
      .where(sql`${table.state} = 'pending'`),
    foreignKey({ columns: [table.tenantId, table.callId], foreignColumns: [calls.tenantId, calls.id] }),
    tenantPolicy(),
  ],
);

/**
 * Whom an approval may concern, so that lists find it from that side: a row for each party. The lasting ones
 * are `asked_by:<person>`, `about:<person>`, `agent:<agent>`, `mandate:<mandate>` and `voter:<person>`. Until
 * it is decided there is one for each rule that may ask somebody as well, not for the people whom the rule
 * names at the moment: `role:`, `group:`, `anyone:`, `person:`, `manager:<person>` (whoever manages them) and
 * `owner:<agent>`. So a person is asked under another rule from the moment that they are, and nothing here
 * has to follow. A row gives no right to see or to decide anything. Triggers keep the rows.
 */
export const approvalParties = pgTable(
  'approval_parties',
  {
    tenantId: tenantId(),
    party: text('party').notNull(),
    approvalId: text('approval_id').notNull(),
    /** When the approval expires; null once it is decided. */
    expiresAt: moment('expires_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.party, table.approvalId] }),
    index('approval_parties_approval').on(table.tenantId, table.approvalId),
    index('approval_parties_urgent')
      .on(table.tenantId, table.party, table.expiresAt, table.approvalId)
      .where(sql`${table.expiresAt} is not null`),
    index('approval_parties_pending')
      .on(table.tenantId, table.party, table.approvalId)
      .where(sql`${table.expiresAt} is not null`),
    foreignKey({
      columns: [table.tenantId, table.approvalId],
      foreignColumns: [approvals.tenantId, approvals.id],
    }),
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

import { sql } from 'drizzle-orm';
import { boolean, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';
import type { Actor } from '../actor.ts';
import type { CallError, CallState, SavedDecision } from './call.ts';

/** Requests by their callers' idempotency keys: a repetition is the same call, or gets the same answer (law 7). */
export const repeats = pgTable(
  'repeats',
  {
    tenantId: tenantId(),
    /** Keyed digest of the caller and the key. */
    key: text('key').notNull(),
    /** Keyed digest of what was asked. */
    request: text('request').notNull(),
    /** What it began; null where that is no call. */
    callId: text('call_id'),
    /** The sealed answer of what is no call; null while it is under way. */
    answer: text('answer'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.key] }), tenantPolicy()],
);

export const calls = pgTable(
  'calls',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    tool: text('tool').notNull(),
    /** One line for people: "Reset multi-factor for Ann Lee". */
    summary: text('summary').notNull(),
    actor: jsonb('actor').$type<Actor>().notNull(),
    principalId: text('principal_id'),
    agentId: text('agent_id'),
    mandateId: text('mandate_id'),
    /** Ids of the targets, for finding the calls about a thing. */
    targets: text('targets').array().notNull(),
    input: jsonb('input').$type<Record<string, unknown>>().notNull(),
    /** Keyed digest of tool and canonical input (law 12): equal for identical calls, tells nothing of the input. */
    inputDigest: text('input_digest').notNull(),
    reason: text('reason'),
    state: text('state').$type<CallState>().notNull(),
    decision: jsonb('decision').$type<SavedDecision>(),
    /** What an act saw before its first try. */
    before: jsonb('before').$type<Record<string, unknown>>(),
    result: jsonb('result').$type<Record<string, unknown>>(),
    error: jsonb('error').$type<CallError>(),
    attempt: integer('attempt').notNull().default(0),
    /** A try of an act may have taken effect: it was begun, and the provider has not said that it did nothing. */
    unanswered: boolean('unanswered').notNull().default(false),
    approvalId: text('approval_id'),
    /** The call that replaced this one when what was approved had drifted (law 6). */
    successorId: text('successor_id'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    updatedAt: moment('updated_at')
      .notNull()
      .default(sql`now()`),
    settledAt: moment('settled_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('calls_principal').on(table.tenantId, table.principalId, table.id),
    index('calls_mandate').on(table.tenantId, table.mandateId),
    // One waiting call for one question (law 7): the same actor, principal, mandate, tool and input attach to it.
    uniqueIndex('calls_waiting_once')
      .on(table.tenantId, table.inputDigest)
      .where(sql`${table.state} = 'waiting'`),
    // What a freeze withdraws, piece by piece.
    index('calls_waiting')
      .on(table.tenantId, table.id)
      .where(sql`${table.state} = 'waiting'`),
    index('calls_open')
      .on(table.tenantId, table.state)
      .where(sql`${table.state} in ('waiting', 'ready', 'running')`),
    tenantPolicy(),
  ],
);

import { sql } from 'drizzle-orm';
import { boolean, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';
import type { Actor } from '../actor.ts';
import type { CallError, CallState, SavedDecision } from './call.ts';

/**
 * Requests by their callers' idempotency keys. A repeated request is the same call, or gets the
 * same answer (law 7).
 */
export const repeats = pgTable(
  'repeats',
  {
    tenantId: tenantId(),
    /** Keyed digest of the caller and the key. */
    key: text('key').notNull(),
    /** Keyed digest of the request. */
    request: text('request').notNull(),
    /** The call that it started; null if the request is not a call. */
    callId: text('call_id'),
    /** The encrypted answer to a request that is not a call; null while it is in progress. */
    answer: text('answer'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.key] }), tenantPolicy()],
);

/** Calls, in every state. */
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
    /** Ids of the targets, to find the calls about an object. */
    targets: text('targets').array().notNull(),
    input: jsonb('input').$type<Record<string, unknown>>().notNull(),
    /**
     * Keyed digest of tool and canonical input (law 12). Equal for identical calls; reveals nothing
     * about the input.
     */
    inputDigest: text('input_digest').notNull(),
    reason: text('reason'),
    state: text('state').$type<CallState>().notNull(),
    decision: jsonb('decision').$type<SavedDecision>(),
    /** What an `act` tool observed before its first attempt. */
    before: jsonb('before').$type<Record<string, unknown>>(),
    result: jsonb('result').$type<Record<string, unknown>>(),
    error: jsonb('error').$type<CallError>(),
    attempt: integer('attempt').notNull().default(0),
    /**
     * An attempt of an act may have taken effect: it was started, and the provider has not said
     * that it did nothing.
     */
    unanswered: boolean('unanswered').notNull().default(false),
    approvalId: text('approval_id'),
    /** The call that replaced this one because what was approved had changed (law 6). */
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
    index('calls_mandate').on(table.tenantId, table.mandateId, table.id),
    index('calls_agent').on(table.tenantId, table.agentId, table.id),
    index('calls_state').on(table.tenantId, table.state, table.id),
    index('calls_tool').on(table.tenantId, table.tool, table.state, table.id),
    // One waiting call per question (law 7): a repeated call by the same actor with the same
    // principal, mandate, tool and input joins it.
    uniqueIndex('calls_waiting_once')
      .on(table.tenantId, table.inputDigest)
      .where(sql`${table.state} = 'waiting'`),
    // For freezes, which withdraw waiting calls in parts.
    index('calls_waiting')
      .on(table.tenantId, table.id)
      .where(sql`${table.state} = 'waiting'`),
    index('calls_open')
      .on(table.tenantId, table.state)
      .where(sql`${table.state} in ('waiting', 'ready', 'running')`),
    tenantPolicy(),
  ],
);

/** The people that a call is about, so that lists find it by them. A trigger keeps the rows. */
export const callTargets = pgTable(
  'call_targets',
  { tenantId: tenantId(), personId: text('person_id').notNull(), callId: text('call_id').notNull() },
  (table) => [primaryKey({ columns: [table.tenantId, table.personId, table.callId] }), tenantPolicy()],
);

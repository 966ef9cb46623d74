import { sql } from 'drizzle-orm';
import { index, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/** Every copy of a thing that stands in Slack, so that a change edits all of them. */
export const slackMessages = pgTable(
  'slack_messages',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    /** What it shows: the id of a call, a mandate, a summary … */
    thing: text('thing').notNull(),
    /** `approver` or `requester`: the same thing, drawn for another reader. */
    audience: text('audience').notNull(),
    personId: text('person_id'),
    channel: text('channel').notNull(),
    ts: text('ts'),
    renderedHash: text('rendered_hash'),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    updatedAt: moment('updated_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('slack_messages_thing').on(table.tenantId, table.thing),
    tenantPolicy(),
  ],
);

/**
 * One message to a person about many mandates, or requests, that ended or froze together. It collects what
 * follows within minutes, because a large change is made in pieces.
 */
export const slackSummaries = pgTable(
  'slack_summaries',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    /** Who reads it. */
    personId: text('person_id').notNull(),
    /** What happened to all of it: `frozen`, `revoked`, `expired` (mandates) or `withdrawn` (calls). */
    change: text('change').notNull(),
    /** When something was last added. */
    updatedAt: moment('updated_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    index('slack_summaries_person').on(table.tenantId, table.personId, table.change, table.updatedAt),
    tenantPolicy(),
  ],
);

/**
 * What a summary counts. A person is told of one change of a mandate or call once, so it is in one summary.
 */
export const slackSummaryItems = pgTable(
  'slack_summary_items',
  {
    tenantId: tenantId(),
    personId: text('person_id').notNull(),
    /** The mandate's or call's id. */
    thing: text('thing').notNull(),
    /** The audience of the notice in whose place it stands: `mandate-frozen-1796083015813`, `outcome`. */
    audience: text('audience').notNull(),
    summaryId: text('summary_id').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.thing, table.personId, table.audience] }),
    index('slack_summary_items_summary').on(table.tenantId, table.summaryId, table.thing),
    tenantPolicy(),
  ],
);

/**
 * A form that a person has open: bound to that person, used once. `private_metadata` holds its id and nothing
 * else.
 */
export const slackDrafts = pgTable(
  'slack_drafts',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    slackUser: text('slack_user').notNull(),
    /** What was typed, as JSON, sealed for this draft: a person may type anything. */
    sealed: text('data').notNull(),
    expiresAt: moment('expires_at').notNull(),
    usedAt: moment('used_at'),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.id] }), tenantPolicy()],
);

/**
 * Commands, clicks and forms that Slack was told we have, until they are done: written before the
 * acknowledgement, in the transaction that spends their keys. `doneAt` is set in the transaction of the call
 * that one led to, so that nothing is done twice.
 */
export const slackIntake = pgTable(
  'slack_intake',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    /** The request's body as JSON, sealed for this row: it holds what was typed, and a response URL. */
    sealed: text('sealed').notNull(),
    receivedAt: moment('received_at').notNull(),
    doneAt: moment('done_at'),
    callId: text('call_id'),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.id] }), tenantPolicy()],
);

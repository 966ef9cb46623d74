import { sql } from 'drizzle-orm';
import { bigint, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';

/**
 * The ledger. Append-only: the server's database role may insert and select, but not update or
 * delete (migration `functions_and_rights`).
 */
export const ledger = pgTable(
  'ledger',
  {
    tenantId: tenantId(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    id: text('id').notNull(),
    at: moment('at').notNull(),
    event: text('event').notNull(),
    actor: text('actor').notNull(),
    data: jsonb('data').$type<Record<string, unknown>>().notNull(),
    prevHash: text('prev_hash').notNull(),
    hash: text('hash').notNull(),
    /** The search terms of the entry (`append.ts`). They are not hashed, because they follow from what is. */
    things: text('things')
      .array()
      .notNull()
      .default(sql`'{}'`),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.seq] }), tenantPolicy()],
);

/**
 * Every 256 entries that follow each other are a chapter: chapter 1 has the numbers 1 to 256. The times of a
 * chapter say where to look for a moment. `ledger_append` adds a chapter when it is complete; the server can
 * neither change nor delete it.
 */
export const ledgerChapters = pgTable(
  'ledger_chapters',
  {
    tenantId: tenantId(),
    chapter: bigint('chapter', { mode: 'number' }).notNull(),
    /** The earliest and the latest time of an entry in it. Times may be out of order: clocks differ. */
    earliest: moment('earliest').notNull(),
    latest: moment('latest').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.chapter] }), tenantPolicy()],
);

/**
 * The index of the chapters: where a search term occurs. Besides the terms of the entries (`append.ts`), each
 * entry counts under `is ` and the name of its event. Added with the chapter, and as unchangeable.
 */
export const ledgerMentions = pgTable(
  'ledger_mentions',
  {
    tenantId: tenantId(),
    thing: text('thing').notNull(),
    chapter: bigint('chapter', { mode: 'number' }).notNull(),
    seqs: bigint('seqs', { mode: 'number' }).array().notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.thing, table.chapter] }), tenantPolicy()],
);

/** The end of each tenant's chain. It is locked last in a transaction (law 11). */
export const ledgerHeads = pgTable(
  'ledger_heads',
  {
    tenantId: tenantId().primaryKey(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    hash: text('hash').notNull(),
  },
  () => [tenantPolicy()],
);

/** Signed states of a chain. A copy that is kept elsewhere proves that no entries are missing at the end. */
export const ledgerCheckpoints = pgTable(
  'ledger_checkpoints',
  {
    tenantId: tenantId(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    hash: text('hash').notNull(),
    at: moment('at').notNull(),
    /** A JWS over `{tenant, seq, hash, at}` by the tenant's signing key. */
    jws: text('jws').notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.seq] }), tenantPolicy()],
);

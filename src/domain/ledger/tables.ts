import { sql } from 'drizzle-orm';
import { bigint, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
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
  (table) => [
    primaryKey({ columns: [table.tenantId, table.seq] }),
    index('ledger_things').using('gin', table.things),
    index('ledger_at').using('brin', table.at),
    index('ledger_event').on(table.tenantId, table.event, table.seq),
    tenantPolicy(),
  ],
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

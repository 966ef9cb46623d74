import { sql } from 'drizzle-orm';
import { foreignKey, index, integer, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { foldedText, moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';
import { people } from '../person/tables.ts';

/** Groups of the directory, and our own group of administrators. */
export const groups = pgTable(
  'groups',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    /** The source of the group: the provider's directory (`okta`), or our own (`prokura`). */
    source: text('source').notNull(),
    uid: text('uid').notNull(),
    name: text('name').notNull(),
    /** The beginning, because an index takes no more. */
    nameFolded: foldedText('name_folded', 'left(name, 200)'),
    kind: text('kind').notNull(),
    /** Raised whenever members are removed. A list of members that was read before must not put them back. */
    removals: integer('removals').notNull().default(0),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    uniqueIndex('groups_source').on(table.tenantId, table.source, table.uid),
    index('groups_name').on(table.tenantId, table.nameFolded),
    tenantPolicy(),
  ],
);

/** Which people are members of which groups. */
export const memberships = pgTable(
  'memberships',
  { tenantId: tenantId(), groupId: text('group_id').notNull(), personId: text('person_id').notNull() },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.groupId, table.personId] }),
    index('memberships_person').on(table.tenantId, table.personId),
    foreignKey({ columns: [table.tenantId, table.groupId], foreignColumns: [groups.tenantId, groups.id] }),
    foreignKey({ columns: [table.tenantId, table.personId], foreignColumns: [people.tenantId, people.id] }),
    tenantPolicy(),
  ],
);

/**
 * What a group gives its members: a role, and scopes that they may use and delegate. Identified by source
 * and immutable id, so a mapping may exist before its group is known.
 */
export const groupMappings = pgTable(
  'group_mappings',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    source: text('source').notNull(),
    groupUid: text('group_uid').notNull(),
    role: text('role').notNull(),
    scopes: text('scopes').array().notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    uniqueIndex('group_mappings_once').on(table.tenantId, table.source, table.groupUid, table.role),
    tenantPolicy(),
  ],
);

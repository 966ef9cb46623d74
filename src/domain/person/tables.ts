import { sql } from 'drizzle-orm';
import {
  boolean,
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
import type { PersonStatus } from '../provider.ts';

export const people = pgTable(
  'people',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    /** `okta`, `entra`, …: with `uid` the canonical subject `oidc:<provider>:<uid>`. */
    provider: text('provider').notNull(),
    uid: text('uid').notNull(),
    login: text('login').notNull(),
    email: text('email').notNull(),
    displayName: text('display_name').notNull(),
    firstName: text('first_name').notNull().default(''),
    lastName: text('last_name').notNull().default(''),
    employeeNumber: text('employee_number'),
    title: text('title'),
    department: text('department'),
    managerRef: text('manager_ref'),
    managerId: text('manager_id'),
    /** The provider's status as it was last read there. */
    status: text('status').$type<PersonStatus>().notNull(),
    /** What SCIM last said, or null where SCIM does not manage this person. */
    scimActive: boolean('scim_active'),
    scimId: text('scim_id'),
    /** The SCIM resource as the client sent it, without what has a column. */
    scimDoc: jsonb('scim_doc').$type<Record<string, unknown>>(),
    /** Set by *revoke sessions*; lifted by *restore sessions*. */
    held: boolean('held').notNull().default(false),
    /** Whoever froze everything that this person delegates; they give no new mandate until it is lifted. */
    delegationFrozenBy: text('delegation_frozen_by'),
    /** Raised whenever tokens that were issued before must die. */
    epoch: integer('epoch').notNull().default(0),
    /** Tokens of the provider that were issued up to this moment are void here; set with `epoch`, since the provider does not know of it. */
    tokensNotBefore: moment('tokens_not_before'),
    version: integer('version').notNull().default(1),
    /** When their work email last changed to another one: Slack accounts that we do not know yet are not taken for them by it, until somebody relinks them. */
    emailChangedAt: moment('email_changed_at'),
    /** Since when the provider has proved that it does not know this person (a 404); null while it does. */
    missingAt: moment('missing_at'),
    /** When the read began by which the provider last told us of this person and of their groups, asked about them alone; null: never. */
    checkedAt: moment('checked_at'),
    /** When the read began by which the provider last told us of this person. */
    readAt: moment('read_at')
      .notNull()
      .default(sql`now()`),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    updatedAt: moment('updated_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.id] }),
    uniqueIndex('people_subject').on(table.tenantId, table.provider, table.uid),
    uniqueIndex('people_scim').on(table.tenantId, table.scimId),
    index('people_email').on(table.tenantId, sql`lower(${table.email})`),
    index('people_login').on(table.tenantId, sql`lower(${table.login})`),
    index('people_scim_external').on(table.tenantId, sql`(${table.scimDoc} ->> 'externalId')`),
    index('people_manager').on(table.tenantId, table.managerId),
    foreignKey({
      columns: [table.tenantId, table.managerId],
      foreignColumns: [table.tenantId, table.id],
      name: 'people_manager_fk',
    }),
    tenantPolicy(),
  ],
);

/** Which person a Slack account has been, and the email that it had when we first saw it: a changed one is refused. */
export const slackAccounts = pgTable(
  'slack_accounts',
  {
    tenantId: tenantId(),
    slackUser: text('slack_user').notNull(),
    personId: text('person_id').notNull(),
    firstEmail: text('first_email').notNull(),
    createdAt: moment('created_at')
      .notNull()
      .default(sql`now()`),
    /** The last other account that showed this person's email: it is nobody's. */
    contestedBy: text('contested_by'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.slackUser] }),
    // One person has one account: another that shows their address is not theirs by that.
    uniqueIndex('slack_accounts_person').on(table.tenantId, table.personId),
    tenantPolicy(),
  ],
);

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
import { foldedText, moment, tenantId, tenantPolicy } from '../../db/tenant-table.ts';
import type { PersonStatus } from '../provider.ts';

/** People, from the identity provider and from SCIM. */
export const people = pgTable(
  'people',
  {
    tenantId: tenantId(),
    id: text('id').notNull(),
    /** `okta`, `entra`, … With `uid` it forms the canonical subject `oidc:<provider>:<uid>`. */
    provider: text('provider').notNull(),
    uid: text('uid').notNull(),
    login: text('login').notNull(),
    email: text('email').notNull(),
    displayName: text('display_name').notNull(),
    loginFolded: foldedText('login_folded', 'login'),
    emailFolded: foldedText('email_folded', 'email'),
    /** The beginning, because an index takes no more. */
    nameFolded: foldedText('name_folded', 'left(display_name, 200)'),
    firstName: text('first_name').notNull().default(''),
    lastName: text('last_name').notNull().default(''),
    employeeNumber: text('employee_number'),
    title: text('title'),
    department: text('department'),
    managerRef: text('manager_ref'),
    managerId: text('manager_id'),
    /** The provider's status when it was last read. */
    status: text('status').$type<PersonStatus>().notNull(),
    /** What SCIM last said, or null if SCIM does not manage this person. */
    scimActive: boolean('scim_active'),
    scimId: text('scim_id'),
    /** The SCIM resource as the client sent it, without the fields that have a column. */
    scimDoc: jsonb('scim_doc').$type<Record<string, unknown>>(),
    externalId: text('external_id').generatedAlwaysAs(sql`scim_doc ->> 'externalId'`),
    /** Whether the person's sessions are on hold. A held person may not act. No tool sets this yet. */
    held: boolean('held').notNull().default(false),
    /**
     * The person who froze everything that this person delegates. Until it is lifted, they can give
     * no new mandate.
     */
    delegationFrozenBy: text('delegation_frozen_by'),
    /** Raised to void all tokens that were issued before. */
    epoch: integer('epoch').notNull().default(0),
    /**
     * The provider's tokens that were issued up to this moment are void here. Set together with
     * `epoch`, because the provider does not know about it.
     */
    tokensNotBefore: moment('tokens_not_before'),
    version: integer('version').notNull().default(1),
    /**
     * When their work email last changed to another one. From then on, unknown Slack accounts are
     * not matched to them by email until an administrator relinks them.
     */
    emailChangedAt: moment('email_changed_at'),
    /** When the provider proved that it does not know this person (a 404); null while it does. */
    missingAt: moment('missing_at'),
    /**
     * When the last read began that was for this person alone and showed them and their groups;
     * null if never.
     */
    checkedAt: moment('checked_at'),
    /** When the last read began that showed this person. */
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
    index('people_email').on(table.tenantId, table.emailFolded.op('text_pattern_ops')),
    index('people_login').on(table.tenantId, table.loginFolded.op('text_pattern_ops')),
    index('people_name').on(table.tenantId, table.nameFolded),
    index('people_number').on(table.tenantId, table.employeeNumber),
    index('people_scim_external').on(table.tenantId, table.externalId),
    index('people_manager').on(table.tenantId, table.managerId),
    foreignKey({
      columns: [table.tenantId, table.managerId],
      foreignColumns: [table.tenantId, table.id],
      name: 'people_manager_fk',
    }),
    tenantPolicy(),
  ],
);

/**
 * What people can be searched by as somebody types: each end of their name that begins with a word, their
 * login and their email, all folded. People who are deprovisioned have none. The database keeps it.
 */
export const personWords = pgTable(
  'person_words',
  { tenantId: tenantId(), personId: text('person_id').notNull(), word: text('word').notNull() },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.personId, table.word] }),
    index('person_words_word').on(table.tenantId, table.word.op('text_pattern_ops'), table.personId),
    foreignKey({
      columns: [table.tenantId, table.personId],
      foreignColumns: [people.tenantId, people.id],
    }).onDelete('cascade'),
    tenantPolicy(),
  ],
);

/**
 * The person that a Slack account was first matched to, and its email at that time. A changed email
 * is refused.
 */
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
    /** The last other account that showed this person's email. It is matched to nobody. */
    contestedBy: text('contested_by'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.slackUser] }),
    // One account per person: another account does not become theirs by showing their address.
    uniqueIndex('slack_accounts_person').on(table.tenantId, table.personId),
    tenantPolicy(),
  ],
);

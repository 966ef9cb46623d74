/**
 * Glossary.
 * - *tenant*: one customer organisation. Every row belongs to exactly one tenant.
 * - *principal*: the person on whose authority something is done. *delegate*: the agent that acts for them.
 * - *actor*: who is calling now: a person, an agent for a principal, or a service key.
 * - *mandate*: a principal lets an agent use scopes, under constraints, until it expires, for a purpose.
 * - *scope*: an opaque name of something that may be done (`okta.mfa.reset`), matched exactly.
 * - *authority*: the roles and scopes that a person's groups give at this moment. It is always derived.
 * - *call*: one use of one tool by one actor. *approval*: a question to eligible people about exactly one
 *   call.
 * - *event*: something that has happened, in the past tense. Subscribers get it after the commit.
 * - *standing*: whether the tenant, person, agent and mandate are in a state in which they may act at all.
 *
 * Each tool gets one of the contexts below as its first argument. The context limits what the tool can do:
 * a `write` cannot reach Okta, a `read` cannot update, and only `engine/transact.ts` opens a transaction.
 */
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Actor } from './actor.ts';
import type { CallDesk } from './call/desk.ts';
import type { Denial } from './denial.ts';
import type { DomainEvent } from './events.ts';
import type { NewEntry } from './ledger/entry.ts';
import type { PolicyDesk } from './policy/desk.ts';
import type { Actions, Factor, PersonStatus } from './provider.ts';

declare const inTransaction: unique symbol;

/**
 * Read access inside a transaction that has set its tenant. It is branded, so the pool itself does not fit.
 */
export type ReadDb = Pick<PostgresJsDatabase, 'select' | 'selectDistinct' | 'execute' | '$count'> & {
  readonly [inTransaction]: true;
};

/** Read and write access inside a transaction that has set its tenant. */
export type WriteDb = ReadDb & Pick<PostgresJsDatabase, 'insert' | 'update' | 'delete'>;

/** Our rows, as one tenant sees them. */
export interface TenantReader {
  readonly tenantId: string;
  readonly now: Date;
  readonly db: ReadDb;
}

/** Our rows, changed in one commit with their ledger entries, events and jobs (law 3). */
export interface TenantWriter extends TenantReader {
  readonly db: WriteDb;
  /** Adds a ledger entry. The entry joins the chain when the transaction commits. */
  record(entry: NewEntry): void;
  /** Adds an event. Every subscriber gets a job when the transaction commits. */
  emit(event: DomainEvent): void;
  /** Adds a job, which runs at `startAfter` if given. */
  enqueue(queue: string, data: Readonly<Record<string, string | number | null>>, startAfter?: Date): void;
}

/**
 * What would happen if the actor called a tool now. Explaining runs nothing, asks nobody and records nothing.
 */
export interface Explanation {
  readonly tool: string;
  readonly allowed: boolean;
  /** What must be approved first, and who can approve it at this moment; none where it is refused. */
  readonly approvals: readonly {
    readonly policy: string;
    readonly reason: string;
    readonly approvers: readonly string[];
    readonly quorum: number;
  }[];
  readonly policies: readonly string[];
  readonly denial: Denial | null;
}

/** For tools that read our rows. */
export interface ReadContext extends TenantReader {
  readonly actor: Actor;
  /** Every tool, with the scope that it needs (`implied`: every mandate holds it). */
  readonly tools: readonly {
    readonly name: string;
    readonly title: string;
    readonly scope: string;
    readonly effects: string;
    readonly only?: 'people';
  }[];
  /**
   * Decides about another tool for the same actor. Throws Fault `not_found` if there is no such tool or
   * target, and `invalid_input` if the input does not fit.
   */
  explain(tool: string, input: Readonly<Record<string, unknown>>): Promise<Explanation>;
  /** The address of this server, without a trailing slash. */
  readonly baseUrl: string;
  /** The page on which an approval is decided in a browser. */
  readonly approvalPage: (approvalId: string) => string;
  /** For governance tools: what the policies say, and what changed policies would say. */
  readonly policy: PolicyDesk;
}

/** For tools that change our rows. `callId` names the call that is running. */
export interface WriteContext extends TenantWriter {
  readonly actor: Actor;
  readonly callId: string;
  /** For tools that decide about other calls. */
  readonly calls: CallDesk;
  /** For tools of governance. */
  readonly policy: PolicyDesk;
  /** Encrypts a secret with the installation's key (`lib/crypto.ts`). No tool decrypts. */
  readonly seal: (plain: string, about: string) => string;
}

/** A person as the provider shows them now. `id` is ours, or null if the person has not been imported. */
export interface FoundPerson {
  readonly id: string | null;
  readonly uid: string;
  readonly status: PersonStatus;
  readonly displayName: string;
  readonly email: string;
  readonly title: string | null;
  readonly department: string | null;
}

/** The identity provider's directory, addressed by our own person ids. Faults as in `provider.ts`. */
export interface PersonDirectory {
  find(query: string, limit: number): Promise<FoundPerson[]>;
  status(person: string): Promise<PersonStatus>;
  factors(person: string): Promise<Factor[]>;
  /**
   * Names of administrator roles, or null if the provider does not let us see them. Unknown counts as
   * privileged.
   */
  adminRoles(person: string): Promise<string[] | null>;
  passwordChanged(person: string): Promise<string | null>;
}

/** The same abilities, each for a person of ours. */
type ByPerson<Abilities> = { readonly [Ability in keyof Abilities]: (person: string) => Promise<void> };

/** The identity provider's actions, addressed by our own person ids. Faults as in `provider.ts`. */
export interface PersonActions extends ByPerson<Actions> {}

/** For tools that ask the provider. It holds no transaction. */
export interface LookContext {
  readonly tenantId: string;
  readonly now: Date;
  readonly actor: Actor;
  readonly directory: PersonDirectory;
  /** A short read-only transaction for our own rows. */
  read<T>(work: (reader: TenantReader) => Promise<T>): Promise<T>;
}

/** For the one step of an `act` tool that changes something at the provider. */
export interface ActContext {
  readonly tenantId: string;
  readonly actions: PersonActions;
  readonly signal: AbortSignal;
}

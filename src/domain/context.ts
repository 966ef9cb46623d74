/**
 * Glossary.
 * - *tenant*: one customer organisation; every row below belongs to exactly one.
 * - *principal*: the person on whose authority something is done. *delegate*: the agent that a mandate lets act for them.
 * - *actor*: who is calling now: a person, an agent for a principal, or a service key.
 * - *mandate*: principal lets agent use scopes, under constraints, until expiry, for a purpose.
 * - *scope*: an opaque name of something that may be done (`okta.mfa.reset`), matched exactly.
 * - *authority*: the roles and scopes that a person's groups give at this moment; derived, never typed in.
 * - *call*: one use of one tool by one actor. *approval*: a question to eligible people about exactly one call.
 * - *fact*: something that has become true, delivered to subscribers after the commit.
 * - *standing*: whether tenant, person, agent and mandate are such that anything may be asked at all.
 *
 * Each call gets one of the contexts below as its first argument. What a context lacks cannot be done with it: a `write` has no
 * way to Okta, a `read` cannot update, and nobody can open a transaction but `engine/transact.ts`.
 */
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Actor } from './actor.ts';
import type { CallDesk } from './call/desk.ts';
import type { Denial } from './denial.ts';
import type { Fact } from './facts.ts';
import type { NewEntry } from './ledger/entry.ts';
import type { PolicyDesk } from './policy/desk.ts';
import type { Factor, PersonStatus } from './provider.ts';

declare const inTransaction: unique symbol;

/** Reading inside a transaction that has named its tenant. Branded: the pool itself does not fit. */
export type ReadDb = Pick<PostgresJsDatabase, 'select' | 'selectDistinct' | 'execute' | '$count'> & {
  readonly [inTransaction]: true;
};

/** Reading and changing inside a transaction that has named its tenant. */
export type WriteDb = ReadDb & Pick<PostgresJsDatabase, 'insert' | 'update' | 'delete'>;

/** Our rows, as one tenant sees them. */
export interface TenantReader {
  readonly tenantId: string;
  readonly now: Date;
  readonly db: ReadDb;
}

/** Our rows, changed together with their ledger entries, facts and jobs, or not at all (law 3). */
export interface TenantWriter extends TenantReader {
  readonly db: WriteDb;
  /** Adds a ledger entry; it is chained when the transaction commits. */
  record(entry: NewEntry): void;
  /** Adds a fact; every subscriber gets a job when the transaction commits. */
  emit(fact: Fact): void;
  /** Adds a job of our own, at `startAfter` where given. */
  enqueue(queue: string, data: Readonly<Record<string, string | number | null>>, startAfter?: Date): void;
}

/** What would happen if the actor called a tool now; nothing is called, asked or recorded. */
export interface Explanation {
  readonly tool: string;
  readonly allowed: boolean;
  /** What must be approved first, and by whom at this moment. */
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
  /** Every tool that there is, with the scope that it needs (`implied`: held by every mandate). */
  readonly tools: readonly {
    readonly name: string;
    readonly title: string;
    readonly scope: string;
    readonly effects: string;
    readonly only?: 'people';
  }[];
  /** Decides for the same actor about another tool. Fault `not_found` where tool or target is not there, `invalid_input` where the input does not fit. */
  explain(tool: string, input: Readonly<Record<string, unknown>>): Promise<Explanation>;
  /** The address of this server, without a slash at its end. */
  readonly baseUrl: string;
  /** Where an approval is decided in a browser. */
  readonly approvalPage: (approvalId: string) => string;
  /** For tools of governance: what policies say, and what others would say. */
  readonly policy: PolicyDesk;
}

/** For tools that change our rows. `callId` names the call that is running. */
export interface WriteContext extends TenantWriter {
  readonly actor: Actor;
  readonly callId: string;
  /** For tools that decide about other calls. */
  readonly calls: CallDesk;
}

/** A person as the provider shows them now; `id` is ours, or null where the person has not been imported. */
export interface FoundPerson {
  readonly id: string | null;
  readonly uid: string;
  readonly status: PersonStatus;
  readonly displayName: string;
  readonly email: string;
  readonly title: string | null;
  readonly department: string | null;
}

/** The identity provider's directory, asked by our own person ids. Faults as in `provider.ts`. */
export interface PersonDirectory {
  find(query: string, limit: number): Promise<FoundPerson[]>;
  status(person: string): Promise<PersonStatus>;
  factors(person: string): Promise<Factor[]>;
  /** Names of administrator roles, or null where the provider does not let us see them: unknown counts as privileged. */
  adminRoles(person: string): Promise<string[] | null>;
  passwordChanged(person: string): Promise<string | null>;
}

/** The identity provider's actions, by our own person ids. */
export interface PersonActions {
  resetPassword(person: string): Promise<void>;
  resetFactors(person: string): Promise<void>;
  suspend(person: string): Promise<void>;
}

/** For tools that ask the provider; it holds no transaction. */
export interface LookContext {
  readonly tenantId: string;
  readonly now: Date;
  readonly actor: Actor;
  readonly directory: PersonDirectory;
  /** A short read-only transaction for our own rows. */
  read<T>(work: (reader: TenantReader) => Promise<T>): Promise<T>;
}

/** For the one step of an act that changes the world. */
export interface ActContext {
  readonly tenantId: string;
  readonly actions: PersonActions;
  readonly signal: AbortSignal;
}

import type { Sql } from 'postgres';
import type { Secrets } from '#lib/crypto.ts';
import type { Logger } from '#lib/log.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { NewEntry } from '../ledger/entry.ts';
import type { Once } from '../ledger/store.ts';

/** What the token kernel is made of. The engine hands it in: this room opens no transaction. */
export interface KernelParts {
  /** Without a trailing slash; the root of every issuer and audience. */
  readonly baseUrl: string;
  /** For the hot reads, one round trip each. */
  readonly sql: Sql;
  readonly now: () => Date;
  readonly secrets: Secrets;
  readonly log: Logger;
  /** `LedgerBatch.add`: resolves after the commit with null; or with the first key of `once` that was used before, and then nothing was written or used up. Fault `unavailable` where the database is gone. */
  readonly record: (tenantId: string, entry: NewEntry, once?: readonly Once[]) => Promise<string | null>;
  /** A short read-only transaction of one tenant. */
  readonly read: <T>(tenantId: string, work: (ctx: TenantReader) => Promise<T>) => Promise<T>;
  /** A transaction of one tenant that may write. */
  readonly write: <T>(tenantId: string, work: (ctx: TenantWriter) => Promise<T>) => Promise<T>;
  /** Reads a person at the identity provider again. Throws nothing: where that does not succeed, what is known of them stays too old, and the answer is no. */
  readonly readAgain: (tenantId: string, personId: string) => Promise<unknown>;
  /** True in a sandbox: an agent or an identity provider may publish its keys on loopback, without TLS. */
  readonly loopbackKeys?: boolean;
  /** Issuers that the settings of this server name: asked wherever their hosts are. What a tenant adds is asked at public addresses only. */
  readonly operatorIssuers?: readonly string[];
  /** How many exchanges one subject gets in a minute, in this process; without it there is no limit. */
  readonly exchangesPerMinute?: number;
  /** For tests: how identity providers are asked. */
  readonly fetch?: typeof fetch;
}

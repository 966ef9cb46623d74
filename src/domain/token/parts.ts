import type { Sql } from 'postgres';
import type { Secrets } from '#lib/crypto.ts';
import type { Logger } from '#lib/log.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import type { NewEntry } from '../ledger/entry.ts';
import type { Once } from '../ledger/store.ts';

/** What the token kernel needs. The engine provides it, because this code opens no transaction of its own. */
export interface KernelParts {
  /** Without a trailing slash. Every issuer and audience begins with it. */
  readonly baseUrl: string;
  /** For the reads on the hot path, one round trip each. */
  readonly sql: Sql;
  readonly now: () => Date;
  readonly secrets: Secrets;
  readonly log: Logger;
  /**
   * `LedgerBatch.add`. Resolves after the commit: with null, or with the first key of `once` that was used
   * before; then nothing was written or spent. Fault `unavailable` if the database cannot be reached.
   */
  readonly record: (tenantId: string, entry: NewEntry, once?: readonly Once[]) => Promise<string | null>;
  /** A short read-only transaction of one tenant. */
  readonly read: <T>(tenantId: string, work: (ctx: TenantReader) => Promise<T>) => Promise<T>;
  /** A transaction of one tenant that may write. */
  readonly write: <T>(tenantId: string, work: (ctx: TenantWriter) => Promise<T>) => Promise<T>;
  /**
   * Reads a person at the identity provider again. Never throws: if the read fails, the directory data
   * stays too old and the request is refused.
   */
  readonly readAgain: (tenantId: string, personId: string) => Promise<unknown>;
  /** True in a sandbox: agents and identity providers may publish their keys on loopback, without TLS. */
  readonly loopbackKeys?: boolean;
  /**
   * Issuers from this server's settings. They may be at any address. Issuers that a tenant adds must be
   * at public ones.
   */
  readonly operatorIssuers?: readonly string[];
  /** Exchanges per minute that one subject gets in this process. No limit if absent. */
  readonly exchangesPerMinute?: number;
  /** For tests: replaces the requests to identity providers. */
  readonly fetch?: typeof fetch;
}

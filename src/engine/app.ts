import type { Database } from '#db/pool.ts';
import type { JobQueue } from '#db/queue.ts';
import type { DomainEventName } from '#domain/events.ts';
import type { ProviderLink } from '#domain/provider.ts';
import type { ApiKeyCheck } from '#domain/tenant/api-key.ts';
import type { Secrets } from '#lib/crypto.ts';
import type { Logger } from '#lib/log.ts';
import type { Catalogue } from './catalogue.ts';
import type { PolicyBook } from './decide/policies.ts';
import type { NewEntry } from '#domain/ledger/entry.ts';
import type { Once } from '#domain/ledger/store.ts';
import type { SettledCalls } from './settled.ts';

/**
 * Writes ledger entries that need no other change (reads, denials, tokens). Many requests share one
 * transaction.
 */
export interface LedgerBatch {
  /**
   * Resolves when the entry has committed, so the caller answers only then (law 11). Resolves with null if it
   * was written.
   *
   * `once` lists keys that can be used one time each. If any was used before, by any process, nothing is
   * written, no key is used up, and the call resolves with that key. So exactly one of many concurrent
   * callers gets null.
   */
  add(tenantId: string, entry: NewEntry, once?: readonly Once[]): Promise<string | null>;
}

/** What one process shares. `main` creates one; tests create one per database. */
export interface App {
  /**
   * The root of every URL and issuer that we publish: `https://prokura.example`, without a trailing slash.
   */
  readonly baseUrl: string;
  readonly mode: 'sandbox' | 'live';
  readonly log: Logger;
  readonly now: () => Date;
  /** Connected as the server's database role, so row-level security applies. */
  readonly database: Database;
  readonly queue: JobQueue;
  readonly secrets: Secrets;
  readonly catalogue: Catalogue;
  readonly policies: PolicyBook;
  /** For each event, the queues that receive it. */
  readonly subscribers: Readonly<Partial<Record<DomainEventName, readonly string[]>>>;
  readonly settled: SettledCalls;
  readonly ledgerBatch: LedgerBatch;
  /** Finds the API key that an Authorization header carries. */
  readonly apiKey: ApiKeyCheck;
  /**
   * The issuer at which people sign in with a browser, or null if none is set up. Without it there is no
   * step-up.
   */
  readonly loginIssuer: string | null;
  /**
   * The issuers that this server's settings name. They are fetched even when their hosts have private
   * addresses.
   */
  readonly operatorIssuers: readonly string[];
  /** The tenant's link to its identity provider. Throws Fault `unavailable` if none is set up. */
  provider(tenantId: string): Promise<ProviderLink>;
}

import type { Database } from '#db/pool.ts';
import type { JobQueue } from '#db/queue.ts';
import type { DomainEventName } from '#domain/events.ts';
import type { ProviderLink } from '#domain/provider.ts';
import type { ApiKeyCheck } from '#domain/tenant/api-key.ts';
import type { Secrets } from '#lib/crypto.ts';
import type { Logger } from '#lib/log.ts';
import type { Catalogue } from './catalogue.ts';
import type { PolicyBook } from './decide/policies.ts';
import type { LedgerBatch } from './record.ts';
import type { SettledCalls } from './settled.ts';

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

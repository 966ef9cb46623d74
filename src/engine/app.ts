import type { Database } from '#db/pool.ts';
import type { JobQueue } from '#db/queue.ts';
import type { FactName } from '#domain/facts.ts';
import type { ProviderLink } from '#domain/provider.ts';
import type { ApiKeyCheck } from '#domain/tenant/api-key.ts';
import type { Secrets } from '#lib/crypto.ts';
import type { Logger } from '#lib/log.ts';
import type { Catalogue } from './catalogue.ts';
import type { PolicyBook } from './decide/policies.ts';
import type { LedgerBatch } from './record.ts';
import type { SettledCalls } from './settled.ts';

/** Everything that one process shares; `main` makes one, tests make one for each database. */
export interface App {
  /** `https://prokura.example`, without a trailing slash: the root of every URL and issuer that we publish. */
  readonly baseUrl: string;
  readonly mode: 'sandbox' | 'live';
  readonly log: Logger;
  readonly now: () => Date;
  /** Connected as the server's role: row-level security binds it. */
  readonly database: Database;
  readonly queue: JobQueue;
  readonly secrets: Secrets;
  readonly catalogue: Catalogue;
  readonly policies: PolicyBook;
  /** Which queues hear of which fact. */
  readonly subscribers: Readonly<Partial<Record<FactName, readonly string[]>>>;
  readonly settled: SettledCalls;
  readonly ledgerBatch: LedgerBatch;
  /** Finds the API key of an Authorization header. */
  readonly apiKey: ApiKeyCheck;
  /** The issuer that people sign in at in a browser; null: nowhere, and so no step-up either. */
  readonly loginIssuer: string | null;
  /** The issuers that the settings of this server name; they are asked wherever their hosts are. */
  readonly operatorIssuers: readonly string[];
  /** The tenant's link to its identity provider; Fault `unavailable` where none is set up. */
  provider(tenantId: string): Promise<ProviderLink>;
}

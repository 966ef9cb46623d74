import { LRUCache } from 'lru-cache';
import type { Sql } from 'postgres';
import { reachInTime } from '#db/reach.ts';
import { gather } from '#lib/gather.ts';
import type { IdentityProvider } from '../../store.ts';

/** The token issuers that a tenant trusted at some moment. */
export interface Configured {
  /** The database's text for the list: equal texts mean equal lists. */
  readonly version: string;
  readonly list: readonly IdentityProvider[];
}

/** The providers that tenants trust, for checking tokens. */
export interface ConfiguredProviders {
  /**
   * The providers now, read after the request arrived (law 4). Fault `unavailable` if the database
   * cannot be reached.
   */
  now(tenantId: string): Promise<Configured>;
  /**
   * The providers as last read, at any time in the past; undefined if they were never read or were
   * forgotten. A check against them counts only after a strict read has shown the same `version`.
   */
  seen(tenantId: string): Configured | undefined;
  /** The providers for a version that a strict read returned. */
  of(tenantId: string, version: string): Configured;
  /** Forgets all cached providers. */
  flush(): void;
}

/** The number of tenants whose providers are cached, and their total size in bytes. */
const KEPT_TENANTS = { max: 5000, maxSize: 16 * 1024 * 1024 };

/**
 * Creates the reader of providers. Reads that are started together become one query per tenant
 * (`lib/gather.ts`).
 */
export function configuredProviders(sql: Sql): ConfiguredProviders {
  const known = new LRUCache<string, Configured>(KEPT_TENANTS);
  const now = gather<null, Configured>(async (tenantId, asked) => {
    const [row] = await reachInTime(
      sql<{ version: string }[]>`select hot_providers(${tenantId}) as version where primary_only()`.then(
        (rows) => [...rows],
      ),
    );
    const configured = of(tenantId, row?.version ?? '[]');
    return asked.map(() => configured);
  });

  function of(tenantId: string, version: string): Configured {
    const kept = known.get(tenantId);
    if (kept?.version === version) return kept;
    const fresh = { version, list: JSON.parse(version) as IdentityProvider[] };
    known.set(tenantId, fresh, { size: tenantId.length + version.length });
    return fresh;
  }

  return {
    now: (tenantId) => now(tenantId, null),
    seen: (tenantId) => known.get(tenantId),
    of,
    flush: () => known.clear(),
  };
}

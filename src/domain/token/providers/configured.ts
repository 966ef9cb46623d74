import type { Sql } from 'postgres';
import { reachInTime } from '#db/reach.ts';
import { boundedMap } from '#lib/bounded-map.ts';
import { gather } from '#lib/gather.ts';
import type { IdentityProvider } from '../store.ts';

/** The token issuers that a tenant trusts, at some moment. */
export interface Configured {
  /** Equal where they are equal: the text in which the database lists them. */
  readonly version: string;
  readonly list: readonly IdentityProvider[];
}

/** What tenants trust, for checking tokens. */
export interface ConfiguredProviders {
  /** As it is: read after the question was asked (law 4). Fault `unavailable` where the database is gone. */
  now(tenantId: string): Promise<Configured>;
  /**
   * As it was when it was last read, however long ago that is; undefined where it never was, or was forgotten. Nothing may come of a check
   * against it before a strict read has shown the same `version`.
   */
  seen(tenantId: string): Configured | undefined;
  /** What a strict read has shown by its version. */
  of(tenantId: string, version: string): Configured;
  flush(): void;
}

/** Tenants whose providers are kept, and how much there may be of them, in bytes. */
const KEPT_TENANTS = { entries: 5000, bytes: 16 * 1024 * 1024 };

export function configuredProviders(sql: Sql): ConfiguredProviders {
  const known = boundedMap<Configured>(KEPT_TENANTS);
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
    known.set(tenantId, fresh, tenantId.length + version.length);
    return fresh;
  }

  return {
    now: (tenantId) => now(tenantId, null),
    seen: (tenantId) => known.get(tenantId),
    of,
    flush: () => known.clear(),
  };
}

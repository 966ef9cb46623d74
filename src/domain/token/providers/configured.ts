import type { Sql } from 'postgres';
import { reach } from '#db/reach.ts';
import type { IdentityProvider } from '../store.ts';
import { perTurn } from '../per-turn.ts';

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
   * As it was when it was last read, however long ago that is; read now where it never was. Nothing may come of a check against it
   * before a strict read has shown the same `version`.
   */
  seen(tenantId: string): Promise<Configured>;
  /** What a strict read has shown by its version. */
  of(tenantId: string, version: string): Configured;
  flush(): void;
}

const MAX_TENANTS = 5000;

export function configuredProviders(sql: Sql): ConfiguredProviders {
  const known = new Map<string, Configured>();
  const read = perTurn<Configured>(async (tenantId, keys) => {
    const [row] = await reach(
      sql<{ version: string }[]>`select hot_providers(${tenantId}) as version`.then((rows) => [...rows]),
    );
    return new Map(keys.map((key) => [key, of(tenantId, row?.version ?? '[]')]));
  });

  function of(tenantId: string, version: string): Configured {
    const kept = known.get(tenantId);
    if (kept?.version === version) return kept;
    const oldest = known.keys().next();
    if (known.size >= MAX_TENANTS && oldest.done !== true) known.delete(oldest.value);
    const fresh = { version, list: JSON.parse(version) as IdentityProvider[] };
    known.set(tenantId, fresh);
    return fresh;
  }

  const now = async (tenantId: string) => (await read(tenantId, '')) ?? { version: '[]', list: [] };
  return {
    now,
    seen: async (tenantId) => known.get(tenantId) ?? now(tenantId),
    of,
    flush: () => known.clear(),
  };
}

import { LRUCache } from 'lru-cache';
import { reach } from '#db/reach.ts';
import type { KernelParts } from './parts.ts';

/**
 * The tenant of an agent, or the tenant itself; null if it does not exist. Fault `unavailable` if the
 * database cannot be reached.
 */
export type TenantLookup = (kind: 'agent' | 'tenant', id: string) => string | null | Promise<string | null>;

const MAX_LOOKUPS = 10_000;

/**
 * Creates the lookup. Found answers are cached without expiry, because ids never move to another tenant and
 * tenants are never deleted. At most `MAX_LOOKUPS` are kept; the least recently used
 * goes first.
 */
export function createTenantLookup(parts: Pick<KernelParts, 'sql'>): TenantLookup {
  const known = new LRUCache<string, string>({ max: MAX_LOOKUPS });

  async function ask(kind: 'agent' | 'tenant', id: string): Promise<string | null> {
    const [row] = await reach(
      parts.sql<{ tenant: string | null }[]>`select tenant_of(${kind}, ${id}) as tenant`.then((rows) => [
        ...rows,
      ]),
    );
    const tenant = row?.tenant ?? null;
    if (tenant !== null) known.set(id, tenant);
    return tenant;
  }

  return (kind, id) => known.get(id) ?? ask(kind, id);
}

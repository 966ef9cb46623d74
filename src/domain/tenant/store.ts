import { eq } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { tenants } from './tables.ts';

export type Tenant = typeof tenants.$inferSelect;

/** The tenant that the transaction has named. Throws where it is not there: a tenant id that got here was verified. */
export async function theTenant(reader: TenantReader): Promise<Tenant> {
  const [row] = await reader.db.select().from(tenants).where(eq(tenants.id, reader.tenantId));
  if (row === undefined) throw new Error(`tenant ${reader.tenantId} is not there`);
  return row;
}

/**
 * Holds the tenant's row until the commit: `share` for what relies on its settings, `no key update` for what changes them. Foreign keys do not wait
 * for either (PostgreSQL manual, section 13.3.2).
 */
export async function holdTenant(ctx: TenantWriter, lock: 'share' | 'no key update'): Promise<void> {
  await ctx.db.select({ id: tenants.id }).from(tenants).where(eq(tenants.id, ctx.tenantId)).for(lock);
}

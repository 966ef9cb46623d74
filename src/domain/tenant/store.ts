import { eq } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { tenants } from './tables.ts';

/** A row of `tenants`. */
export type Tenant = typeof tenants.$inferSelect;

/**
 * The tenant of the transaction. Throws if it does not exist, because a tenant id is verified before
 * it gets here.
 */
export async function theTenant(reader: TenantReader): Promise<Tenant> {
  const [row] = await reader.db.select().from(tenants).where(eq(tenants.id, reader.tenantId));
  if (row === undefined) throw new Error(`tenant ${reader.tenantId} is not there`);
  return row;
}

/**
 * Locks the tenant's row until the commit: `share` for code that relies on its settings, `no key update`
 * for code that changes them. Foreign keys wait for neither (PostgreSQL manual, section 13.3.2).
 */
export async function holdTenant(ctx: TenantWriter, lock: 'share' | 'no key update'): Promise<void> {
  await ctx.db.select({ id: tenants.id }).from(tenants).where(eq(tenants.id, ctx.tenantId)).for(lock);
}

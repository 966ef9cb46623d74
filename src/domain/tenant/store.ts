import { eq } from 'drizzle-orm';
import type { TenantReader } from '../context.ts';
import { tenants } from './tables.ts';

export type Tenant = typeof tenants.$inferSelect;

/** The tenant that the transaction has named. Throws where it is not there: a tenant id that got here was verified. */
export async function theTenant(reader: TenantReader): Promise<Tenant> {
  const [row] = await reader.db.select().from(tenants).where(eq(tenants.id, reader.tenantId));
  if (row === undefined) throw new Error(`tenant ${reader.tenantId} is not there`);
  return row;
}

import { and, eq } from 'drizzle-orm';
import type { Secrets } from '#lib/crypto.ts';
import { canonicalJson } from '#lib/json.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { connections } from './tables.ts';

/** The link to a tenant's Okta organisation, with its decrypted credential. For the gateway only. */
export interface Connection {
  readonly id: string;
  readonly orgUrl: string;
  readonly credential: Readonly<Record<string, unknown>>;
  /**
   * Whether it follows the installation's settings (`replaceCredential` at start). Other connections are
   * changed only by their tenant.
   */
  readonly fromSettings: boolean;
}

/** The tenant's Okta connection with its decrypted credential, or null. For the gateway only. */
export async function oktaConnection(reader: TenantReader, secrets: Secrets): Promise<Connection | null> {
  const [row] = await reader.db
    .select()
    .from(connections)
    .where(and(eq(connections.tenantId, reader.tenantId), eq(connections.vendor, 'okta')));
  if (row === undefined) return null;
  return {
    id: row.id,
    orgUrl: row.orgUrl,
    fromSettings: row.fromSettings,
    credential: JSON.parse(secrets.unseal(row.sealedCredential, sealedAs(row.id))) as Record<string, unknown>,
  };
}

/**
 * Replaces the connection's address and credential if they differ, so that a rotated key in the settings
 * takes effect at the next start.
 */
export async function replaceCredential(
  ctx: TenantWriter,
  secrets: Secrets,
  connection: Connection,
  orgUrl: string,
  credential: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (connection.orgUrl === orgUrl && canonicalJson(connection.credential) === canonicalJson(credential))
    return;
  await ctx.db
    .update(connections)
    .set({ orgUrl, sealedCredential: sealCredential(secrets, connection.id, credential) })
    .where(and(eq(connections.tenantId, ctx.tenantId), eq(connections.id, connection.id)));
  ctx.record({ event: 'key_rotated', actor: 'prokura', data: { connection: connection.id, okta: orgUrl } });
}

/**
 * Saves the report of a directory read. If the read was complete, also saves when it began: this decides how
 * long memberships can be relied on.
 */
export async function noteSync(
  ctx: TenantWriter,
  vendor: string,
  report: Record<string, unknown>,
  complete: { readonly begun: Date } | null,
): Promise<void> {
  await ctx.db
    .update(connections)
    .set({ lastSync: report, ...(complete === null ? {} : { lastSyncAt: complete.begun }) })
    .where(and(eq(connections.tenantId, ctx.tenantId), eq(connections.vendor, vendor as 'okta')));
}

/** When the last read of the whole directory began, or null if there was none. */
export async function lastSync(reader: TenantReader): Promise<Date | null> {
  const [row] = await reader.db
    .select({ at: connections.lastSyncAt })
    .from(connections)
    .where(eq(connections.tenantId, reader.tenantId));
  return row?.at ?? null;
}

const sealedAs = (id: string): string => `connection:${id}`;

/** The credential as it is stored: encrypted, and bound to its connection. */
export const sealCredential = (
  secrets: Secrets,
  id: string,
  credential: Readonly<Record<string, unknown>>,
): string => secrets.seal(JSON.stringify(credential), sealedAs(id));

import { and, asc, eq } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { resourceServers } from './tables.ts';

/**
 * A resource server of the organisation: an audience for tokens besides our own addresses, with the scopes
 * that such tokens may carry.
 */
export interface ResourceServer {
  readonly identifier: string;
  readonly scopes: readonly string[];
}

/** All of the tenant's resource servers, ordered by identifier. */
export async function resourceServersOf(reader: TenantReader): Promise<ResourceServer[]> {
  const { identifier, scopes } = resourceServers;
  return reader.db
    .select({ identifier, scopes })
    .from(resourceServers)
    .where(eq(resourceServers.tenantId, reader.tenantId))
    .orderBy(asc(identifier));
}

/** The resource server with this identifier, or null. */
export async function findResourceServer(
  reader: TenantReader,
  identifier: string,
): Promise<ResourceServer | null> {
  const [row] = await reader.db
    .select()
    .from(resourceServers)
    .where(and(eq(resourceServers.tenantId, reader.tenantId), eq(resourceServers.identifier, identifier)));
  return row ?? null;
}

interface By {
  readonly actor: string;
  readonly callId: string;
}

/**
 * Adds a resource server or changes its scopes, for every token from the commit on. It must have passed
 * `checkResourceServer` in this transaction.
 */
export async function saveResourceServer(ctx: TenantWriter, server: ResourceServer, by: By): Promise<void> {
  const before = await findResourceServer(ctx, server.identifier);
  const { identifier } = server;
  const scopes = [...server.scopes];
  await ctx.db
    .insert(resourceServers)
    .values({ tenantId: ctx.tenantId, identifier, scopes, createdAt: ctx.now })
    .onConflictDoUpdate({
      target: [resourceServers.tenantId, resourceServers.identifier],
      set: { scopes },
    });
  record(ctx, identifier, before?.scopes ?? null, scopes, by);
}

/** Removes a resource server: from the commit on, there are no tokens for it. False if there is none. */
export async function removeResourceServer(ctx: TenantWriter, identifier: string, by: By): Promise<boolean> {
  const [row] = await ctx.db
    .delete(resourceServers)
    .where(and(eq(resourceServers.tenantId, ctx.tenantId), eq(resourceServers.identifier, identifier)))
    .returning();
  if (row === undefined) return false;
  record(ctx, identifier, row.scopes, null, by);
  return true;
}

function record(
  ctx: TenantWriter,
  identifier: string,
  before: readonly string[] | null,
  after: readonly string[] | null,
  by: By,
): void {
  const data = { identifier, before, after, call_id: by.callId };
  ctx.record({ event: 'resource_server_changed', actor: by.actor, data });
}

import { and, asc, eq } from 'drizzle-orm';
import type { TenantReader, TenantWriter } from '../context.ts';
import { scopes } from './tables.ts';

/**
 * One scope of the tenant's catalogue. `amountThreshold` is a decimal in `currency`, kept as text so that
 * no digit is lost.
 */
export type Scope = typeof scopes.$inferSelect;
/** A new scope of the catalogue. */
export type NewScope = Omit<typeof scopes.$inferInsert, 'tenantId' | 'createdAt'>;

/** The tenant's whole catalogue, ordered by name. If it is empty, nothing can be delegated. */
export async function scopesOf(reader: TenantReader): Promise<Scope[]> {
  return reader.db
    .select()
    .from(scopes)
    .where(eq(scopes.tenantId, reader.tenantId))
    .orderBy(asc(scopes.scope));
}

/** The scope with this name, or null. Names are matched exactly. */
export async function findScope(reader: TenantReader, scope: string): Promise<Scope | null> {
  const [row] = await reader.db
    .select()
    .from(scopes)
    .where(and(eq(scopes.tenantId, reader.tenantId), eq(scopes.scope, scope)));
  return row ?? null;
}

/** Adds a scope to the catalogue or replaces it. The ledger entry also holds what it was before. */
export async function saveScope(ctx: TenantWriter, scope: NewScope, by: { actor: string; callId: string }) {
  const before = await findScope(ctx, scope.scope);
  const { scope: name, ...rest } = scope;
  await ctx.db
    .insert(scopes)
    .values({ tenantId: ctx.tenantId, scope: name, ...rest, createdAt: ctx.now })
    .onConflictDoUpdate({ target: [scopes.tenantId, scopes.scope], set: rest });
  ctx.record({
    event: 'scope_changed',
    actor: by.actor,
    data: { ...scope, call_id: by.callId, before: before === null ? null : plain(before) },
  });
}

/** Removes a scope from the catalogue. False if it is not there. Does not change mandates that hold it. */
export async function removeScope(
  ctx: TenantWriter,
  scope: string,
  by: { actor: string; callId: string },
): Promise<boolean> {
  const [row] = await ctx.db
    .delete(scopes)
    .where(and(eq(scopes.tenantId, ctx.tenantId), eq(scopes.scope, scope)))
    .returning();
  if (row === undefined) return false;
  ctx.record({
    event: 'scope_changed',
    actor: by.actor,
    data: { scope, removed: true, call_id: by.callId, before: plain(row) },
  });
  return true;
}

const plain = ({ tenantId: _tenant, createdAt: _at, ...rest }: Scope) => rest;

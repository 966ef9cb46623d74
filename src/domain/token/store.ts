import { and, desc, eq, isNull, sql, lt } from 'drizzle-orm';
import { agentKeys, agents } from '../agent/tables.ts';
import type { AgentKey } from '../agent/key.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { identityProviders } from '../tenant/tables.ts';
import { replays, signingKeys } from './tables.ts';

export type SigningKeyRow = typeof signingKeys.$inferSelect;
export type IdentityProvider = Pick<typeof identityProviders.$inferSelect, 'kind' | 'issuer' | 'audience'>;

/** An agent's key with the epoch at which it was read. */
export interface StoredAgentKey {
  readonly alg: AgentKey['alg'];
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly agentEpoch: number;
}

/** The key under which an agent signs its client assertions; null where it has none of that name, or it was revoked. */
export async function findAgentKey(
  reader: TenantReader,
  agentId: string,
  kid: string,
): Promise<StoredAgentKey | null> {
  const [row] = await reader.db
    .select({ alg: agentKeys.alg, publicJwk: agentKeys.publicJwk, agentEpoch: agents.epoch })
    .from(agentKeys)
    .innerJoin(agents, and(eq(agents.tenantId, agentKeys.tenantId), eq(agents.id, agentKeys.agentId)))
    .where(
      and(
        eq(agentKeys.tenantId, reader.tenantId),
        eq(agentKeys.agentId, agentId),
        eq(agentKeys.kid, kid),
        isNull(agentKeys.revokedAt),
      ),
    );
  return row ?? null;
}

/** Adds a key to an agent; adding the same key again changes nothing. */
export async function addAgentKey(ctx: TenantWriter, agentId: string, key: AgentKey): Promise<void> {
  await ctx.db
    .insert(agentKeys)
    .values({
      tenantId: ctx.tenantId,
      agentId,
      kid: key.kid,
      alg: key.alg,
      publicJwk: key.publicJwk,
      createdAt: ctx.now,
    })
    .onConflictDoNothing();
}

/** Revokes a key and raises the agent's epoch: every token that the agent got before dies, and every process re-reads its keys. */
export async function revokeAgentKey(ctx: TenantWriter, agentId: string, kid: string): Promise<boolean> {
  const revoked = await ctx.db
    .update(agentKeys)
    .set({ revokedAt: ctx.now })
    .where(
      and(
        eq(agentKeys.tenantId, ctx.tenantId),
        eq(agentKeys.agentId, agentId),
        eq(agentKeys.kid, kid),
        isNull(agentKeys.revokedAt),
      ),
    )
    .returning({ kid: agentKeys.kid });
  if (revoked.length === 0) return false;
  await ctx.db
    .update(agents)
    .set({ epoch: sql`${agents.epoch} + 1`, updatedAt: ctx.now })
    .where(and(eq(agents.tenantId, ctx.tenantId), eq(agents.id, agentId)));
  return true;
}

/** The token issuers that this tenant trusts, as they are configured now. */
export async function identityProvidersOf(reader: TenantReader): Promise<IdentityProvider[]> {
  return reader.db
    .select({
      kind: identityProviders.kind,
      issuer: identityProviders.issuer,
      audience: identityProviders.audience,
    })
    .from(identityProviders)
    .where(eq(identityProviders.tenantId, reader.tenantId));
}

/** The tenant's signing keys that are not retired, newest first. */
export async function signingKeysOf(reader: TenantReader): Promise<SigningKeyRow[]> {
  return reader.db
    .select()
    .from(signingKeys)
    .where(and(eq(signingKeys.tenantId, reader.tenantId), isNull(signingKeys.retiredAt)))
    .orderBy(desc(signingKeys.createdAt), desc(signingKeys.kid));
}

export async function insertSigningKey(
  ctx: TenantWriter,
  key: Omit<SigningKeyRow, 'tenantId' | 'createdAt' | 'retiredAt'>,
): Promise<void> {
  await ctx.db.insert(signingKeys).values({ ...key, tenantId: ctx.tenantId, createdAt: ctx.now });
}

/** Marks something as used; false where it was used before. Of concurrent callers exactly one commits with true. */
export async function spend(ctx: TenantWriter, key: string, expiresAt: Date): Promise<boolean> {
  const rows = await ctx.db
    .insert(replays)
    .values({ tenantId: ctx.tenantId, key, expiresAt })
    .onConflictDoNothing()
    .returning({ key: replays.key });
  return rows.length > 0;
}

/** Forgets what can no longer be replayed, because it would be refused for its age. */
export async function forgetReplays(ctx: TenantWriter): Promise<void> {
  await ctx.db.delete(replays).where(and(eq(replays.tenantId, ctx.tenantId), lt(replays.expiresAt, ctx.now)));
}

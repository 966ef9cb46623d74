import { and, asc, desc, eq, gt, inArray, isNull, lt, sql } from 'drizzle-orm';
import { agentKeys, agents } from '../agent/tables.ts';
import type { AgentKey } from '../agent/key.ts';
import type { TenantReader, TenantWriter } from '../context.ts';
import { trustBundleOf } from '../tenant/settings.ts';
import { theTenant } from '../tenant/store.ts';
import { connections, identityProviders } from '../tenant/tables.ts';
import { mandates } from '../mandate/tables.ts';
import { people } from '../person/tables.ts';
import type { SpiffeId } from './client/spiffe.ts';
import { replays, signingKeys, tokenDenials } from './tables.ts';

/** A row of `signing_keys`. */
export type SigningKeyRow = typeof signingKeys.$inferSelect;
/** A configured token issuer, as far as token checks need it. */
export type IdentityProvider = Pick<
  typeof identityProviders.$inferSelect,
  'kind' | 'issuer' | 'audience' | 'config'
>;

/** What an agent can authenticate with, and its epoch when this was read. */
export interface StoredCredentials {
  readonly epoch: number;
  readonly status: 'active' | 'disabled' | 'frozen';
  /** SHA-256 in hexadecimal. */
  readonly secretHash: string | null;
  readonly spiffeId: string | null;
  /** The address of its JWKS. If set, `keys` are not used. */
  readonly jwksUrl: string | null;
  readonly keys: readonly Pick<AgentKey, 'kid' | 'alg' | 'publicJwk'>[];
}

/** The credentials of an agent, without revoked keys; null if there is no such agent. */
export async function credentialsOf(
  reader: TenantReader,
  agentId: string,
): Promise<StoredCredentials | null> {
  const rows = await reader.db
    .select({ agent: agents, key: agentKeys })
    .from(agents)
    .leftJoin(
      agentKeys,
      and(
        eq(agents.tenantId, agentKeys.tenantId),
        eq(agents.id, agentKeys.agentId),
        isNull(agentKeys.revokedAt),
      ),
    )
    .where(and(eq(agents.tenantId, reader.tenantId), eq(agents.id, agentId)));
  const [first] = rows;
  if (first === undefined) return null;
  const { epoch, status, secretHash, spiffeId, jwksUrl } = first.agent;
  return {
    epoch,
    status,
    secretHash,
    spiffeId,
    jwksUrl,
    keys: rows.flatMap(({ key }) =>
      key === null ? [] : [{ ...key, publicJwk: key.publicJwk as Record<string, string> }],
    ),
  };
}

/**
 * The agent with this SPIFFE ID, and the keys that the tenant trusts for its trust domain; null if there is
 * no such agent.
 */
export async function spiffeAgent(
  reader: TenantReader,
  { spiffeId, trustDomain }: SpiffeId,
): Promise<{ agentId: string; epoch: number; bundle: unknown } | null> {
  const [agent] = await reader.db
    .select({ agentId: agents.id, epoch: agents.epoch })
    .from(agents)
    .where(and(eq(agents.tenantId, reader.tenantId), eq(agents.spiffeId, spiffeId)));
  if (agent === undefined) return null;
  const { settings } = await theTenant(reader);
  return { ...agent, bundle: trustBundleOf(settings, trustDomain) };
}

/** Adds a key to an agent. Adding the same key again changes nothing. */
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

/**
 * Revokes a key and raises the agent's epoch, which ends all tokens of the agent and makes every process read
 * its keys again. False if the agent has no such key, or it was revoked before.
 */
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

/** The token issuers that the tenant has configured and enabled. */
export async function identityProvidersOf(reader: TenantReader): Promise<IdentityProvider[]> {
  return reader.db
    .select({
      kind: identityProviders.kind,
      issuer: identityProviders.issuer,
      audience: identityProviders.audience,
      config: identityProviders.config,
    })
    .from(identityProviders)
    .where(and(eq(identityProviders.tenantId, reader.tenantId), eq(identityProviders.enabled, true)));
}

/** The tenant's keys that are not retired, ordered by the time from which they sign, the latest first. */
export async function signingKeysOf(reader: TenantReader): Promise<SigningKeyRow[]> {
  return reader.db
    .select()
    .from(signingKeys)
    .where(and(eq(signingKeys.tenantId, reader.tenantId), isNull(signingKeys.retiredAt)))
    .orderBy(
      desc(sql`coalesce(${signingKeys.activeFrom}, ${signingKeys.createdAt})`),
      desc(signingKeys.createdAt),
      desc(signingKeys.kid),
    );
}

/** Every signing key that the tenant has ever had, newest first. */
export async function everySigningKeyOf(reader: TenantReader): Promise<SigningKeyRow[]> {
  return reader.db
    .select()
    .from(signingKeys)
    .where(eq(signingKeys.tenantId, reader.tenantId))
    .orderBy(desc(signingKeys.createdAt), desc(signingKeys.kid));
}

/** Removes keys from the tenant's JWKS for good. Tokens that they signed no longer verify here. */
export async function retireSigningKeys(ctx: TenantWriter, kids: readonly string[]): Promise<void> {
  await ctx.db
    .update(signingKeys)
    .set({ retiredAt: ctx.now })
    .where(and(eq(signingKeys.tenantId, ctx.tenantId), inArray(signingKeys.kid, [...kids])));
}

/** Adds a signing key; its private half must be sealed already. */
export async function insertSigningKey(
  ctx: TenantWriter,
  key: Omit<SigningKeyRow, 'tenantId' | 'createdAt' | 'retiredAt'>,
): Promise<void> {
  await ctx.db.insert(signingKeys).values({ ...key, tenantId: ctx.tenantId, createdAt: ctx.now });
}

/** Marks a key as used. False if it was used before. Of concurrent callers, exactly one commits with true. */
export async function spend(ctx: TenantWriter, key: string, expiresAt: Date): Promise<boolean> {
  const rows = await ctx.db
    .insert(replays)
    .values({ tenantId: ctx.tenantId, key, expiresAt })
    .onConflictDoNothing()
    .returning({ key: replays.key });
  return rows.length > 0;
}

/** Deletes entries that can no longer be replayed, and revoked tokens that have expired by now. */
export async function forgetReplays(ctx: TenantWriter): Promise<void> {
  await ctx.db.delete(replays).where(and(eq(replays.tenantId, ctx.tenantId), lt(replays.expiresAt, ctx.now)));
  await ctx.db
    .delete(tokenDenials)
    .where(and(eq(tokenDenials.tenantId, ctx.tenantId), lt(tokenDenials.expiresAt, ctx.now)));
}

/** Revokes one token until it would have expired. False if it was revoked before. */
export async function denyToken(ctx: TenantWriter, jti: string, expiresAt: Date): Promise<boolean> {
  const rows = await ctx.db
    .insert(tokenDenials)
    .values({ tenantId: ctx.tenantId, jti, expiresAt })
    .onConflictDoNothing()
    .returning({ jti: tokenDenials.jti });
  return rows.length > 0;
}

/**
 * The issuers whose identity assertions the tenant accepts: those of `oktaIssuersOf`, or none if it has
 * disabled Okta.
 */
export async function assertionIssuersOf(reader: TenantReader): Promise<string[]> {
  const { enabledProviders } = (await theTenant(reader)).settings;
  return enabledProviders?.includes('OKTA') === false ? [] : oktaIssuersOf(reader);
}

/**
 * The tenant's Okta issuers: its organisation and the ones that it configured. Notices that only restrict
 * access are accepted from them even if Okta is disabled for tokens.
 */
export async function oktaIssuersOf(reader: TenantReader): Promise<string[]> {
  const orgs = await reader.db
    .select({ issuer: connections.orgUrl })
    .from(connections)
    .where(and(eq(connections.tenantId, reader.tenantId), eq(connections.vendor, 'okta')));
  const configured = await reader.db
    .select({ issuer: identityProviders.issuer })
    .from(identityProviders)
    .where(
      and(
        eq(identityProviders.tenantId, reader.tenantId),
        eq(identityProviders.kind, 'OKTA'),
        eq(identityProviders.enabled, true),
      ),
    );
  return [...orgs, ...configured].map((row) => row.issuer);
}

/**
 * Ids of the active mandates that a principal gave to an agent and whose time is not over, oldest first, at
 * most `limit`.
 */
export async function mandatesBetween(
  reader: TenantReader,
  principal: { provider: string; uid: string },
  agentId: string,
  limit: number,
): Promise<string[]> {
  const rows = await reader.db
    .select({ id: mandates.id })
    .from(mandates)
    .innerJoin(people, and(eq(people.tenantId, mandates.tenantId), eq(people.id, mandates.principalId)))
    .where(
      and(
        eq(mandates.tenantId, reader.tenantId),
        eq(mandates.agentId, agentId),
        eq(mandates.state, 'active'),
        gt(mandates.expiresAt, reader.now),
        eq(people.provider, principal.provider),
        eq(people.uid, principal.uid),
      ),
    )
    .orderBy(asc(mandates.id))
    .limit(limit);
  return rows.map((row) => row.id);
}

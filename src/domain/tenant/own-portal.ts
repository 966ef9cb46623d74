import { and, eq } from 'drizzle-orm';
import type { Actor } from '../actor.ts';
import type { TenantReader } from '../context.ts';
import { VENDORS } from '../token/subject/providers/index.ts';
import { isStrings } from '../token/subject/providers/vendor.ts';
import { identityProviders } from './tables.ts';

/**
 * Whether the actor's access token was issued to a client that the organisation now declares as its
 * own portal (`portal_clients`), where the person clicked in the organisation's own pages. False for
 * every other actor and client.
 */
export async function isOwnPortal(reader: TenantReader, actor: Actor): Promise<boolean> {
  if (actor.kind !== 'person' || actor.tokenScopes === undefined) return false;
  const { provider, cid } = actor.identity;
  if (provider === undefined || cid === undefined) return false;
  const rows = await reader.db
    .select()
    .from(identityProviders)
    .where(and(eq(identityProviders.tenantId, reader.tenantId), eq(identityProviders.enabled, true)));
  return rows.some(({ kind, issuer, config }) => {
    const portals = config['portalClients'];
    return VENDORS[kind].provider(issuer) === provider && isStrings(portals) && portals.includes(cid);
  });
}

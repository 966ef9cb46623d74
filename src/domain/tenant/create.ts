import { and, eq } from 'drizzle-orm';
import type { Secrets } from '#lib/crypto.ts';
import { newId } from '#lib/id.ts';
import type { TenantWriter } from '../context.ts';
import { groupMappings, groups, memberships } from '../group/tables.ts';
import { beginLedger } from '../ledger/store.ts';
import { seedScopes } from '../scope/seed.ts';
import { createSigningKey } from '../token/keys/signing-keys.ts';
import { sealCredential } from './connection.ts';
import { DEFAULT_SETTINGS, type TenantSettings } from './settings.ts';
import { connections, identityProviders, tenants } from './tables.ts';

/** A new tenant's Okta. `credential` is encrypted before it is saved. */
export interface OktaSetup {
  readonly orgUrl: string;
  readonly credential: Readonly<Record<string, unknown>>;
  readonly issuer: string;
  readonly audience: string;
  /**
   * Whether credential and address come from this installation's settings and follow their changes. At
   * most one tenant.
   */
  readonly fromSettings?: boolean;
}

/**
 * What the members of a mapped group may do and delegate by default, by role. Policies decide on which
 * targets.
 */
export const DEFAULT_ROLE_SCOPES: Readonly<Record<string, readonly string[]>> = {
  manager: ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read'],
  it_admin: ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read', 'okta.users.suspend'],
  executive: [],
  member: ['okta.users.read'],
};

/**
 * Creates the tenant whose id `ctx` has: its row, ledger, signing key, scopes, Okta connection and
 * identity provider.
 */
export async function createTenant(
  ctx: TenantWriter,
  secrets: Secrets,
  setup: { name: string; slackTeamId: string | null; settings: Partial<TenantSettings>; okta: OktaSetup },
): Promise<void> {
  await ctx.db.insert(tenants).values({
    id: ctx.tenantId,
    name: setup.name,
    slackTeamId: setup.slackTeamId,
    settings: { ...DEFAULT_SETTINGS, ...setup.settings },
  });
  await beginLedger(ctx.db, ctx.tenantId);
  await createSigningKey(ctx, secrets);
  await seedScopes(ctx);
  const { okta } = setup;
  const id = newId('con');
  await ctx.db.insert(connections).values({
    tenantId: ctx.tenantId,
    id,
    vendor: 'okta',
    orgUrl: okta.orgUrl,
    sealedCredential: sealCredential(secrets, id, okta.credential),
    fromSettings: setup.okta.fromSettings ?? false,
  });
  await ctx.db.insert(identityProviders).values({
    tenantId: ctx.tenantId,
    id: newId('idp'),
    kind: 'OKTA',
    issuer: okta.issuer,
    audience: okta.audience,
  });
  ctx.record({
    event: 'tenant_created',
    actor: 'prokura',
    data: { name: setup.name, okta: okta.orgUrl, issuer: okta.issuer, audience: okta.audience },
  });
}

/**
 * Maps a group of a source, by its immutable id, to a role with the role's default scopes. A repeated
 * mapping changes nothing but is recorded again.
 */
export async function mapGroup(
  ctx: TenantWriter,
  source: string,
  groupUid: string,
  role: string,
): Promise<void> {
  const scopes = [...(DEFAULT_ROLE_SCOPES[role] ?? [])];
  await ctx.db
    .insert(groupMappings)
    .values({ tenantId: ctx.tenantId, id: newId('map'), source, groupUid, role, scopes })
    .onConflictDoNothing();
  ctx.record({
    event: 'authority_changed',
    actor: 'prokura',
    data: { source, group: groupUid, role, scopes },
  });
}

/** A group of our own. Its members are administrators before any group of the directory is mapped. */
const ADMINISTRATORS = { source: 'prokura', uid: 'administrators' };

/**
 * Makes a person an IT admin of this installation without a group of the directory. For the first
 * administrators, who are named with the one-time token. Does not check who may.
 */
export async function nameAdministrator(ctx: TenantWriter, personId: string): Promise<void> {
  const { source, uid } = ADMINISTRATORS;
  await ctx.db
    .insert(groups)
    .values({
      tenantId: ctx.tenantId,
      id: newId('grp'),
      source,
      uid,
      name: 'Administrators (named at set-up)',
      kind: 'LOCAL',
    })
    .onConflictDoNothing();
  const [group] = await ctx.db
    .select({ id: groups.id })
    .from(groups)
    .where(and(eq(groups.tenantId, ctx.tenantId), eq(groups.source, source), eq(groups.uid, uid)));
  if (group === undefined) throw new Error('the administrators group is not there');
  await mapGroup(ctx, source, uid, 'it_admin');
  await ctx.db
    .insert(memberships)
    .values({ tenantId: ctx.tenantId, groupId: group.id, personId })
    .onConflictDoNothing();
  ctx.record({ event: 'administrator_named', actor: 'prokura', data: { person: personId } });
}

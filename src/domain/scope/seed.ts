import type { TenantWriter } from '../context.ts';
import { scopes } from './tables.ts';

/**
 * The first entries of a new tenant's catalogue: the scopes of the tools that people may delegate to agents.
 */
export const SHIPPED_SCOPES = [
  { scope: 'okta.users.read', description: 'Look up people in Okta', sensitivity: 'normal' },
  {
    scope: 'okta.password.reset',
    description: 'Start a password reset in Okta',
    sensitivity: 'normal',
  },
  {
    scope: 'okta.mfa.reset',
    description: "Remove a person's MFA factors in Okta, so that they enrol again",
    sensitivity: 'normal',
  },
  { scope: 'okta.users.suspend', description: 'Suspend a person in Okta', sensitivity: 'normal' },
] as const satisfies readonly { scope: string; description: string; sensitivity: 'normal' | 'high' }[];

/** Fills a new tenant's catalogue of scopes. Called once, in the transaction that creates the tenant. */
export async function seedScopes(ctx: TenantWriter): Promise<void> {
  await ctx.db
    .insert(scopes)
    .values(
      SHIPPED_SCOPES.map((one) => ({ ...one, tenantId: ctx.tenantId, holders: [], createdAt: ctx.now })),
    )
    .onConflictDoNothing();
}

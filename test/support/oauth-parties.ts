import { newAgentKeyPair, type NewAgentKeyPair } from '#domain/agent/key.ts';
import { agentKeys, agents } from '#domain/agent/tables.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { newId } from '#lib/id.ts';
import { exchange } from './token-requests.ts';
import type { Tenant, TokenWorld } from './tokens.ts';

export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const MANDATE_TOKEN = 'urn:prokura:params:oauth:token-type:mandate';
export const JWT_TOKEN = 'urn:ietf:params:oauth:token-type:jwt';

/** An agent of the tenant with a key, as a client of the token endpoint. */
export async function addAgent(
  world: TokenWorld,
  tenant: Tenant,
  change: Partial<typeof agents.$inferInsert> = {},
): Promise<{ agentId: string; key: NewAgentKeyPair }> {
  const [agentId, key] = [newId('agt'), newAgentKeyPair()];
  await world.write(tenant.id, async (ctx) => {
    await ctx.db.insert(agents).values({
      tenantId: tenant.id,
      id: agentId,
      name: agentId,
      ownerId: tenant.personId,
      ceiling: ['okta.mfa.reset', 'okta.password.reset'],
      ...change,
    });
    await ctx.db
      .insert(agentKeys)
      .values({ tenantId: tenant.id, agentId, kid: key.kid, alg: key.alg, publicJwk: key.publicJwk });
  });
  return { agentId, key };
}

/** A mandate of the tenant's principal for an agent. */
export async function addMandate(
  world: TokenWorld,
  tenant: Tenant,
  agentId: string,
  change: Partial<typeof mandates.$inferInsert> = {},
): Promise<string> {
  const id = newId('mdt');
  await world.write(tenant.id, async (ctx) => {
    await ctx.db.insert(mandates).values({
      tenantId: tenant.id,
      id,
      principalId: tenant.personId,
      agentId,
      scopes: ['okta.mfa.reset', 'okta.password.reset'],
      resources: [`reports:${tenant.personId}`],
      purpose: 'x',
      callId: newId('call'),
      startsAt: new Date(Date.now() - 60_000),
      expiresAt: new Date(Date.now() + 86_400_000),
      ...change,
    });
  });
  return id;
}

/** A person of the tenant. */
export async function addPerson(
  world: TokenWorld,
  tenant: Tenant,
  managerId: string | null = null,
): Promise<string> {
  const id = newId('usr');
  const login = `${id}@acme.test`;
  await world.write(tenant.id, async (ctx) => {
    await ctx.db.insert(people).values({
      tenantId: tenant.id,
      id,
      provider: 'okta',
      uid: id,
      login,
      email: login,
      displayName: id,
      status: 'ACTIVE',
      managerId,
    });
  });
  return id;
}

/** The same tenant with another agent, whose mandate was made from the tenant's (or from `parentId`). */
export async function nextAgent(
  world: TokenWorld,
  tenant: Tenant,
  parentId: string = tenant.mandateId,
  change: Partial<typeof mandates.$inferInsert> = {},
): Promise<Tenant> {
  const agent = await addAgent(world, tenant);
  return {
    ...tenant,
    ...agent,
    mandateId: await addMandate(world, tenant, agent.agentId, { parentId, ...change }),
  };
}

/** The form with which the tenant's agent exchanges a token of ours. `change` is as in `exchangeForm`. */
export const pass = (
  world: TokenWorld,
  to: Tenant,
  token: string,
  change: Parameters<typeof exchange>[2] = {},
): ReturnType<typeof exchange> =>
  exchange(world, to, {
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    scope: undefined,
    ...change,
  });

/** A token for the provider's token. Throws an Error with the answer if there is none. */
export async function tokenOf(
  world: TokenWorld,
  tenant: Tenant,
  change: Parameters<typeof exchange>[2] = {},
): Promise<string> {
  const { status, body } = await exchange(world, tenant, change);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return String(body['access_token']);
}

/** The claims of a token, unverified. */
export const claimsOf = (token: unknown): Record<string, unknown> =>
  JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;

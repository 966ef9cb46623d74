import { newAgentKeyPair, type NewAgentKeyPair } from '#domain/agent/key.ts';
import { agentKeys, agents } from '#domain/agent/tables.ts';
import { groupMappings, groups, memberships } from '#domain/group/tables.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { identityProviders } from '#domain/tenant/tables.ts';
import { createSigningKey } from '#domain/token/keys/signing-keys.ts';
import { createTokenKernel, type TokenKernel } from '#domain/token/kernel.ts';
import { issuerOf } from '#domain/token/names.ts';
import type { KernelParts } from '#domain/token/parts.ts';
import { createLedgerBatch } from '#engine/record.ts';
import { readonly, transact } from '#engine/transact.ts';
import { newId } from '#lib/id.ts';
import { oauthSurface, type OAuthSurface } from '#surfaces/oauth/index.ts';
import type { AnyWorld, BareWorld } from './bare-world.ts';
import { AUDIENCE, startIdp, type Idp } from './idp.ts';

const SCOPES = ['okta.mfa.reset', 'okta.password.reset'];

/** A tenant in which Bob (`uid`) has given his agent a mandate over both scopes. */
export interface Tenant {
  readonly id: string;
  readonly issuer: string;
  readonly personId: string;
  readonly uid: string;
  readonly agentId: string;
  readonly key: NewAgentKeyPair;
  readonly mandateId: string;
  readonly apiKey: string;
}

/** What tests of tokens need: a kernel and the OAuth interface in this process, and an identity provider. */
interface Tokens {
  readonly kernel: TokenKernel;
  readonly surface: OAuthSurface;
  readonly idp: Idp;
  tenant(): Promise<Tenant>;
  /** A second kernel on the same database, as another process would have. */
  another(more?: Partial<Pick<KernelParts, 'exchangesPerMinute' | 'loopbackKeys' | 'operatorIssuers'>>): {
    kernel: TokenKernel;
    surface: OAuthSurface;
  };
}

/** A bare world with tokens. */
export type TokenWorld = BareWorld & Tokens;

/** Adds tokens to a world. They ask only its database and the new identity provider. */
export async function withTokens<W extends AnyWorld>(world: W): Promise<W & Tokens> {
  const { app, close } = world;
  const idp = await startIdp();
  const another: Tokens['another'] = (more = {}) => {
    const batch = createLedgerBatch(app);
    const kernel = createTokenKernel({
      baseUrl: app.baseUrl,
      sql: app.database.sql,
      now: app.now,
      secrets: app.secrets,
      log: app.log,
      loopbackKeys: true,
      ...more,
      record: (...entry) => batch.add(...entry),
      read: (tenantId, work) => readonly(app, tenantId, work),
      write: (tenantId, work) => transact(app, tenantId, work),
      readAgain: () => Promise.resolve(),
    });
    return { kernel, surface: oauthSurface({ kernel, app }) };
  };
  return Object.assign(world, another(), {
    idp,
    another,
    tenant: () => seed(world, idp),
    close: async () => {
      await idp.close();
      await close();
    },
  });
}

async function seed(world: AnyWorld, idp: Idp): Promise<Tenant> {
  const { app, write } = world;
  const id = await world.emptyTenant();
  const [personId, agentId, mandateId, groupId] = [newId('usr'), newId('agt'), newId('mdt'), newId('grp')];
  const key = newAgentKeyPair();
  const uid = `00u${newId('msg').slice(-17)}`;
  const row = { tenantId: id };
  const apiKey = await write(id, async (ctx) => {
    await createSigningKey(ctx, app.secrets);
    await ctx.db
      .insert(identityProviders)
      .values({ ...row, id: newId('idp'), kind: 'OKTA', issuer: idp.issuer, audience: AUDIENCE });
    await ctx.db.insert(people).values({
      ...row,
      id: personId,
      provider: 'okta',
      uid,
      login: 'bob@acme.test',
      email: 'bob@acme.test',
      displayName: 'Bob',
      status: 'ACTIVE',
    });
    await ctx.db.insert(groups).values({
      ...row,
      id: groupId,
      source: 'okta',
      uid: '00gmanagers',
      name: 'Managers',
      kind: 'OKTA_GROUP',
    });
    await ctx.db.insert(memberships).values({ ...row, groupId, personId });
    await ctx.db.insert(groupMappings).values({
      ...row,
      id: newId('map'),
      source: 'okta',
      groupUid: '00gmanagers',
      role: 'manager',
      scopes: [...SCOPES, 'okta.suspend'],
    });
    await ctx.db.insert(agents).values({
      ...row,
      id: agentId,
      name: 'helper',
      ownerId: personId,
      ceiling: [...SCOPES, 'finance:approve'],
    });
    await ctx.db
      .insert(agentKeys)
      .values({ ...row, agentId, kid: key.kid, alg: key.alg, publicJwk: key.publicJwk });
    await ctx.db.insert(mandates).values({
      ...row,
      id: mandateId,
      principalId: personId,
      agentId,
      scopes: SCOPES,
      resources: [`reports:${personId}`],
      purpose: 'help',
      callId: newId('call'),
      startsAt: new Date(Date.now() - 60_000),
      expiresAt: new Date(Date.now() + 7 * 86_400_000),
    });
    return (await createApiKey(ctx, 'sandbox', { name: 'rs', scopes: ['introspect'] })).presented;
  });
  return { id, issuer: issuerOf(app.baseUrl, id), personId, uid, agentId, key, mandateId, apiKey };
}

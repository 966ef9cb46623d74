import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import { inject } from 'vitest';
import { openDatabase, SERVER_ROLE, type Database } from '#db/pool.ts';
import type { JobQueue } from '#db/queue.ts';
import { newAgentKeyPair, type NewAgentKeyPair } from '#domain/agent/key.ts';
import { agentKeys, agents } from '#domain/agent/tables.ts';
import type { TenantWriter } from '#domain/context.ts';
import { groupMappings, groups, memberships } from '#domain/group/tables.ts';
import { beginLedger, ledgerEntries } from '#domain/ledger/store.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { DEFAULT_SETTINGS } from '#domain/tenant/settings.ts';
import { identityProviders, tenants } from '#domain/tenant/tables.ts';
import { createTokenKernel, type TokenKernel } from '#domain/token/kernel.ts';
import { issuerOf } from '#domain/token/names.ts';
import type { KernelParts } from '#domain/token/parts.ts';
import { createSigningKey } from '#domain/token/keys/signing-keys.ts';
import { createApiKeyCheck } from '#domain/tenant/api-key.ts';
import { createLedgerBatch } from '#engine/record.ts';
import { readonly, transact } from '#engine/transact.ts';
import { openSecrets, type Secrets } from '#lib/crypto.ts';
import { newId } from '#lib/id.ts';
import { createLogger } from '#lib/log.ts';
import { oauthSurface, type OAuthSurface } from '#surfaces/oauth/index.ts';
import { AUDIENCE, startIdp, type Idp } from './requests.ts';

export const BASE = 'https://prokura.test';
const SCOPES = ['okta.mfa.reset', 'okta.password.reset'];

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

export interface World {
  readonly database: Database;
  /** Connects as the owner, to whom row-level security does not apply. */
  readonly owner: Sql;
  readonly kernel: TokenKernel;
  readonly surface: OAuthSurface;
  readonly idp: Idp;
  readonly secrets: Secrets;
  readonly logs: string[];
  clock: number | null;
  write(tenantId: string, work: (ctx: TenantWriter) => Promise<unknown>): Promise<unknown>;
  /** Cuts every connection to the database and refuses new ones, or accepts them again. */
  databaseOpen(open: boolean): Promise<void>;
  tenant(): Promise<Tenant>;
  /** A second kernel on the same database, as another process would have. */
  another(more?: Partial<Pick<KernelParts, 'exchangesPerMinute' | 'loopbackKeys' | 'operatorIssuers'>>): {
    kernel: TokenKernel;
    surface: OAuthSurface;
  };
  ledger(tenantId: string): Promise<{ event: string; actor: string; data: Record<string, unknown> }[]>;
  close(): Promise<void>;
}

const queue = {
  enqueue: () => Promise.resolve(),
  enqueueAll: () => Promise.resolve(),
  send: () => Promise.resolve(),
} as unknown as JobQueue;

export async function openWorld(): Promise<World> {
  const admin = postgres(inject('templateUrl').replace(/[^/]*$/, 'postgres'), { max: 1, onnotice: () => {} });
  const name = `token_${randomBytes(8).toString('hex')}`;
  await copyTemplate(admin, name);
  const database = openDatabase(inject('templateUrl').replace(/[^/]*$/, name), { role: SERVER_ROLE });
  const owner = postgres(inject('templateUrl').replace(/[^/]*$/, name), { max: 4, onnotice: () => {} });
  const idp = await startIdp();
  const logs: string[] = [];
  const log = createLogger('debug', { write: (line) => void logs.push(line) });
  const world = { clock: null } as { clock: number | null } & Partial<World>;
  const now = () => new Date(world.clock ?? Date.now());
  const secrets = openSecrets(Buffer.alloc(32, 7).toString('base64'));
  const apiKey = createApiKeyCheck(database.sql, 'sandbox');
  const app = { database, queue, now, subscribers: {}, baseUrl: BASE, apiKey, log };
  const another: World['another'] = (more = {}) => {
    const batch = createLedgerBatch(app);
    const kernel = createTokenKernel({
      baseUrl: BASE,
      sql: database.sql,
      now,
      secrets,
      log,
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
    database,
    owner,
    idp,
    secrets,
    logs,
    another,
    write: (tenantId: string, work: (ctx: TenantWriter) => Promise<unknown>) => transact(app, tenantId, work),
    databaseOpen: async (open: boolean) => {
      await admin.unsafe(`alter database ${name} allow_connections ${open}`);
      if (!open) await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`;
    },
    tenant: () => seed((tenantId, work) => transact(app, tenantId, work), idp, secrets),
    ledger: (tenantId: string) => readonly(app, tenantId, (ctx) => ledgerEntries(ctx, 0, 10_000)),
    close: async () => {
      await idp.close();
      await database.close();
      await owner.end();
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  });
}

/** Copies the migrated template. Only one can copy it at a time, so others wait. */
async function copyTemplate(admin: Sql, name: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await admin.unsafe(`create database ${name} template prokura`);
      return;
    } catch (error) {
      if (tries > 50) throw error;
      await sleep(100);
    }
  }
}

type Write = <T>(tenantId: string, work: Parameters<typeof transact<T>>[2]) => Promise<T>;

/** A tenant in which Bob (`uid`) has given his agent a mandate over both scopes. */
async function seed(write: Write, idp: Idp, secrets: Secrets): Promise<Tenant> {
  const id = newId('tnt');
  const [personId, agentId, mandateId, groupId] = [newId('usr'), newId('agt'), newId('mdt'), newId('grp')];
  const key = newAgentKeyPair();
  const uid = `00u${newId('msg').slice(-17)}`;
  const row = { tenantId: id };
  const apiKey = await write(id, async (ctx) => {
    await ctx.db.insert(tenants).values({ id, name: 'Acme', settings: DEFAULT_SETTINGS });
    await beginLedger(ctx.db, id);
    await createSigningKey(ctx, secrets);
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
  return { id, issuer: issuerOf(BASE, id), personId, uid, agentId, key, mandateId, apiKey };
}

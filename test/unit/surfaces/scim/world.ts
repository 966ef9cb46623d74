import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '#db/embedded.ts';
import { migrateDatabase } from '#db/migrate.ts';
import { openDatabase, SERVER_ROLE, type Database } from '#db/pool.ts';
import { agents } from '#domain/agent/tables.ts';
import { insertApproval } from '#domain/approval/store.ts';
import { calls } from '#domain/call/tables.ts';
import type { TenantWriter } from '#domain/context.ts';
import { beginLedger, ledgerEntries } from '#domain/ledger/store.ts';
import type { LedgerEntry } from '#domain/ledger/entry.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { createApiKey, createApiKeyCheck } from '#domain/tenant/api-key.ts';
import { DEFAULT_SETTINGS, type TenantSettings } from '#domain/tenant/settings.ts';
import { tenants } from '#domain/tenant/tables.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { newId } from '#lib/id.ts';
import { createLogger } from '#lib/log.ts';
import { scimSurface } from '#surfaces/scim/index.ts';

export const BASE = 'https://prokura.test';
export type Json = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any -- a wire body, looked at member by member

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

/** One tenant as a vendor's SCIM client sees it. */
export interface Client {
  readonly tenantId: string;
  readonly authorization: string;
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export interface World {
  readonly app: App;
  readonly database: Database;
  tenant(settings?: Partial<TenantSettings>): Promise<string>;
  client(tenantId: string, source?: string, scopes?: readonly string[]): Promise<Client>;
  write<T>(tenantId: string, work: (ctx: TenantWriter) => Promise<T>): Promise<T>;
  ledger(tenantId: string, event?: string): Promise<LedgerEntry[]>;
  stopDatabase(): Promise<void>;
  close(): Promise<void>;
}

/** A migrated PostgreSQL of its own, and the SCIM interface on it as the server's role. */
export async function startWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'prokura-scim-'));
  const server = await startEmbedded(directory);
  await migrateDatabase(server.url, 'sandbox', {});
  const database = openDatabase(server.url, { role: SERVER_ROLE, max: 5 });
  const app = {
    baseUrl: BASE,
    mode: 'sandbox',
    log: createLogger('silent'),
    now: () => new Date(),
    database,
    apiKey: createApiKeyCheck(database.sql, 'sandbox'),
    queue: { enqueue: () => Promise.resolve(), enqueueAll: () => Promise.resolve() },
    subscribers: {},
  } as unknown as App;
  const surface = scimSurface(app);
  const write: World['write'] = (tenantId, work) => transact(app, tenantId, work);
  let running = true;
  const stopDatabase = async (): Promise<void> => {
    if (running) await server.stop();
    running = false;
  };
  return {
    app,
    database,
    write,
    stopDatabase,
    tenant: async (settings = {}) => {
      const tenantId = newId('tnt');
      await write(tenantId, async (ctx) => {
        await ctx.db
          .insert(tenants)
          .values({ id: tenantId, name: 'Acme', settings: { ...DEFAULT_SETTINGS, ...settings } });
        await beginLedger(ctx.db, tenantId);
      });
      return tenantId;
    },
    client: async (tenantId, source = 'okta', scopes = ['scim']) => {
      const { presented } = await write(tenantId, (ctx) =>
        createApiKey(ctx, 'sandbox', { name: source, scopes, source }),
      );
      const authorization = `Bearer ${presented}`;
      return {
        tenantId,
        authorization,
        send: async (method, path, body, headers = {}) => {
          const response = await surface.fetch(
            new Request(`${BASE}${path.startsWith('/scim') ? path : `/v1/scim/v2${path}`}`, {
              method,
              headers: {
                authorization,
                ...(body === undefined ? {} : { 'content-type': 'application/scim+json; charset=utf-8' }),
                ...headers,
              },
              ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
            }),
          );
          if (response === null) throw new Error(`${path} is not SCIM's`);
          const text = await response.text();
          return {
            status: response.status,
            headers: response.headers,
            body: text === '' ? {} : (JSON.parse(text) as Json),
          };
        },
      };
    },
    ledger: (tenantId, event) => readonly(app, tenantId, (reader) => ledgerEntries(reader, 0, 1000, event)),
    close: async () => {
      await database.close().catch(() => {});
      await stopDatabase();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A user as Okta's SPEC suite posts it. */
export const oktaUser = (name: string, more: Json = {}): Json => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName: `${name}@atko.com`,
  name: { givenName: name, familyName: 'Runscope' },
  emails: [{ primary: true, value: `${name}@atko.com`, type: 'work' }],
  displayName: `${name} Runscope`,
  locale: 'en-US',
  externalId: `00u${name}`,
  groups: [],
  password: '1mz050nq',
  active: true,
  ...more,
});

/** A person as the directory import creates them. */
export async function importPerson(
  ctx: TenantWriter,
  uid: string,
  email: string,
  more: Partial<typeof people.$inferInsert> = {},
): Promise<string> {
  const id = newId('usr');
  await ctx.db.insert(people).values({
    tenantId: ctx.tenantId,
    id,
    provider: 'okta',
    uid,
    login: email,
    email,
    displayName: email,
    status: 'ACTIVE',
    ...more,
  });
  return id;
}

/**
 * An agent of `personId`, `count` active mandates of theirs, and a waiting call with its approval under the
 * first.
 */
export async function delegate(
  ctx: TenantWriter,
  personId: string,
  count: number,
): Promise<{ mandateIds: string[]; callId: string; approvalId: string }> {
  const agentId = newId('agt');
  const expiresAt = new Date(ctx.now.getTime() + 86_400_000);
  await ctx.db.insert(agents).values({
    tenantId: ctx.tenantId,
    id: agentId,
    name: agentId,
    ownerId: personId,
    ceiling: ['okta.mfa.reset'],
  });
  const mandateIds = Array.from({ length: count }, () => newId('mdt'));
  await ctx.db.insert(mandates).values(
    mandateIds.map((id) => ({
      tenantId: ctx.tenantId,
      id,
      principalId: personId,
      agentId,
      scopes: ['okta.mfa.reset'],
      resources: ['*'],
      purpose: 'test',
      callId: newId('call'),
      startsAt: ctx.now,
      expiresAt,
    })),
  );
  const [callId, approvalId] = [newId('call'), newId('apr')];
  await ctx.db.insert(calls).values({
    tenantId: ctx.tenantId,
    id: callId,
    tool: 'okta_reset_mfa',
    summary: 'Reset MFA',
    principalId: personId,
    agentId,
    mandateId: mandateIds[0] ?? null,
    targets: [],
    input: {},
    inputDigest: callId,
    state: 'waiting',
    approvalId,
    actor: { kind: 'person', surface: 'slack', personId, identity: {} },
  });
  await insertApproval(ctx, {
    tenantId: ctx.tenantId,
    id: approvalId,
    callId,
    digest: 'd',
    requirements: [],
    impact: { changes: [], effect: 'None.', reversible: true },
    expiresAt,
  });
  return { mandateIds, callId, approvalId };
}

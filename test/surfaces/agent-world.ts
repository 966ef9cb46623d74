import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '#db/embedded.ts';
import { migrateDatabase } from '#db/migrate.ts';
import { openDatabase, SERVER_ROLE } from '#db/pool.ts';
import { openQueue } from '#db/queue.ts';
import type { Actor } from '#domain/actor.ts';
import { pendingApprovals } from '#domain/approval/store.ts';
import { findCall, type Call } from '#domain/call/store.ts';
import { newAgentKeyPair } from '#domain/agent/key.ts';
import { insertAgent } from '#domain/agent/store.ts';
import { groups, memberships } from '#domain/group/tables.ts';
import { endMandates, insertMandate } from '#domain/mandate/store.ts';
import { people } from '#domain/person/tables.ts';
import { ledgerEntries } from '#domain/ledger/store.ts';
import type { ProviderLink, ProviderPerson } from '#domain/provider.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { createTenant, mapGroup } from '#domain/tenant/create.ts';
import { signDelegation } from '#domain/token/delegation-token.ts';
import { createTokenKernel, type TokenKernel } from '#domain/token/kernel.ts';
import { issuerOf } from '#domain/token/names.ts';
import { createSigningKeys } from '#domain/token/signing-keys.ts';
import type { App } from '#engine/app.ts';
import { call } from '#engine/call.ts';
import { loadCatalogue } from '#engine/catalogue.ts';
import { loadPolicies } from '#engine/decide/policies.ts';
import { createLedgerBatch } from '#engine/record.ts';
import { listenForSettled } from '#engine/settled.ts';
import { readonly, transact } from '#engine/transact.ts';
import { JOBS } from '#jobs/index.ts';
import { openSecrets } from '#lib/crypto.ts';
import { newId } from '#lib/id.ts';
import { createLogger } from '#lib/log.ts';

const BASE = 'http://127.0.0.1:3999';
export const ALL_SCOPES = ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read'];

type Key = 'mona' | 'bob' | 'carl' | 'ann' | 'dana' | 'faye' | 'nina';
const MANAGERS: Record<Key, Key | null> = { mona: null, bob: 'mona', carl: 'bob', ann: 'bob', dana: 'mona', faye: 'mona', nina: 'faye' };

export interface TokenOptions {
  readonly mandateId?: string;
  readonly agentId?: string;
  readonly subject?: Key;
  readonly scopes?: readonly string[];
  readonly audience?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface AgentWorld {
  readonly app: App;
  readonly kernel: TokenKernel;
  readonly tenantId: string;
  readonly ids: Readonly<Record<Key, string>>;
  readonly agentId: string;
  readonly mandateId: string;
  readonly logs: string[];
  name(key: Key): string;
  /** What was changed at the provider, in order: `reset_factors ann`. */
  done(): string[];
  /** Puts people into the provider's directory. */
  hire(displayName: string, count: number, title?: string): Promise<void>;
  /** What was saved of a call. */
  call(id: string): Promise<Call | null>;
  /** Bob's mandate to the agent by default. */
  token(options?: TokenOptions): Promise<string>;
  /** Another agent with a mandate from somebody. */
  mandate(from: Key, more?: { scopes?: readonly string[]; tools?: string[] | null; agentId?: string }): Promise<{ agentId: string; mandateId: string }>;
  revoke(mandateId: string): Promise<void>;
  decide(by: Key, approvalId: string, decision: 'approve' | 'deny'): Promise<string>;
  /** The newest approval that waits, as soon as there is one. */
  waiting(): Promise<string>;
  apiKey(scopes: readonly string[]): Promise<string>;
  ledger(): Promise<{ event: string; actor: string; data: Readonly<Record<string, unknown>> }[]>;
  /** A tenant beside the first. */
  anotherTenant(): Promise<string>;
  /** The same installation while its database is gone. */
  withoutDatabase(): Promise<{ app: App; kernel: TokenKernel; close(): Promise<void> }>;
  close(): Promise<void>;
}

/** The whole engine on a real database, with a provider in memory. */
export async function openAgentWorld(): Promise<AgentWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'prokura-agents-'));
  const server = await startEmbedded(directory);
  await migrateDatabase(server.url, 'sandbox', JOBS);
  const database = openDatabase(server.url, { role: SERVER_ROLE });
  const logs: string[] = [];
  const log = createLogger('debug', { write: (line) => void logs.push(line) });
  const queue = await openQueue(server.url, SERVER_ROLE, log);
  const secrets = openSecrets(Buffer.alloc(32, 7).toString('base64'));
  const base = { baseUrl: BASE, mode: 'sandbox' as const, log, now: () => new Date(), database, queue, secrets, subscribers: {} };
  const catalogue = await loadCatalogue(new URL('../../tools/', import.meta.url));
  const done: string[] = [];
  const found: ProviderPerson[] = [];
  const link = memoryLink(done, found);
  const app: App = {
    ...base,
    catalogue,
    policies: await loadPolicies(new URL('../../policies/', import.meta.url), catalogue),
    settled: await listenForSettled(database.sql),
    ledgerBatch: createLedgerBatch(base),
    provider: () => Promise.resolve(link),
  };
  const parts = {
    baseUrl: BASE,
    sql: database.sql,
    now: base.now,
    secrets,
    log,
    record: (...entry: Parameters<App['ledgerBatch']['add']>) => app.ledgerBatch.add(...entry),
    read: <T>(tenantId: string, work: Parameters<typeof readonly<T>>[2]) => readonly(app, tenantId, work),
    write: <T>(tenantId: string, work: Parameters<typeof transact<T>>[2]) => transact(app, tenantId, work),
  };
  const kernel = createTokenKernel(parts);
  const signingKeys = createSigningKeys(parts);
  for (const [name, job] of Object.entries(JOBS)) {
    await queue.work(name, job, async (data, { signal }) => void (await job.run(app, String(data['tenant']), data, signal)));
  }

  const tenantId = newId('tnt');
  const ids = await seed(app, tenantId);
  const mandate: AgentWorld['mandate'] = (from, more = {}) => giveMandate(app, tenantId, ids, from, more);
  const { agentId, mandateId } = await mandate('bob');
  return {
    app,
    kernel,
    tenantId,
    ids,
    agentId,
    mandateId,
    logs,
    name: (key) => `${key[0]!.toUpperCase()}${key.slice(1)} Example`,
    done: () => [...done],
    hire: async (displayName, count, title = 'Engineer') => {
      for (let index = 0; index < count; index += 1) found.push({ ...samePerson(`00unew${found.length}`), displayName, title });
    },
    call: (id) => readonly(app, tenantId, (reader) => findCall(reader, id)),
    mandate,
    token: async (options = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        iss: issuerOf(BASE, tenantId),
        sub: `oidc:okta:00u${options.subject ?? 'bob'}`,
        aud: options.audience ?? `${BASE}/mcp`,
        client_id: options.agentId ?? agentId,
        iat: now,
        exp: now + 300,
        jti: newId('msg'),
        scope: (options.scopes ?? ALL_SCOPES).join(' '),
        mandate_id: options.mandateId ?? mandateId,
        epoch: [0, 0, 0, 0],
        ...options.claims,
      };
      return signDelegation(claims, await signingKeys.signer(tenantId));
    },
    revoke: (id) => transact(app, tenantId, (ctx) => endMandates(ctx, [id], 'revoked', 'a test')),
    decide: async (by, approvalId, decision) => {
      const actor: Actor = { kind: 'person', surface: 'slack', personId: ids[by], identity: { matched_by: 'email' } };
      const input = { approval_id: approvalId, decision, version: 1, ...(decision === 'deny' ? { note: 'not today' } : {}) };
      return (await call(app, { tenantId, actor, tool: 'approval_decide', input, waitMs: 0 })).status;
    },
    waiting: async () => {
      for (;;) {
        const [pending] = await readonly(app, tenantId, (reader) => pendingApprovals(reader, 1));
        if (pending !== undefined) return pending.id;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    apiKey: async (scopes) =>
      (await transact(app, tenantId, (ctx) => createApiKey(ctx, 'sandbox', { name: `key ${newId('msg')}`, scopes }))).presented,
    ledger: () => readonly(app, tenantId, (reader) => ledgerEntries(reader, 0, 10_000)),
    anotherTenant: async () => {
      const id = newId('tnt');
      await seed(app, id);
      return id;
    },
    withoutDatabase: async () => {
      const dead = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
      const gone: App = { ...app, database: dead };
      return { app: gone, kernel: createTokenKernel({ ...parts, sql: dead.sql, read: (id, work) => readonly(gone, id, work) }), close: () => dead.close() };
    },
    close: async () => {
      await queue.stop();
      await app.settled.close().catch(() => {});
      await database.close();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function seed(app: App, tenantId: string): Promise<Record<Key, string>> {
  const keys = Object.keys(MANAGERS) as Key[];
  const ids = Object.fromEntries(keys.map((key) => [key, newId('usr')])) as Record<Key, string>;
  await transact(app, tenantId, async (ctx) => {
    const okta = { orgUrl: 'https://acme.okta.test', credential: {}, issuer: 'https://acme.okta.test/oauth2/default', audience: 'api://acme' };
    await createTenant(ctx, app.secrets, { name: 'Acme', slackTeamId: null, settings: {}, okta });
    for (const key of keys) {
      const manager = MANAGERS[key];
      await ctx.db.insert(people).values({
        tenantId,
        id: ids[key],
        provider: 'okta',
        uid: `00u${key}`,
        login: `${key}@acme.test`,
        email: `${key}@acme.test`,
        displayName: `${key[0]!.toUpperCase()}${key.slice(1)} Example`,
        status: 'ACTIVE',
        managerId: manager === null ? null : ids[manager],
      });
    }
    const roles: [string, Key[]][] = [['manager', ['mona', 'bob', 'faye']], ['it_admin', ['dana']], ['executive', ['mona']]];
    for (const [role, members] of roles) {
      const groupId = newId('grp');
      await ctx.db.insert(groups).values({ tenantId, id: groupId, source: 'okta', uid: `00g${role}`, name: role, kind: 'OKTA_GROUP' });
      await mapGroup(ctx, 'okta', `00g${role}`, role);
      for (const key of members) await ctx.db.insert(memberships).values({ tenantId, groupId, personId: ids[key] });
    }
  });
  return ids;
}

async function giveMandate(
  app: App,
  tenantId: string,
  ids: Readonly<Record<Key, string>>,
  from: Key,
  more: { scopes?: readonly string[]; tools?: string[] | null; agentId?: string },
) {
  const agentId = more.agentId ?? newId('agt');
  const mandateId = newId('mdt');
  await transact(app, tenantId, async (ctx) => {
    const { kid, alg, publicJwk } = newAgentKeyPair();
    if (more.agentId === undefined) {
      const agent = { tenantId, id: agentId, name: `helper-${agentId.slice(-6)}`, ownerId: ids.carl, ceiling: [...ALL_SCOPES] };
      await insertAgent(ctx, agent, { kid, alg, publicJwk });
    }
    await insertMandate(ctx, {
      tenantId,
      id: mandateId,
      principalId: ids[from],
      agentId,
      scopes: [...(more.scopes ?? ALL_SCOPES)],
      resources: ['*'],
      tools: more.tools ?? null,
      purpose: 'help',
      callId: newId('call'),
      startsAt: new Date(Date.now() - 60_000),
      expiresAt: new Date(Date.now() + 86_400_000),
    });
  });
  return { agentId, mandateId };
}

const samePerson = (uid: string): ProviderPerson => ({
  uid,
  status: 'ACTIVE',
  login: `${uid}@acme.test`,
  email: `${uid}@acme.test`,
  displayName: uid === '00uann' ? 'Ann Example' : uid,
  firstName: uid,
  lastName: '',
  employeeNumber: null,
  title: null,
  department: null,
  managerRef: null,
});

/** A directory of the sample people; factors go when they are reset. */
function memoryLink(done: string[], found: ProviderPerson[]): ProviderLink {
  const factors = new Map<string, number>();
  async function* nothing<T>(): AsyncGenerator<T[]> {}
  return {
    vendor: 'okta',
    directory: {
      findPeople: (query, limit) => Promise.resolve([...found, samePerson('00uann')].filter((one) => one.displayName.startsWith(query)).slice(0, limit)),
      person: (uid) => Promise.resolve(samePerson(uid)),
      people: () => nothing(),
      groups: () => nothing(),
      members: () => nothing(),
      factors: (uid) => Promise.resolve(factors.get(uid) === 0 ? [] : [{ id: 'f1', type: 'push', vendor: 'OKTA', status: 'ACTIVE' }]),
      adminRoles: () => Promise.resolve([]),
      passwordChanged: () => Promise.resolve(null),
    },
    actions: {
      resetPassword: async (uid) => void done.push(`reset_password ${uid.slice(3)}`),
      resetFactors: async (uid) => {
        factors.set(uid, 0);
        done.push(`reset_factors ${uid.slice(3)}`);
      },
      suspend: async (uid) => void done.push(`suspend ${uid.slice(3)}`),
    },
    close: () => Promise.resolve(),
  };
}

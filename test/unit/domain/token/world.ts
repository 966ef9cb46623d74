import { createPrivateKey, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '#db/embedded.ts';
import { migrateDatabase } from '#db/migrate.ts';
import { openDatabase, SERVER_ROLE, type Database } from '#db/pool.ts';
import type { JobQueue } from '#db/queue.ts';
import { newAgentKeyPair, type NewAgentKeyPair } from '#domain/agent/key.ts';
import { agentKeys, agents } from '#domain/agent/tables.ts';
import { groupMappings, groups, memberships } from '#domain/group/tables.ts';
import { beginLedger } from '#domain/ledger/store.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { DEFAULT_SETTINGS } from '#domain/tenant/settings.ts';
import { identityProviders, tenants } from '#domain/tenant/tables.ts';
import { createTokenKernel, type TokenKernel } from '#domain/token/kernel.ts';
import { issuerOf, JWT_BEARER_ASSERTION, TOKEN_EXCHANGE, ACCESS_TOKEN_TYPE } from '#domain/token/names.ts';
import { createSigningKey } from '#domain/token/signing-keys.ts';
import { createLedgerBatch } from './record.tmp.ts';
import { readonly, transact } from '#engine/transact.ts';
import { openSecrets } from '#lib/crypto.ts';
import { newId } from '#lib/id.ts';
import { createLogger } from '#lib/log.ts';
import { oauthSurface, type OAuthSurface } from '#surfaces/oauth/index.ts';

export const BASE = 'https://prokura.test';
export const AUDIENCE = 'https://api.acme.test';
export const SCOPES = ['okta.mfa.reset', 'okta.password.reset'];

/** Signs like Okta's custom authorization server: RS256, a `kid` of its own, no `typ`. */
export interface Idp {
  readonly issuer: string;
  readonly origin: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** What the JWKS holds now; tests replace it. */
  keys: Record<string, unknown>[];
  /** How often each document was asked for. */
  readonly asked: { discovery: number; jwks: number };
  down: boolean;
  close(): Promise<void>;
}

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
  readonly kernel: TokenKernel;
  readonly surface: OAuthSurface;
  readonly idp: Idp;
  readonly logs: string[];
  clock: number | null;
  write: typeof transact extends (app: never, tenantId: string, work: infer W) => unknown ? (tenantId: string, work: W) => Promise<unknown> : never;
  tenant(): Promise<Tenant>;
  /** Another kernel on the same database, as another process would have. */
  another(): { kernel: TokenKernel; surface: OAuthSurface };
  ledger(tenantId: string): Promise<{ event: string; actor: string; data: Record<string, unknown> }[]>;
  close(): Promise<void>;
}

export const b64 = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** Signs any header and claims, right or wrong. */
export function jws(header: Record<string, unknown>, claims: unknown, key: KeyObject): string {
  const signed = `${b64(header)}.${b64(claims)}`;
  const dsaEncoding = key.asymmetricKeyType === 'ec' ? ({ dsaEncoding: 'ieee-p1363' } as const) : {};
  return `${signed}.${sign('sha256', Buffer.from(signed), { key, ...dsaEncoding }).toString('base64url')}`;
}

export async function startIdp(): Promise<Idp> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const asked = { discovery: 0, jwks: 0 };
  const state = { down: false, keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'okta-1', alg: 'RS256', use: 'sig' }] as Record<string, unknown>[] };
  const server = createServer((request, response) => {
    const json = (body: unknown) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    if (state.down) return void response.writeHead(503).end();
    if (request.url?.endsWith('/.well-known/openid-configuration') === true) {
      asked.discovery += 1;
      return void json({ issuer, jwks_uri: `${issuer}/v1/keys` });
    }
    asked.jwks += 1;
    return void setTimeout(() => json({ keys: state.keys }), 5);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = `${origin}/oauth2/aus1`;
  return Object.assign(state, {
    issuer, origin, kid: 'okta-1', privateKey, publicKey, asked,
    close: () => new Promise<void>((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
  });
}

/** Bob's access token as Okta would issue it; `claims` and `header` change it, `undefined` removes. */
export function subjectToken(world: World, tenant: Tenant, claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): string {
  const now = nowSeconds();
  const whole = {
    ver: 1, jti: `AT.${randomUUID()}`, iss: world.idp.issuer, aud: AUDIENCE, iat: now, exp: now + 3600, cid: '0oaclient', uid: tenant.uid,
    scp: ['openid', 'delegation:create'], sub: 'bob@acme.test', groups: ['Everyone'], ...claims,
  };
  return jws({ kid: world.idp.kid, alg: 'RS256', ...header }, whole, world.idp.privateKey);
}

export function clientAssertion(tenant: Tenant, claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): string {
  const now = nowSeconds();
  const whole = { iss: tenant.agentId, sub: tenant.agentId, aud: tenant.issuer, iat: now, exp: now + 60, jti: randomUUID(), ...claims };
  return jws({ alg: 'ES256', kid: tenant.key.kid, ...header }, whole, createPrivateKey({ key: tenant.key.privateJwk, format: 'jwk' }));
}

/** A whole token request; `undefined` leaves a parameter out, an array repeats it. */
export function exchangeForm(world: World, tenant: Tenant, change: Record<string, string | string[] | undefined> = {}): URLSearchParams {
  const form = new URLSearchParams();
  const whole: Record<string, string | string[] | undefined> = {
    grant_type: TOKEN_EXCHANGE, client_assertion_type: JWT_BEARER_ASSERTION, client_assertion: clientAssertion(tenant),
    subject_token: subjectToken(world, tenant), subject_token_type: ACCESS_TOKEN_TYPE, mandate_id: tenant.mandateId, scope: 'okta.mfa.reset', ...change,
  };
  for (const [name, value] of Object.entries(whole)) {
    for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value]) form.append(name, one);
  }
  return form;
}

export async function post(surface: OAuthSurface, url: string, body: URLSearchParams, headers: Record<string, string> = {}) {
  const response = await surface.fetch(new Request(url, { method: 'POST', body, headers }));
  if (response === null) throw new Error(`not served: ${url}`);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, unknown> };
}

export const exchange = (world: World, tenant: Tenant, change: Record<string, string | string[] | undefined> = {}, surface = world.surface) =>
  post(surface, `${tenant.issuer}/oauth2/token`, exchangeForm(world, tenant, change));

const queue = { enqueue: () => Promise.resolve(), send: () => Promise.resolve() } as unknown as JobQueue;

export async function openWorld(): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'prokura-token-'));
  const server = await startEmbedded(directory);
  await migrateDatabase(server.url, 'sandbox', {});
  const database = openDatabase(server.url, { role: SERVER_ROLE });
  const idp = await startIdp();
  const logs: string[] = [];
  const log = createLogger('debug', { write: (line) => void logs.push(line) });
  const world = { clock: null } as { clock: number | null } & Partial<World>;
  const now = () => new Date(world.clock ?? Date.now());
  const secrets = openSecrets(Buffer.alloc(32, 7).toString('base64'));
  const app = { database, queue, now, subscribers: {}, baseUrl: BASE, mode: 'sandbox' as const, log };
  const another = () => {
    const batch = createLedgerBatch(app);
    const kernel = createTokenKernel({
      baseUrl: BASE, sql: database.sql, now, secrets, log,
      record: (...entry) => batch.add(...entry),
      read: (tenantId, work) => readonly(app, tenantId, work),
      write: (tenantId, work) => transact(app, tenantId, work),
    });
    return { kernel, surface: oauthSurface({ kernel, app }) };
  };
  return Object.assign(world, another(), {
    database, idp, logs, another,
    write: (tenantId: string, work: Parameters<typeof transact>[2]) => transact(app, tenantId, work),
    tenant: () => seed((tenantId, work) => transact(app, tenantId, work), idp, secrets),
    ledger: (tenantId: string) =>
      readonly(app, tenantId, async (ctx) => {
        const { ledgerEntries } = await import('#domain/ledger/store.ts');
        return ledgerEntries(ctx, 0, 1000);
      }),
    close: async () => {
      await idp.close();
      await database.close();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  }) as World;
}

type Write = <T>(tenantId: string, work: Parameters<typeof transact<T>>[2]) => Promise<T>;

/** A tenant in which Bob (`uid`) has given an agent of his one mandate over both scopes. */
async function seed(write: Write, idp: Idp, secrets: ReturnType<typeof openSecrets>): Promise<Tenant> {
  const id = newId('tnt');
  const [personId, agentId, mandateId, groupId] = [newId('usr'), newId('agt'), newId('mdt'), newId('grp')];
  const key = newAgentKeyPair();
  const uid = `00u${newId('msg').slice(-17)}`;
  const row = { tenantId: id };
  const apiKey = await write(id, async (ctx) => {
    await ctx.db.insert(tenants).values({ id, name: 'Acme', settings: DEFAULT_SETTINGS });
    await beginLedger(ctx.db, id);
    await createSigningKey(ctx, secrets);
    await ctx.db.insert(identityProviders).values({ ...row, id: newId('idp'), kind: 'OKTA', issuer: idp.issuer, audience: AUDIENCE });
    await ctx.db.insert(people).values({ ...row, id: personId, provider: 'okta', uid, login: 'bob@acme.test', email: 'bob@acme.test', displayName: 'Bob', status: 'ACTIVE' });
    await ctx.db.insert(groups).values({ ...row, id: groupId, source: 'okta', uid: '00gmanagers', name: 'Managers', kind: 'OKTA_GROUP' });
    await ctx.db.insert(memberships).values({ ...row, groupId, personId });
    await ctx.db.insert(groupMappings).values({ ...row, id: newId('map'), source: 'okta', groupUid: '00gmanagers', role: 'manager', scopes: [...SCOPES, 'okta.suspend'] });
    await ctx.db.insert(agents).values({ ...row, id: agentId, name: 'helper', ownerId: personId, ceiling: [...SCOPES, 'finance:approve'] });
    await ctx.db.insert(agentKeys).values({ ...row, agentId, kid: key.kid, alg: key.alg, publicJwk: key.publicJwk });
    await ctx.db.insert(mandates).values({
      ...row, id: mandateId, principalId: personId, agentId, scopes: SCOPES, resources: [`reports:${personId}`], purpose: 'help', callId: newId('call'),
      startsAt: new Date(Date.now() - 60_000), expiresAt: new Date(Date.now() + 7 * 86_400_000),
    });
    return (await createApiKey(ctx, 'sandbox', { name: 'rs', scopes: ['introspect'] })).presented;
  });
  return { id, issuer: issuerOf(BASE, id), personId, uid, agentId, key, mandateId, apiKey };
}

import { findCall, type Call } from '#domain/call/store.ts';
import { urgentApprovals } from '#domain/approval/list.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { createTenant } from '#domain/tenant/create.ts';
import { signDelegation } from '#domain/token/issued/delegation-token.ts';
import { createTokenKernel, type TokenKernel } from '#domain/token/kernel.ts';
import { issuerOf } from '#domain/token/names.ts';
import type { KernelParts } from '#domain/token/parts.ts';
import { createSigningKeys } from '#domain/token/keys/signing-keys.ts';
import { openDatabase } from '#db/pool.ts';
import type { App } from '#engine/app.ts';
import { readonly, transact } from '#engine/transact.ts';
import { newId } from '#lib/id.ts';
import { samplePerson } from '#sandbox/company.ts';
import { eventually, type World } from './world.ts';

export const ALL_SCOPES = ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read'];

const PEOPLE = ['mona', 'bob', 'carl', 'ann', 'dana', 'faye', 'nina'] as const;
export type Key = (typeof PEOPLE)[number];

/** For each principal, a direct report who owns the principal's agents. */
const OWNERS = { bob: 'carl', faye: 'nina' } as const satisfies Partial<Record<Key, Key>>;

export interface TokenOptions {
  readonly mandateId?: string;
  readonly agentId?: string;
  readonly subject?: Key;
  readonly scopes?: readonly string[];
  readonly audience?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** What tests of agents' calls need: tokens of any form, and the results of their calls. */
interface Agents {
  readonly kernel: TokenKernel;
  readonly ids: Readonly<Record<Key, string>>;
  name(key: Key): string;
  /** The changes made at Okta, in order: `reset_factors ann`. */
  done(): string[];
  /** Adds people to Okta's directory. */
  hire(firstName: string, count: number, title?: string): void;
  /** The saved row of a call. */
  call(id: string): Promise<Call | null>;
  /**
   * A delegation token of any form. By default Bob's, for his agent and MCP. Signed with the tenant's own
   * key.
   */
  bearer(options?: TokenOptions): Promise<string>;
  /** A person's access token from Okta with these scopes. */
  personToken(key: Key, scopes: string[]): Promise<string>;
  /** A new agent with a mandate from this principal. `tools` are those that the mandate names. */
  helper(
    from: keyof typeof OWNERS,
    terms?: Readonly<Record<string, unknown>> & { tools?: readonly string[] },
  ): Promise<{ agentId: string; mandateId: string }>;
  revoke(mandateId: string): Promise<void>;
  decide(by: Key, approvalId: string, decision: 'approve' | 'deny'): Promise<string>;
  /** Waits for the newest pending approval and returns its id. */
  waiting(): Promise<string>;
  apiKey(scopes: readonly string[]): Promise<string>;
  /** Creates a second tenant. */
  anotherTenant(): Promise<void>;
  /** The same installation while its database is down. */
  withoutDatabase(): Promise<{ app: App; kernel: TokenKernel; close(): Promise<void> }>;
}

/** A world with agents. */
export type AgentWorld = World & Agents;

/** Adds agents to a world: Bob has given Carl's agent a mandate over all of `ALL_SCOPES`. */
export async function withAgents(world: World): Promise<AgentWorld> {
  const { app, tenantId } = world;
  const { kernel } = world.server;
  const ids = Object.fromEntries(
    await Promise.all(PEOPLE.map(async (key) => [key, (await world.person(key)).id])),
  ) as Record<Key, string>;
  const signingKeys = createSigningKeys(partsOf(app));
  const helper: Agents['helper'] = async (from, { tools, ...terms } = {}) => {
    const agent = await world.agent(`helper-${newId('agt').slice(-8)}`, OWNERS[from]);
    const mandateId = await world.mandate(from, agent, { scopes: ALL_SCOPES, ...terms });
    if (tools !== undefined)
      await world.sql`update mandates set tools = ${[...tools]} where id = ${mandateId}`;
    return { agentId: agent.id, mandateId };
  };
  const bobs = await helper('bob');
  const agents: Agents = {
    kernel,
    ids,
    helper,
    name: (key) => `${samplePerson(key).firstName} ${samplePerson(key).lastName}`,
    done: () => changes(world),
    hire: (firstName, count, title = 'Engineer') => hire(world, firstName, count, title),
    call: (id) => readonly(app, tenantId, (reader) => findCall(reader, id)),
    bearer: async (options = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = {
        iss: issuerOf(app.baseUrl, tenantId),
        sub: `oidc:okta:${samplePerson(options.subject ?? 'bob').oktaId}`,
        aud: options.audience ?? `${app.baseUrl}/mcp`,
        client_id: options.agentId ?? bobs.agentId,
        iat: now,
        exp: now + 300,
        jti: newId('msg'),
        scope: (options.scopes ?? ALL_SCOPES).join(' '),
        mandate_id: options.mandateId ?? bobs.mandateId,
        epoch: [0, 0, 0, 0],
        ...options.claims,
      };
      return signDelegation(claims, await signingKeys.signer(tenantId));
    },
    personToken: (key, scopes) => world.okta.tokenFor(samplePerson(key).email, { scopes }),
    revoke: async (mandateId) => {
      const outcome = await world.as(await world.actor('bob'), 'mandate_revoke', {
        mandate_id: mandateId,
        reason: 'no longer needed',
      });
      if (outcome.status !== 'done') throw new Error(`not revoked: ${JSON.stringify(outcome)}`);
    },
    decide: async (by, approvalId, decision) =>
      (await world.vote(by, approvalId, decision, decision === 'deny' ? 'not today' : undefined)).status,
    waiting: () =>
      eventually(
        async () =>
          (
            await readonly(app, tenantId, (reader) =>
              urgentApprovals(reader, null, { after: undefined, limit: 1 }),
            )
          )[0]?.id,
        'an approval waits',
      ),
    apiKey: async (scopes) =>
      (await transact(app, tenantId, (ctx) => createApiKey(ctx, 'sandbox', { name: 'a key', scopes })))
        .presented,
    anotherTenant: async () => {
      const okta = {
        orgUrl: 'https://other.okta.test',
        credential: {},
        issuer: 'https://other.okta.test/oauth2/default',
        audience: 'api://other',
      };
      await transact(app, newId('tnt'), (ctx) =>
        createTenant(ctx, app.secrets, { name: 'Other', slackTeamId: null, settings: {}, okta }),
      );
    },
    withoutDatabase: async () => {
      const database = openDatabase('postgres://nobody@127.0.0.1:1/nothing');
      const gone: App = { ...app, database };
      return { app: gone, kernel: createTokenKernel(partsOf(gone)), close: () => database.close() };
    },
  };
  return Object.assign(world, agents);
}

const partsOf = (app: App): KernelParts => ({
  baseUrl: app.baseUrl,
  sql: app.database.sql,
  now: app.now,
  secrets: app.secrets,
  log: app.log,
  record: (...entry) => app.ledgerBatch.add(...entry),
  read: (tenantId, work) => readonly(app, tenantId, work),
  write: (tenantId, work) => transact(app, tenantId, work),
  readAgain: () => Promise.resolve(),
});

function changes({ okta }: World): string[] {
  return okta.requests.flatMap(({ method, path }) => {
    const [, uid, verb] = /^\/api\/v1\/users\/([^/]+)\/lifecycle\/(\w+)$/.exec(path) ?? [];
    const who = PEOPLE.find((key) => samplePerson(key).oktaId === uid);
    return method === 'POST' && verb !== undefined ? [`${verb} ${who ?? uid}`] : [];
  });
}

function hire({ okta }: World, firstName: string, count: number, title: string): void {
  const model = okta.org.users.get(samplePerson('ann').oktaId);
  if (model === undefined) throw new Error('Ann is not at Okta');
  for (let index = 0; index < count; index += 1) {
    const id = `00unew${String(okta.org.users.size).padStart(14, '0')}`;
    const email = `${id}@acme.example`;
    okta.org.users.set(id, {
      ...model,
      id,
      profile: {
        ...model.profile,
        login: email,
        email,
        firstName,
        displayName: `${firstName} New`,
        lastName: 'New',
        title,
      },
    });
  }
}

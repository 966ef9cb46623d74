import { agents } from '#domain/agent/tables.ts';
import { insertApproval } from '#domain/approval/store.ts';
import { calls } from '#domain/call/tables.ts';
import type { TenantWriter } from '#domain/context.ts';
import { mandates } from '#domain/mandate/tables.ts';
import { people } from '#domain/person/tables.ts';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { newId } from '#lib/id.ts';
import { scimSurface } from '#surfaces/scim/index.ts';
import type { AnyWorld, BareWorld } from './bare-world.ts';

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

/** What tests of SCIM need: clients of the interface, which runs in this process. */
interface Scim {
  client(tenantId: string, source?: string, scopes?: readonly string[]): Promise<Client>;
}

/** A bare world with SCIM. */
export type ScimWorld = BareWorld & Scim;

/** Adds the SCIM interface to a world. */
export function withScim<W extends AnyWorld>(world: W): W & Scim {
  const { app, write } = world;
  const surface = scimSurface(app);
  return Object.assign(world, {
    client: async (tenantId: string, source = 'okta', scopes: readonly string[] = ['scim']) => {
      const { presented } = await write(tenantId, (ctx) =>
        createApiKey(ctx, 'sandbox', { name: source, scopes, source }),
      );
      const authorization = `Bearer ${presented}`;
      return {
        tenantId,
        authorization,
        send: async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
          const response = await surface.fetch(
            new Request(`${app.baseUrl}${path.startsWith('/scim') ? path : `/v1/scim/v2${path}`}`, {
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
  });
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

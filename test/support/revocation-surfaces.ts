import { createPrivateKey, randomUUID, type KeyObject } from 'node:crypto';
import { createApiKey } from '#domain/tenant/api-key.ts';
import { mapGroup } from '#domain/tenant/create.ts';
import { transact } from '#engine/transact.ts';
import { newId } from '#lib/id.ts';
import { signJwt } from '#lib/jwt.ts';
import { samplePerson } from '#sandbox/company.ts';
import type { TestAgent, World } from './world.ts';

/** A mandate, with tokens for the two interfaces that accept them. */
export interface Held {
  readonly id: string;
  readonly rest: string;
  readonly mcp: string;
}

/** An interface of one server: whether it lets `held` pass. Throws if the answer is neither yes nor no. */
export type Surface = (server: string, held: Held) => Promise<boolean>;

/**
 * Faye's mandates let an agent of Carl's do something that no policy gates, so every interface says yes until
 * something ends.
 */
export interface Parties {
  readonly agent: TestAgent;
  /** Inserts this many mandates like the first one, without asking anybody. */
  plant(count: number): Promise<string[]>;
  /** Tokens for a mandate, from two exchanges. */
  hold(mandateId: string): Promise<Held>;
  readonly surfaces: Readonly<Record<'exchange' | 'introspection' | 'rest' | 'mcp' | 'verify', Surface>>;
  /** REST with the token of Faye's own provider, from before anything ended. Ignores `held`. */
  readonly provider: Surface;
}

const SCOPE = 'finance:approve';

export async function openParties(world: World): Promise<Parties> {
  const { app, tenantId } = world;
  const issuer = `${app.baseUrl}/t/${tenantId}`;
  const key = await transact(app, tenantId, async (ctx) => {
    await mapGroup(ctx, 'okta', '00gfinance00000000h7', 'finance');
    const scopes = ['verify', 'introspect'];
    return (await createApiKey(ctx, 'sandbox', { name: 'readers', scopes })).presented;
  });
  await world.sql`update group_mappings set scopes = '{finance:approve}' where role = 'finance'`;
  await world.sql`insert into scopes (tenant_id, scope, description, holders) values (${tenantId}, ${SCOPE}, 'Approve invoices', '{}')`;
  const agent = await world.agent('reader-bot', 'faye', [SCOPE]);
  const first = await world.mandate('faye', agent, { scopes: [SCOPE], resources: ['resource:*'] });
  // Another owner from now on. Otherwise ending Faye would end the agent too, and hide whether her own end is
  // seen.
  await world.sql`update agents set owner_id = ${(await world.person('carl')).id} where id = ${agent.id}`;
  const privateKey = createPrivateKey({ key: { ...agent.privateJwk }, format: 'jwk' });
  const subject = await world.okta.tokenFor(samplePerson('faye').email, {
    scopes: ['delegation:exchange', 'delegation:read'],
  });

  const exchange = async (server: string, mandateId: string, audience: string): Promise<Response> =>
    fetch(`${server}/t/${tenantId}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subject,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        mandate_id: mandateId,
        audience,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion(agent, privateKey, issuer),
      }),
    });
  const issued = async (mandateId: string, audience: string): Promise<string> => {
    const response = await exchange(world.url, mandateId, audience);
    const body = (await response.json()) as Record<string, unknown>;
    if (response.status !== 200)
      throw new Error(`no token: ${JSON.stringify([body, world.logs.at(-1) ?? 'nothing logged'])}`);
    return String(body['access_token']);
  };
  const post = async (url: string, bearer: string, body: object) =>
    fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${bearer}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify(body),
    });

  return {
    agent,
    plant: async (count) => {
      const ids = Array.from({ length: count }, () => newId('mdt'));
      await world.sql`insert into mandates (tenant_id, id, principal_id, agent_id, scopes, resources, purpose, state, call_id, starts_at, expires_at)
        select tenant_id, i, principal_id, agent_id, scopes, resources, 'planted', 'active', call_id, starts_at, expires_at
          from mandates, unnest(${ids}::text[]) as i where id = ${first}`;
      return ids;
    },
    hold: async (id) => ({
      id,
      rest: await issued(id, `${app.baseUrl}/v1`),
      mcp: await issued(id, `${app.baseUrl}/mcp`),
    }),
    provider: async (server) => {
      const headers = { authorization: `Bearer ${subject}` };
      return yesOrNo(await fetch(`${server}/v1/calls`, { headers }), [401]);
    },
    surfaces: {
      exchange: async (server, { id }) => yesOrNo(await exchange(server, id, `${app.baseUrl}/v1`), [400]),
      introspection: async (server, { rest }) => {
        const body = new URLSearchParams({ token: rest });
        const headers = { authorization: `Bearer ${key}` };
        const answer = await fetch(`${server}/t/${tenantId}/oauth2/introspect`, {
          method: 'POST',
          body,
          headers,
        });
        return ((await answer.json()) as { active?: unknown }).active === true;
      },
      rest: async (server, { id, rest }) =>
        yesOrNo(await post(`${server}/v1/tools/mandate_show`, rest, { mandate_id: id }), [401, 403]),
      mcp: async (server, { id, mcp }) => {
        const call = { name: 'mandate_show', arguments: { mandate_id: id } };
        const answer = await post(`${server}/mcp`, mcp, {
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: call,
        });
        if (answer.status === 401) return false;
        // Either an answer or a stream with one event.
        const [, json = ''] = /^(?:event: message\s+data: )?(\{[^]*\})\s*$/.exec(await answer.text()) ?? [];
        const { result } = JSON.parse(json) as { result?: { isError?: boolean } };
        return result !== undefined && result.isError !== true;
      },
      verify: async (server, { id }) => {
        const check = { mandate_id: id, action: SCOPE, resource: 'invoice:1' };
        const { decision } = (await (await post(`${server}/v1/verify`, key, check)).json()) as {
          decision?: unknown;
        };
        if (decision !== 'allow' && decision !== 'deny') throw new Error(`verify said ${String(decision)}`);
        return decision === 'allow';
      },
    },
  };
}

function assertion(agent: TestAgent, key: KeyObject, issuer: string): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: agent.id, sub: agent.id, aud: issuer, jti: randomUUID(), iat: now, exp: now + 60 };
  return signJwt({ alg: 'ES256', kid: agent.privateJwk.kid ?? '' }, claims, key);
}

async function yesOrNo(answer: Response, no: readonly number[]): Promise<boolean> {
  if (answer.status === 200) return true;
  if (no.includes(answer.status)) return false;
  throw new Error(`neither yes nor no: ${answer.status} ${await answer.text()}`);
}

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person } from '#domain/person/store.ts';
import { openWorld, type TestAgent, type World } from '../support/world.ts';

let world: World;
let agent: TestAgent;
let mandateId: string;
let ann: Person;
beforeAll(async () => {
  world = await openWorld({ holdMs: 300 });
  agent = await world.agent('helper', 'carl');
  mandateId = await world.mandate('bob', agent, {
    scopes: ['okta.mfa.reset', 'okta.password.reset', 'okta.users.read'],
  });
  ann = await world.person('ann');
});
afterAll(() => world.close());

interface Called {
  readonly isError?: boolean | undefined;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: Record<string, unknown> | undefined;
}

/** What the tests use of a client, from either package. */
interface AnyClient {
  listTools(): Promise<{ tools: { name: string }[] }>;
  callTool(call: { name: string; arguments: Record<string, unknown> }): Promise<Called>;
  close(): Promise<void>;
}

const IDENTITY = { name: 'e2e', version: '1' };
const bearer = (token: string | null) =>
  token === null ? {} : { requestInit: { headers: { authorization: `Bearer ${token}` } } };

async function second(
  token: string | null,
  mode: 'legacy' | { pin: '2026-07-28' },
  path: string,
): Promise<AnyClient> {
  const client = new Client(IDENTITY, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${world.url}${path}`), bearer(token)));
  return client as unknown as AnyClient;
}

const CLIENTS: Readonly<Record<string, (token: string | null, path?: string) => Promise<AnyClient>>> = {
  'client 2.x, 2026-07-28': (token, path = '/mcp') => second(token, { pin: '2026-07-28' }, path),
  'client 2.x, 2025 handshake': (token, path = '/mcp') => second(token, 'legacy', path),
  'sdk 1.x': async (token, path = '/mcp') => {
    const client = new Client1(IDENTITY);
    await client.connect(new Transport1(new URL(`${world.url}${path}`), bearer(token)));
    return client as unknown as AnyClient;
  },
};

describe.each(Object.entries(CLIENTS))('%s', (name, connect) => {
  test('lists, looks, waits for an approval and gets the result', async () => {
    const client = await connect(await world.token(agent, 'bob', mandateId));
    const names = (await client.listTools()).tools.map((tool) => tool.name);
    expect(names).toEqual([...names].sort());
    expect(names).toContain('okta_reset_mfa');
    expect(names).not.toContain('approval_decide');

    const found = await client.callTool({ name: 'okta_find_user', arguments: { query: 'ann' } });
    expect(found.structuredContent).toMatchObject({
      status: 'done',
      result: { people: [{ person: ann.id, name: 'Ann Lee' }] },
    });

    const pending = await client.callTool({
      name: 'okta_reset_password',
      arguments: { person: ann.id, reason: 'She asked for it.' },
    });
    expect(pending.isError).not.toBe(true);
    expect(pending.structuredContent).toMatchObject({
      status: 'pending_approval',
      approvers: ['Mona Patel'],
    });
    expect(pending.content[0]?.text).toMatch(/^NOT DONE YET/);
    const id = String(pending.structuredContent?.['approval_id']);

    const later = client.callTool({
      name: 'approval_wait',
      arguments: { approval_id: id, wait_seconds: 20 },
    });
    await world.vote('mona', id);
    const done = await later;
    expect(done.structuredContent).toMatchObject({
      status: 'done',
      call_id: pending.structuredContent?.['call_id'],
    });
    await client.close();
  });

  test('a denial is a result that a model can read, not a broken connection', async () => {
    const client = await connect(await world.token(agent, 'bob', mandateId, { scope: 'okta.users.read' }));
    expect((await client.listTools()).tools.map((tool) => tool.name)).not.toContain('okta_reset_mfa');
    const denied = await client.callTool({ name: 'okta_reset_mfa', arguments: { person: ann.id } });
    expect(denied.isError).toBe(true);
    expect(denied.structuredContent).toMatchObject({
      status: 'denied',
      code: 'scope_not_delegated',
      retryable: false,
    });
    await expect(client.callTool({ name: 'no_such_tool', arguments: {} })).rejects.toMatchObject({
      code: -32602,
    });
    await client.close();
  });

  test('a read-only address offers what changes nothing', async () => {
    const client = await connect(await world.token(agent, 'bob', mandateId), '/mcp/readonly');
    const names = (await client.listTools()).tools.map((tool) => tool.name);
    expect(names).toContain('okta_find_user');
    expect(names).not.toContain('okta_reset_mfa');
    await client.close();
  });

  test('without a token it does not connect', async () => {
    await expect(connect(null)).rejects.toThrow(/401|unauthorized/i);
  });

  test('after a revocation the next call fails for good', async () => {
    const mine = await world.agent(`doomed-${name.replaceAll(/[^a-z0-9]+/g, '-')}`, 'carl');
    const doomed = await world.mandate('bob', mine, { scopes: ['okta.users.read'] });
    const client = await connect(await world.token(mine, 'bob', doomed));
    expect(
      (await client.callTool({ name: 'okta_find_user', arguments: { query: 'ann' } })).structuredContent,
    ).toMatchObject({ status: 'done' });
    const outcome = await world.as(await world.actor('bob'), 'mandate_revoke', {
      mandate_id: doomed,
      reason: 'no longer needed',
    });
    expect(outcome.status).toBe('done');
    await expect(client.callTool({ name: 'okta_find_user', arguments: { query: 'ann' } })).rejects.toThrow(
      /401|unauthorized|invalid_token/i,
    );
    await client.close();
  });
});

test('S11: two principals on one kept connection see what is theirs', async () => {
  const [all, few] = [
    await world.token(agent, 'bob', mandateId),
    await world.token(agent, 'bob', mandateId, { scope: 'okta.users.read' }),
  ];
  const names = async (token: string) => {
    const client = await CLIENTS['client 2.x, 2026-07-28']!(token);
    const { tools } = await client.listTools();
    await client.close();
    return tools.map((tool) => tool.name);
  };
  for (let round = 0; round < 3; round += 1) {
    expect(await names(all)).toContain('okta_reset_mfa');
    expect(await names(few)).not.toContain('okta_reset_mfa');
  }
});

test('discovery leads from the 401 to the token endpoint', async () => {
  const refused = await fetch(`${world.url}/mcp`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  });
  expect(refused.status).toBe(401);
  const metadataUrl =
    /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '')?.[1] ?? '';
  const resource = (await (await fetch(metadataUrl)).json()) as {
    resource: string;
    authorization_servers: string[];
  };
  expect(resource.resource).toBe(`${world.app.baseUrl}/mcp`);
  const issuer = new URL(resource.authorization_servers[0]!);
  const metadata = (await (
    await fetch(`${issuer.origin}/.well-known/oauth-authorization-server${issuer.pathname}`)
  ).json()) as { issuer: string; token_endpoint: string };
  expect(metadata.issuer).toBe(issuer.href);
  expect(metadata.token_endpoint).toContain(world.tenantId);
});

test('S4: the bearer never reaches Okta, a log line or the ledger', async () => {
  const token = await world.token(agent, 'bob', mandateId);
  const client = await CLIENTS['sdk 1.x']!(token);
  await client.callTool({ name: 'okta_find_user', arguments: { query: 'ann' } });
  await client.close();
  const signature = token.split('.')[2]!;
  for (const seen of [world.okta.requests, world.logs, await world.ledger()])
    expect(JSON.stringify(seen)).not.toContain(signature);
  // S5: Okta sees our own credential.
  expect(
    new Set(
      world.okta.requests
        .filter(({ path }) => path.startsWith('/api/v1/'))
        .map(({ credential }) => credential),
    ),
  ).not.toContain('none');
});

import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { Client } from '@modelcontextprotocol/client';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { SignJWT } from 'jose';
import { SANDBOX_API_TOKEN } from '#sandbox/okta/index.ts';
import type { Instance } from './instance.ts';
import { until } from './output.ts';

/**
 * An agent as its developer runs it: its own key, the token endpoint, an MCP client. Knows nothing of the
 * server's insides.
 */
export interface DemoAgent {
  readonly publicJwk: string;
  /** Known after the registration. */
  identity: { id: string; kid: string } | null;
  /** The private half, for clients that want it in this form. */
  privateJwk(): Record<string, unknown>;
  /** A fresh client assertion (RFC 7523), good once. */
  assertion(): Promise<string>;
  /** A new key in its hand; the next registration or rotation takes it. Answers its public half. */
  newKey(): string;
  /** RFC 8693; `form` replaces or adds parameters. */
  exchange(subjectToken: string, mandateId: string, form?: Readonly<Record<string, string>>): Promise<Answer>;
  call(token: string, tool: string, input: Record<string, unknown>): Promise<ToolAnswer>;
  /** What became of an approval (`approval_wait`), once it is decided and executed. */
  outcome(token: string, approvalId: string): Promise<ToolAnswer>;
  tools(token: string): Promise<string[]>;
}

/** An HTTP answer with JSON in it. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Reads it; an empty body is an empty object. */
export async function jsonOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

export interface ToolAnswer {
  readonly isError: boolean;
  readonly text: string;
  readonly data: Record<string, unknown>;
}

/** Makes an agent with a fresh ES256 key, whose private half never leaves this process. */
export function demoAgent(instance: Instance): DemoAgent {
  let { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicJwk = () => JSON.stringify(publicKey.export({ format: 'jwk' }));
  const agent: DemoAgent = {
    publicJwk: publicJwk(),
    identity: null,
    privateJwk: () => ({ ...privateKey.export({ format: 'jwk' }), kid: agent.identity?.kid }),
    assertion: () => assertion(agent, privateKey, instance.company.issuer),
    newKey: () => {
      ({ privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' }));
      return publicJwk();
    },
    exchange: async (subjectToken, mandateId, form = {}) => {
      const body = new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: subjectToken,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        mandate_id: mandateId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await agent.assertion(),
        ...form,
      });
      return jsonOf(await fetch(`${instance.company.issuer}/oauth2/token`, { method: 'POST', body }));
    },
    call: async (token, tool, input) => {
      const client = await mcpClient(instance, token);
      try {
        const answer = await client.callTool({ name: tool, arguments: input });
        const content = answer.content as { text?: string }[];
        return {
          isError: answer.isError === true,
          text: content[0]?.text ?? '',
          data: (answer.structuredContent ?? {}) as Record<string, unknown>,
        };
      } finally {
        await client.close();
      }
    },
    outcome: (token, approvalId) =>
      until(`approval ${approvalId} is decided and executed`, async () => {
        const answer = await agent.call(token, 'approval_wait', {
          approval_id: approvalId,
          wait_seconds: 20,
        });
        return !['pending_approval', 'running'].includes(String(answer.data['status'])) && answer;
      }),
    tools: async (token) => {
      const client = await mcpClient(instance, token);
      try {
        return (await client.listTools()).tools.map((tool) => tool.name);
      } finally {
        await client.close();
      }
    },
  };
  return agent;
}

async function assertion(agent: DemoAgent, key: KeyObject, issuer: string): Promise<string> {
  const { id, kid } = agent.identity ?? { id: '', kid: '' };
  return new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setIssuer(id)
    .setSubject(id)
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(key);
}

async function mcpClient(instance: Instance, token: string): Promise<Client> {
  const client = new Client({ name: 'demo-agent', version: '1.0.0' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${instance.url}/mcp`), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  return client;
}

/**
 * An Okta access token for a person, as their own sign-in would give it. `org` asks the organisation's
 * server, whose tokens are not for others.
 */
export async function oktaToken(
  instance: Instance,
  login: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const { token } = (await control(`${instance.oktaUrl}/_sandbox/tokens`, 'POST', {
    login,
    scopes: ['delegation:exchange'],
    ...more,
  })) as { token: string };
  return token;
}

/** What Okta itself says, by its own API. */
export async function okta(instance: Instance, path: string): Promise<unknown> {
  const response = await fetch(`${instance.oktaUrl}/api/v1${path}`, {
    headers: { authorization: `SSWS ${SANDBOX_API_TOKEN}`, accept: 'application/json' },
  });
  return response.json();
}

/** A call of the REST API with the first administrator's key. */
export async function rest(instance: Instance, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${instance.url}${path}`, {
    headers: { authorization: `Bearer ${instance.company.api_keys.admin}` },
  });
  return { status: response.status, text: await response.text() };
}

/** The controls of a simulator. */
export async function control(url: string, method: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** A token as evidence: what it says, never the token itself. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<
    string,
    unknown
  >;
}

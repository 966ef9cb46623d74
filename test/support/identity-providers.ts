import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import type { World } from './world.ts';

/** A vendor's issuer with its own key. It serves discovery and keys, and counts requests. */
export interface TestIssuer {
  readonly issuer: string;
  readonly origin: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly asked: { discovery: number; keys: number };
  /** False answers in place of the true ones. */
  readonly lies: { issuer?: string; keys?: unknown[]; jwksUri?: string };
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>, key?: KeyObject): Promise<string>;
  close(): Promise<void>;
}

export async function startIssuer(path: string): Promise<TestIssuer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = `key-${path.length}`;
  const asked = { discovery: 0, keys: 0 };
  const lies: TestIssuer['lies'] = {};
  const server = createServer((request, response) => {
    const base = path.replace(/\/$/, '');
    const answer = (body: object) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    if (request.url === `${base}/.well-known/openid-configuration`) {
      asked.discovery += 1;
      return answer({ issuer: lies.issuer ?? issuer, jwks_uri: lies.jwksUri ?? `${origin}/keys` });
    }
    if (request.url === '/keys') {
      asked.keys += 1;
      const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' };
      return answer({ keys: lies.keys ?? [jwk] });
    }
    response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issuer = `${origin}${path}`;
  return {
    issuer,
    origin,
    kid,
    privateKey,
    publicKey,
    asked,
    lies,
    sign: (claims, header = {}, key = privateKey) => {
      const now = Math.floor(Date.now() / 1000);
      const whole = { iss: issuer, iat: now, nbf: now, exp: now + 300, ...claims };
      return new SignJWT(JSON.parse(JSON.stringify(whole)) as Record<string, unknown>)
        .setProtectedHeader({ alg: 'RS256', kid, ...header })
        .sign(key);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

/** A request over HTTP. With `token` null it sends no credential. */
export async function send(
  world: World,
  method: string,
  path: string,
  token: string | null,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(`${world.url}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, headers: response.headers, body: json, text };
}

/** Makes Dana the only IT admin, as the organisation's setting says, or restores Ivan as a second one. */
export async function singleAdmin(world: World, yes: boolean): Promise<void> {
  // In this order, because the setting is removed while there is a second IT admin.
  await world.sql`update people set held = ${yes} where tenant_id = ${world.tenantId} and email = 'ivan@acme.example'`;
  await world.sql`update tenants set settings = settings || jsonb_build_object('singleAdmin', ${yes}::boolean) where id = ${world.tenantId}`;
}

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The audience of the identity provider's tokens. */
export const AUDIENCE = 'https://api.acme.test';

/** Signs like Okta's custom authorization server: RS256, its own `kid`, no `typ`. */
export interface Idp {
  readonly issuer: string;
  readonly origin: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The current content of the JWKS, which tests replace. */
  keys: Record<string, unknown>[];
  /** How often each document was requested. */
  readonly asked: { discovery: number; jwks: number };
  down: boolean;
  close(): Promise<void>;
}

/** Starts an identity provider on a port of its own. */
export async function startIdp(): Promise<Idp> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const asked = { discovery: 0, jwks: 0 };
  const state = {
    down: false,
    keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'okta-1', alg: 'RS256', use: 'sig' }] as Record<
      string,
      unknown
    >[],
  };
  const server = createServer((request, response) => {
    const json = (body: unknown) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
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
    issuer,
    origin,
    kid: 'okta-1',
    privateKey,
    publicKey,
    asked,
    close: () =>
      new Promise<void>((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
  });
}

import { randomId, toBase64url, utf8 } from './base64url.ts';
import { ProkuraError } from './errors.ts';
import { makeJwt } from './jwt.ts';
import { signerOf, type CryptoKey, type Jwk, type Signer } from './keys.ts';
import type { ServerMetadata } from './metadata.ts';

/**
 * How the client authenticates: with a private key (private_key_jwt) or with a secret. Exactly one of
 * them is required.
 */
export interface ClientCredentials {
  readonly clientId: string;
  /** EC P-256 (ES256) or RSA (RS256). */
  readonly privateKey?: Jwk | CryptoKey;
  /** The `kid` of the key. Required only for a CryptoKey that cannot be exported. */
  readonly keyId?: string;
  readonly clientSecret?: string;
}

/** The form fields and headers that authenticate a request. */
export interface Authentication {
  readonly form: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Lifetime of an assertion, in seconds. */
const ASSERTION_SECONDS = 60;

/**
 * Creates the authenticator of a client. Each call makes a new assertion with its own `jti` and the
 * issuer as its only audience (RFC 7523 section 3, draft-ietf-oauth-rfc7523bis section 4), so every
 * attempt of a request needs its own call. A secret is sent in the Authorization header (RFC 6749
 * section 2.3.1), unless the server accepts it only in the form. Throws ProkuraError `configuration`.
 */
export function createAuthenticator(
  credentials: ClientCredentials,
  now: () => Date,
): (server: ServerMetadata) => Promise<Authentication> {
  const { clientId, privateKey, keyId, clientSecret } = credentials;
  if ((privateKey === undefined) === (clientSecret === undefined))
    throw new ProkuraError('configuration', 'Pass exactly one of privateKey and clientSecret.');
  let signer: Promise<Signer> | null = null;

  async function assertion(issuer: string, key: Jwk | CryptoKey): Promise<string> {
    signer ??= signerOf(key, keyId);
    const { alg, kid, sign } = await signer;
    const iat = Math.floor(now().getTime() / 1000);
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: issuer,
      jti: randomId(),
      iat,
      exp: iat + ASSERTION_SECONDS,
    };
    return makeJwt({ typ: 'JWT', alg, kid }, claims, sign);
  }

  return async (server) => {
    if (privateKey !== undefined) {
      const form = {
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await assertion(server.issuer, privateKey),
      };
      return { form, headers: {} };
    }
    const secret = clientSecret ?? '';
    const methods = server.clientAuthMethods;
    if (methods.includes('client_secret_post') && !methods.includes('client_secret_basic'))
      return { form: { client_id: clientId, client_secret: secret }, headers: {} };
    const pair = utf8(`${formEncode(clientId)}:${formEncode(secret)}`);
    return { form: {}, headers: { authorization: `Basic ${toBase64(pair)}` } };
  };
}

const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);

function toBase64(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

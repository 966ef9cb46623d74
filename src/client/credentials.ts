import { randomId, toBase64url, utf8 } from './base64url.ts';
import { ProkuraError } from './errors.ts';
import { makeJwt } from './jwt.ts';
import { signerOf, type CryptoKey, type Jwk, type Signer } from './keys.ts';
import type { ServerMetadata } from './metadata.ts';

/** How the client proves who it is: with a key (private_key_jwt), or with a secret. Exactly one of the two. */
export interface ClientCredentials {
  readonly clientId: string;
  /** EC P-256 (ES256) or RSA (RS256). */
  readonly privateKey?: Jwk | CryptoKey;
  /** `kid` of the key; needed only for a CryptoKey that cannot be exported. */
  readonly keyId?: string;
  readonly clientSecret?: string;
}

/** What a request is sent with to prove who sends it. */
export interface Authentication {
  readonly form: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** Life of an assertion, in seconds. */
const ASSERTION_SECONDS = 60;

/**
 * Makes the authenticator of a client. Each call gives a new assertion with a `jti` of its own, for the issuer as the one audience
 * (RFC 7523 section 3, draft-ietf-oauth-rfc7523bis section 4), so every try of a request needs a call of its own. A secret goes in the
 * Authorization header (RFC 6749 section 2.3.1) unless the server takes it in the form only. Throws ProkuraError `configuration`.
 */
export function createAuthenticator(
  credentials: ClientCredentials,
  now: () => Date,
): (server: ServerMetadata) => Promise<Authentication> {
  const { clientId, privateKey, keyId, clientSecret } = credentials;
  if ((privateKey === undefined) === (clientSecret === undefined))
    throw new ProkuraError('configuration', 'Give privateKey or clientSecret, and only one of them.');
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

import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { SigningKey } from './types.ts';

/** A new RSA-2048 signing key with a random `kid`, like those of Okta's servers for RS256. */
export async function newSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
  return { kid: randomBytes(32).toString('base64url'), privateJwk: await exportJWK(privateKey) };
}

/** The public half as Okta publishes it in `/v1/keys`: kty, alg, kid, use, e, n. */
export function publicJwk(key: SigningKey): JWK {
  const { n, e } = key.privateJwk;
  return {
    kty: 'RSA',
    alg: 'RS256',
    kid: key.kid,
    use: 'sig',
    ...(e === undefined ? {} : { e }),
    ...(n === undefined ? {} : { n }),
  };
}

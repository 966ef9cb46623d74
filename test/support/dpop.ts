import { createHash, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, SignJWT, type JWK } from 'jose';

/** A key with which proofs are made. */
export interface ProofKey {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** How a wrong proof differs from a right one. */
export interface ProofChanges {
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly signWith?: KeyObject | Uint8Array;
}

/** A new key on P-256. */
export const newProofKey = (): ProofKey => generateKeyPairSync('ec', { namedCurve: 'P-256' });

const publicJwk = (key: ProofKey): JWK => key.publicKey.export({ format: 'jwk' });

/** The RFC 7638 thumbprint that a token bound to the key carries. */
export const jktOf = (key: ProofKey): Promise<string> => calculateJwkThumbprint(publicJwk(key));

/** The `ath` of a token (RFC 9449 section 4.2). */
export const athOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/**
 * A current proof for one request (RFC 9449 section 4.2), with `ath` if there is a token, and with the
 * changes.
 */
export const proofBy = (
  key: ProofKey,
  method: string,
  url: string,
  token: string | null = null,
  { header, claims, signWith }: ProofChanges = {},
): Promise<string> =>
  new SignJWT({
    jti: randomUUID(),
    htm: method,
    htu: url,
    iat: Math.floor(Date.now() / 1000),
    ...(token === null ? {} : { ath: athOf(token) }),
    ...claims,
  })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: publicJwk(key), ...header })
    .sign(signWith ?? key.privateKey);

/**
 * T25: every way in which a proof can be wrong, by name. `key` makes the proof, `url` is where it is sent,
 * and `seconds` is how far its time may be from now.
 */
export const wrongProofs = (
  key: ProofKey,
  seconds = 60,
): readonly [string, (url: string) => ProofChanges][] => [
  ['another method', () => ({ claims: { htm: 'PUT' } })],
  ['another address', () => ({ claims: { htu: 'https://elsewhere.test/v1/tools' } })],
  ['an address with another path', (url) => ({ claims: { htu: `${url}/more` } })],
  ['no address', () => ({ claims: { htu: undefined } })],
  ['an old iat', () => ({ claims: { iat: Math.floor(Date.now() / 1000) - seconds - 30 } })],
  ['an iat to come', () => ({ claims: { iat: Math.floor(Date.now() / 1000) + seconds + 30 } })],
  ['no iat', () => ({ claims: { iat: undefined } })],
  ['no jti', () => ({ claims: { jti: undefined } })],
  ['another typ', () => ({ header: { typ: 'JWT' } })],
  ['a private jwk', () => ({ header: { jwk: key.privateKey.export({ format: 'jwk' }) } })],
  [
    'a symmetric key',
    () => ({
      header: { alg: 'HS256', jwk: { kty: 'oct', k: 'c2VjcmV0' } },
      signWith: Buffer.alloc(32, 1),
    }),
  ],
  ['no jwk', () => ({ header: { jwk: undefined } })],
  ['a signature by another key', () => ({ signWith: newProofKey().privateKey })],
];

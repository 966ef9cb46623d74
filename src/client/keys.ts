import { sha256, toBase64url } from './base64url.ts';
import { ProkuraError } from './errors.ts';
import type { Jwt } from './jwt.ts';

/** WebCrypto's key type, from whatever types the platform has (DOM, Node, Deno, Bun). */
export type CryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** A JSON Web Key (RFC 7517), with the members of EC P-256 and RSA keys. */
export interface Jwk {
  readonly kty?: string;
  readonly kid?: string;
  readonly alg?: string;
  readonly use?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
  readonly d?: string;
  readonly n?: string;
  readonly e?: string;
  readonly p?: string;
  readonly q?: string;
  readonly dp?: string;
  readonly dq?: string;
  readonly qi?: string;
}

// WebCrypto directly: `jose` would replace an import, a thumbprint and a signature, for a first dependency of
// this package (docs/decisions/0030).

/** Signs with one private key. */
export interface Signer {
  readonly alg: 'ES256' | 'RS256';
  readonly kid: string;
  readonly sign: (input: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;
}

const ES256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const RS256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;

/**
 * Creates a signer for a private key: EC P-256 (ES256) or RSA (RS256), as JWK or CryptoKey. `kid` is
 * `keyId`, or the JWK's own `kid`, or the RFC 7638 thumbprint, by which Prokura names the keys of agents. A
 * CryptoKey that cannot be exported needs `keyId`. Throws ProkuraError `configuration`.
 */
export async function signerOf(key: Jwk | CryptoKey, keyId?: string): Promise<Signer> {
  const { crypto: cryptoKey, alg, jwk } = 'kty' in key ? await imported(key) : await given(key as CryptoKey);
  const kid = keyId ?? jwk?.kid ?? (jwk === null ? undefined : await thumbprint(jwk));
  if (kid === undefined)
    throw new ProkuraError('configuration', 'Set keyId: this CryptoKey cannot be exported.');
  const algorithm = alg === 'ES256' ? ES256 : RS256;
  return {
    alg,
    kid,
    sign: async (input) => new Uint8Array(await crypto.subtle.sign(algorithm, cryptoKey, input)),
  };
}

interface Material {
  readonly crypto: CryptoKey;
  readonly alg: 'ES256' | 'RS256';
  readonly jwk: Jwk | null;
}

const unfit = (cause?: unknown) =>
  new ProkuraError('configuration', 'privateKey must be an EC P-256 or RSA private key.', { cause });

async function imported(jwk: Jwk): Promise<Material> {
  const alg = jwk.kty === 'EC' && jwk.crv === 'P-256' ? 'ES256' : jwk.kty === 'RSA' ? 'RS256' : null;
  if (alg === null || jwk.d === undefined) throw unfit();
  const { kid: _kid, use: _use, alg: _alg, ...bare } = jwk;
  try {
    const key = await crypto.subtle.importKey('jwk', bare, alg === 'ES256' ? ES256 : RS256, false, ['sign']);
    return { crypto: key, alg, jwk };
  } catch (error) {
    throw unfit(error);
  }
}

async function given(key: CryptoKey): Promise<Material> {
  const { name, namedCurve, hash } = key.algorithm as {
    name: string;
    namedCurve?: string;
    hash?: { name: string };
  };
  const alg =
    name === ES256.name && namedCurve === ES256.namedCurve
      ? 'ES256'
      : name === RS256.name && hash?.name === RS256.hash
        ? 'RS256'
        : null;
  if (alg === null || key.type !== 'private') throw unfit();
  return {
    crypto: key,
    alg,
    jwk: key.extractable ? await crypto.subtle.exportKey('jwk', key) : null,
  };
}

/** The RFC 7638 thumbprint with SHA-256, in base64url. Uses public members only. */
export async function thumbprint(jwk: Jwk): Promise<string> {
  const { crv, e, kty, n, x, y } = jwk;
  return sha256(JSON.stringify(kty === 'RSA' ? { e, kty, n } : { crv, kty, x, y }));
}

/** A new ES256 key pair. The private half cannot be exported from WebCrypto. */
export async function newKeyPair(): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }> {
  return crypto.subtle.generateKey(ES256, false, ['sign', 'verify']);
}

/**
 * A public ES256 key. Null for any other: another type or curve, another `alg`, `use` for encryption, or a
 * point that is not on the curve.
 */
export async function verifyKey(jwk: Jwk): Promise<CryptoKey | null> {
  const { kty, crv, x, y, alg = 'ES256', use = 'sig' } = jwk;
  if (kty !== 'EC' || crv !== 'P-256' || alg !== 'ES256' || use !== 'sig') return null;
  if (typeof x !== 'string' || typeof y !== 'string') return null;
  try {
    return await crypto.subtle.importKey('jwk', { kty, crv, x, y }, ES256, true, ['verify']);
  } catch {
    return null;
  }
}

/** Whether the ES256 signature of the JWS is valid. Checks nothing else. */
export async function signatureHolds(key: CryptoKey, jwt: Jwt): Promise<boolean> {
  return jwt.signature.length === 64 && crypto.subtle.verify(ES256, key, jwt.signature, jwt.signed);
}

/** The public members of a CryptoKey on EC P-256, for the `jwk` of a proof (RFC 9449 section 4.2). */
export async function publicJwk(key: CryptoKey): Promise<Jwk> {
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', key));
  return { kty: 'EC', crv: 'P-256', x: toBase64url(raw.slice(1, 33)), y: toBase64url(raw.slice(33)) };
}

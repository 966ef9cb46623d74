import { isUtf8 } from 'node:buffer';
import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { canonicalJson } from './json.ts';

// Not `jose`: it goes through WebCrypto, whose calls are queued to another thread and back. Measured on one
// core, a verification with it costs five times as much CPU as here, and a signature eight times. Everything
// that is not on the hot path (decision 0017) uses jose.

/**
 * The signature algorithms that we support (RFC 7518 section 3.1). Each caller accepts some of them. Never
 * `none`, never a MAC.
 */
export type JwsAlg = 'ES256' | 'RS256';

/** A public key with the one algorithm that it is used for. A token's header cannot change either. */
export interface VerifyKey {
  readonly alg: JwsAlg;
  readonly key: KeyObject;
}

/** A parsed JWT. Nothing in it has been verified. */
export interface ParsedJwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The text that the signature covers: the first two parts with their dot. */
  readonly signed: string;
  readonly signature: Buffer;
}

/** The longest compact token that is parsed, in characters. */
export const MAX_TOKEN_LENGTH = 8192;

/**
 * Parses a JWS in compact form (RFC 7515 section 7.1): three parts of base64url without padding, JSON objects
 * in UTF-8. Null for anything else, for more than `MAX_TOKEN_LENGTH`, and if the header has `crit` or `b64`
 * (RFC 7515 section 4.1.11: an extension that is not understood makes it invalid). Keys and addresses in the
 * header (`jwk`, `jku`, `x5u`, `x5c`) are never used to find a key. Checks neither signature nor claims.
 */
export function parseJwt(token: string): ParsedJwt | null {
  if (token.length > MAX_TOKEN_LENGTH) return null;
  if (!COMPACT.test(token)) return null;
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  const tail = token.slice(second + 1);
  if (!isWhole(first) || !isWhole(second - first - 1) || !isWhole(tail.length)) return null;
  const header = parseHeader(token.slice(0, first));
  const claims = parseObject(token.slice(first + 1, second));
  if (header === null || claims === null || 'crit' in header || 'b64' in header) return null;
  return { header, claims, signed: token.slice(0, second), signature: Buffer.from(tail, 'base64url') };
}

/**
 * Whether `signature` is the signature of `signed` by `key`. An ES256 signature is R and S with 32 bytes
 * each (RFC 7518 section 3.4), so DER, other lengths and zeros are refused. Converting to DER is for speed:
 * on Node 24, `dsaEncoding: 'ieee-p1363'` is 1.6 times slower to verify and 2.4 times slower to sign.
 */
export function verifyJws(key: VerifyKey, signed: string, signature: Buffer): boolean {
  const data = Buffer.from(signed, 'latin1');
  if (key.alg === 'RS256') return verify('sha256', data, key.key, signature);
  const der = rawToDer(signature);
  return der !== null && verify('sha256', data, key.key, der);
}

/** An encoded header, for code that signs many tokens with the same one. */
export type EncodedHeader = string & { readonly __brand: 'EncodedHeader' };

/** A JOSE header in base64url (RFC 7515 section 7.1), for `signJwt`. */
export const encodeHeader = (header: Readonly<Record<string, unknown>>): EncodedHeader =>
  encode(header) as EncodedHeader;

/**
 * Signs `claims` with ES256 (RFC 7515 section 5.1). `header` must be complete (`typ`, `alg`, `kid`), and
 * `privateKey` on P-256.
 */
export function signJwt(
  header: Readonly<Record<string, unknown>> | EncodedHeader,
  claims: Readonly<Record<string, unknown>>,
  privateKey: KeyObject,
): string {
  const signed = `${typeof header === 'string' ? header : encode(header)}.${encode(claims)}`;
  const signature = derToRaw(sign('sha256', Buffer.from(signed, 'latin1'), privateKey));
  return `${signed}.${signature.toString('base64url')}`;
}

/**
 * Reads a public key from a JWK (RFC 7517) for verifying: for RS256, RSA of 2048 to 8192 bits with an
 * exponent of at most 32 bits, because larger ones make checking expensive; for ES256, EC on P-256. Null for
 * any other kind, for `use: enc`, for `key_ops` without `verify`, for an `alg` that does not match, and for
 * a point that is not on the curve. Drops private members: a caller that must refuse them checks first.
 */
export function importVerifyKey(jwk: Readonly<Record<string, unknown>>): VerifyKey | null {
  const {
    kty,
    use,
    alg,
    key_ops: operations,
  } = jwk as { kty?: unknown; use?: unknown; alg?: unknown; key_ops?: unknown };
  if (use !== undefined && use !== 'sig') return null;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return null;
  const fit = kty === 'RSA' ? 'RS256' : kty === 'EC' ? 'ES256' : null;
  if (fit === null || (alg !== undefined && alg !== fit)) return null;
  try {
    const members = publicMembers(jwk, fit);
    const key = createPublicKey({ key: members, format: 'jwk' });
    const details = key.asymmetricKeyDetails;
    const { modulusLength = 0, publicExponent = 0n } = details ?? {};
    if (
      fit === 'RS256' &&
      (modulusLength < 2048 || modulusLength > 8192 || publicExponent < 3n || publicExponent >> 32n !== 0n)
    )
      return null;
    if (fit === 'ES256' && details?.namedCurve !== 'prime256v1') return null;
    return { alg: fit, key };
  } catch {
    return null;
  }
}

/**
 * The public JWK of a key with its required members only, as Node writes them, so that equal keys give equal
 * texts.
 */
export function exportPublicJwk(key: VerifyKey): Record<string, string> {
  return publicMembers({ ...key.key.export({ format: 'jwk' }) }, key.alg);
}

/** The JWK SHA-256 thumbprint of a key in base64url (RFC 7638 section 3), which we use as `kid`. */
export function thumbprint(key: VerifyKey): string {
  return createHash('sha256')
    .update(canonicalJson(exportPublicJwk(key)))
    .digest('base64url');
}

/**
 * R and S of 32 bytes each from an ECDSA-Sig-Value in DER (RFC 3279 section 2.2.3) for P-256. Does not check
 * the input, which must come from a signer.
 */
export function derToRaw(der: Buffer): Buffer {
  // From Node's pool, which costs a tenth of a separate allocation.
  const raw = Buffer.allocUnsafe(64).fill(0);
  const rEnd = 4 + der[3]!;
  copyInteger(der, 4, rEnd, raw, 32);
  copyInteger(der, rEnd + 2, rEnd + 2 + der[rEnd + 1]!, raw, 64);
  return raw;
}

/**
 * The ECDSA-Sig-Value in DER of R and S of 32 bytes each. Null if the length is not 64, or if R or S is zero.
 */
export function rawToDer(raw: Buffer): Buffer | null {
  if (raw.length !== 64) return null;
  const r = derInteger(raw.subarray(0, 32));
  const s = derInteger(raw.subarray(32));
  if (r === null || s === null) return null;
  return Buffer.concat([Buffer.from([0x30, r.length + s.length]), r, s]);
}

/**
 * Whether the value is a number that can be a time in seconds since 1970 (RFC 7519 section 2, NumericDate),
 * up to the year 9999.
 */
export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value < 253_402_300_800;
}

function publicMembers(jwk: Readonly<Record<string, unknown>>, alg: JwsAlg): Record<string, string> {
  const { kty, n, e, crv, x, y } = jwk as Record<string, string>;
  return (alg === 'RS256' ? { kty, n, e } : { kty, crv, x, y }) as Record<string, string>;
}

/**
 * Copies the digits between `from` and `to`, right-aligned, so that they end at `end`. DER adds a zero byte
 * before a high first bit and drops leading zeros.
 */
function copyInteger(der: Buffer, from: number, to: number, into: Buffer, end: number): void {
  const first = Math.max(from, to - 32);
  for (let index = first; index < to; index += 1) into[end - to + index] = der[index]!;
}

function derInteger(fixed: Buffer): Buffer | null {
  let start = 0;
  while (start < 32 && fixed[start] === 0) start += 1;
  if (start === 32) return null;
  const digits = fixed.subarray(start);
  const pad = digits[0]! >= 0x80 ? [0] : [];
  return Buffer.concat([Buffer.from([0x02, digits.length + pad.length, ...pad]), digits]);
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');

/** Three parts in the alphabet of base64url. */
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Whether that many base64url characters can encode whole bytes. */
const isWhole = (length: number): boolean => length % 4 !== 1;

/** The latest headers. All tokens of one key have the same header. */
const headers = new LRUCache<string, ParsedJwt['header']>({ max: 100, maxSize: 100 * 1024 });

function parseHeader(part: string): ParsedJwt['header'] | null {
  const seen = headers.get(part);
  if (seen !== undefined) return seen;
  const header = parseObject(part);
  if (header === null) return null;
  // A substring keeps the whole string in memory; a copy does not.
  headers.set(Buffer.from(part, 'latin1').toString('latin1'), Object.freeze(header), { size: part.length });
  return header;
}

function parseObject(part: string): Readonly<Record<string, unknown>> | null {
  const bytes = Buffer.from(part, 'base64url');
  if (!isUtf8(bytes)) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

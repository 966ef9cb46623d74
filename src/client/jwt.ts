import { fromBase64url, toBase64url, utf8 } from './base64url.ts';
import { jsonObject } from './http.ts';

/** A parsed compact JWS. Nothing in it is verified. */
export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** The longest access token or proof that is read, in characters. */
export const MAX_TOKEN_LENGTH = 16_384;

/**
 * Parses a compact JWS (RFC 7515 section 7.1). Null for anything else, for a text that is too long, and if
 * it uses `crit` or `b64` (RFC 7797).
 */
export function parseJwt(token: string, maxLength = MAX_TOKEN_LENGTH): Jwt | null {
  if (token.length > maxLength) return null;
  const parts = token.split('.');
  const [head, body, tail] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined || tail === undefined) return null;
  const [header, claims, signature] = [fromBase64url(head), fromBase64url(body), fromBase64url(tail)];
  if (header === null || claims === null || signature === null) return null;
  const [headerObject, claimsObject] = [jsonObject(header), jsonObject(claims)];
  if (headerObject === null || claimsObject === null) return null;
  if (Object.hasOwn(headerObject, 'crit') || Object.hasOwn(headerObject, 'b64')) return null;
  return { header: headerObject, claims: claimsObject, signed: utf8(`${head}.${body}`), signature };
}

/** Makes a compact JWS. `sign` gets the signing input and returns the signature. */
export async function makeJwt(
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
  sign: (input: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>,
): Promise<string> {
  const input = `${toBase64url(utf8(JSON.stringify(header)))}.${toBase64url(utf8(JSON.stringify(claims)))}`;
  return `${input}.${toBase64url(await sign(utf8(input)))}`;
}

/** Whether the value is a NumericDate (RFC 7519 section 2): seconds, finite, not negative. */
export const isNumericDate = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;

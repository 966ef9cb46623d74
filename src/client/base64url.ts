/** Bytes as base64url without padding (RFC 7515 section 2). */
export function toBase64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * The bytes of a base64url text. Null for padding, for other characters, and for non-zero bits left
 * over at the end, so that one value has only one text.
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return toBase64url(bytes.slice(bytes.length - (bytes.length % 3))) === lastGroup(text) ? bytes : null;
}

// Only the last, incomplete group can contain left-over bits.
const lastGroup = (text: string): string => text.slice(text.length - (text.length % 4));

/** The text as UTF-8. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The text, or null if the bytes are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** SHA-256 of the text as UTF-8, in base64url. For `ath` and cache keys. */
export async function sha256(text: string): Promise<string> {
  return toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text))));
}

/** A new random identifier of 128 bits, for `jti`. */
export const randomId = (): string => toBase64url(crypto.getRandomValues(new Uint8Array(16)));

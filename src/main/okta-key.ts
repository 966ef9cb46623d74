import { createPrivateKey } from 'node:crypto';

/** Whether the text is a PEM, by its first line. */
export const isPem = (text: string): boolean => text.trimStart().startsWith('-----BEGIN ');

/**
 * The private key of the Okta app as a JSON Web Key, from either form that Okta shows. A PEM may contain
 * `\n` for its line breaks, because some secret stores take only one line. `keyId` is Okta's id of the
 * key (KID): a PEM does not contain it, and it replaces the `kid` of a JSON Web Key. Null if the text is
 * neither form, is encrypted, or has no private part. Does not check that Okta knows the key.
 */
export function oktaPrivateKey(text: string, keyId: string | undefined): Record<string, unknown> | null {
  const key = isPem(text) ? fromPem(text) : fromJson(text);
  return key === null || keyId === undefined ? key : { ...key, kid: keyId };
}

function fromPem(text: string): Record<string, unknown> | null {
  try {
    return { ...createPrivateKey(text.replaceAll('\\n', '\n')).export({ format: 'jwk' }) };
  } catch {
    // The parser's message may quote the key.
    return null;
  }
}

function fromJson(text: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    return value !== null && typeof value === 'object' && 'd' in value ? value : null;
  } catch {
    return null;
  }
}

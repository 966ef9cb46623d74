/**
 * PEM (RFC 7468), and members that only private or symmetric JSON Web Keys have (RFC 7518 section 6), with
 * any number of escaping backslashes.
 */
const PEM = /-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----/;
const KTY = /\\*["“”']kty\\*["“”']/;
const PRIVATE_MEMBER = /\\*["“”'](?:d|p|q|dp|dq|qi|k)\\*["“”']\s*:/;

/**
 * Whether a text in this JSON value looks like a private key, in PEM or as a JSON Web Key, or whether an
 * object in it is one. Does not find a key in another encoding, such as base64.
 */
export function holdsPrivateKey(value: unknown): boolean {
  if (typeof value === 'string') return PEM.test(value) || (KTY.test(value) && PRIVATE_MEMBER.test(value));
  if (Array.isArray(value)) return value.some(holdsPrivateKey);
  if (typeof value !== 'object' || value === null) return false;
  if ('kty' in value && ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].some((name) => name in value)) return true;
  return Object.values(value).some(holdsPrivateKey);
}

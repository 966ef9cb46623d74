import { generateKeyPairSync } from 'node:crypto';
import { Fault } from '#lib/fault.ts';
import { exportPublicJwk, importVerifyKey, thumbprint, type JwsAlg } from '#lib/jwt.ts';

/** The public half of an agent's key, as `agent_keys` holds it. */
export interface AgentKey {
  /**
   * RFC 7638 thumbprint, the base64url of a SHA-256: 43 characters. Client assertions name it in their
   * header.
   */
  readonly kid: string;
  readonly alg: JwsAlg;
  readonly publicJwk: Record<string, string>;
}

/** A new key pair. `privateJwk` is shown once and never stored. */
export interface NewAgentKeyPair extends AgentKey {
  readonly privateJwk: Record<string, string>;
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** The field of the tools in which keys are given. */
const AT_KEY = { field: 'public_key' } as const;

/**
 * Whether a JWK contains the private half or is a shared secret (RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
 * Then others have seen it.
 */
export const isPrivate = (jwk: Readonly<Record<string, unknown>>): boolean =>
  PRIVATE_MEMBERS.some((name) => name in jwk);

/** Creates an ES256 key pair for an agent that brings none (RFC 7518 section 6.2). */
export function newAgentKeyPair(): NewAgentKeyPair {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { alg: 'ES256', key: pair.publicKey } as const;
  const kid = thumbprint(key);
  const { d } = pair.privateKey.export({ format: 'jwk' }) as { d: string };
  const publicJwk = exportPublicJwk(key);
  return { kid, alg: 'ES256', publicJwk, privateJwk: { ...publicJwk, d, kid, alg: 'ES256', use: 'sig' } };
}

/**
 * Reads an agent's public key (RFC 7517): EC on P-256, or RSA of at least 2048 bits. Replaces its own `kid`
 * by the thumbprint. Throws Fault `invalid_input` for anything else, and for a private key, which must not be
 * used any more.
 */
export function agentKeyFrom(jwk: unknown): AgentKey {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) {
    throw new Fault(
      'invalid_input',
      'The key must be a JSON Web Key: {"kty":"EC","crv":"P-256","x":"…","y":"…"} or {"kty":"RSA","n":"…","e":"AQAB"}.',
      AT_KEY,
    );
  }
  const members = jwk as Readonly<Record<string, unknown>>;
  if (isPrivate(members)) {
    throw new Fault(
      'invalid_input',
      'This is a private key. Create a new key pair, because this one has been exposed, and register only the public key.',
      AT_KEY,
    );
  }
  const key = importVerifyKey(members);
  if (key === null) {
    throw new Fault(
      'invalid_input',
      'The key must be a signing key: EC on the curve P-256 (ES256), or RSA of at least 2048 bits (RS256).',
      AT_KEY,
    );
  }
  return { kid: thumbprint(key), alg: key.alg, publicJwk: exportPublicJwk(key) };
}

const MAX_KEYS = 10;

/**
 * Reads the text of a JSON Web Key or a JWK Set (RFC 7517 section 5) with 1 to 10 keys, and removes
 * duplicates. Throws as `agentKeyFrom` does.
 */
export function parseAgentKeys(text: string): readonly AgentKey[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new Fault(
      'invalid_input',
      'The public key must be a JSON Web Key: {"kty":"EC","crv":"P-256","x":"…","y":"…"}.',
      { ...AT_KEY, cause },
    );
  }
  const set = (document as { keys?: unknown } | null)?.keys;
  if (set === undefined) return [agentKeyFrom(document)];
  if (!Array.isArray(set) || set.length === 0 || set.length > MAX_KEYS)
    throw new Fault('invalid_input', `A JWK Set must contain 1 to ${MAX_KEYS} keys.`, AT_KEY);
  const keys = set.map(agentKeyFrom);
  return [...new Map(keys.map((key) => [key.kid, key])).values()];
}

import type { KeyObject } from 'node:crypto';
import { HASH, ISO_DATE } from './entry.ts';
import { importVerifyKey, parseJwt, signJwt, thumbprint, verifyJws } from '#lib/jwt.ts';

/**
 * The state of a chain at a moment. Stored where the server cannot change it, it proves later that no
 * entries are missing at the end.
 */
export interface Checkpoint {
  readonly tenant: string;
  /** Number and hash of the last entry at that moment. */
  readonly seq: number;
  readonly hash: string;
  /** ISO 8601, UTC. */
  readonly at: string;
}

/** The type in the header. It keeps our tokens from being accepted as checkpoints (RFC 8725 section 3.11). */
const TYPE = 'prokura-checkpoint+jwt';

/** Signs a checkpoint as a JWS in compact form with ES256 (RFC 7515). */
export function signCheckpoint(
  { tenant, seq, hash, at }: Checkpoint,
  signer: { readonly kid: string; readonly privateKey: KeyObject },
): string {
  return signJwt({ typ: TYPE, alg: 'ES256', kid: signer.kid }, { tenant, seq, hash, at }, signer.privateKey);
}

/** A parsed checkpoint. `signed`: whether one of the given keys signed it; null if no keys were given. */
export interface ReadCheckpoint extends Checkpoint {
  readonly signed: boolean | null;
}

/**
 * Parses a checkpoint; null for anything else. With public keys (the members of a JWK Set, RFC 7517) it also
 * checks whether the key that the header names signed it. Keys are compared by `kid`, or by thumbprint (RFC
 * 7638) if they have none.
 */
export function readCheckpoint(
  jws: string,
  keys: readonly Readonly<Record<string, unknown>>[] | null,
): ReadCheckpoint | null {
  const parsed = parseJwt(jws.trim());
  if (parsed === null || parsed.header['typ'] !== TYPE || parsed.header['alg'] !== 'ES256') return null;
  const { tenant, seq, hash, at } = parsed.claims;
  if (typeof tenant !== 'string' || typeof hash !== 'string' || typeof at !== 'string') return null;
  if (!HASH.test(hash) || !ISO_DATE.test(at)) return null;
  if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0) return null;
  const signed = keys === null ? null : keys.some((jwk) => signedBy(jwk));
  return { tenant, seq, hash, at, signed };

  function signedBy(jwk: Readonly<Record<string, unknown>>): boolean {
    const key = importVerifyKey(jwk);
    if (key?.alg !== 'ES256' || parsed === null) return false;
    if ((jwk['kid'] ?? thumbprint(key)) !== parsed.header['kid']) return false;
    return verifyJws(key, parsed.signed, parsed.signature);
  }
}

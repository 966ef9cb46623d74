import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** What one proof is bound to. */
interface ProofFor {
  readonly method: string;
  readonly url: string;
  readonly nowMs: number;
  readonly nonce?: string | undefined;
  /** For calls with a token: the proof contains its hash as `ath`. */
  readonly accessToken?: string | undefined;
}

/** Makes a DPoP proof (RFC 9449 section 4.2) with a fresh `jti`. A proof may be sent once. */
export type Prove = (what: ProofFor) => Promise<string>;

/**
 * Creates an ES256 key and returns the function that makes proofs with it. API Services apps created since
 * February 2024 require DPoP unless their administrator switches it off. The key never leaves memory, so the
 * tokens bound to it end with the process.
 */
export async function createDpop(): Promise<Prove> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return ({ method, url, nowMs, nonce, accessToken }) => {
    const { origin, pathname } = new URL(url);
    const claims = {
      htm: method,
      htu: `${origin}${pathname}`,
      ...(nonce === undefined ? {} : { nonce }),
      ...(accessToken === undefined
        ? {}
        : { ath: createHash('sha256').update(accessToken).digest('base64url') }),
    };
    return new SignJWT(claims)
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
      .setJti(randomUUID())
      .setIssuedAt(Math.floor(nowMs / 1_000))
      .sign(privateKey);
  };
}

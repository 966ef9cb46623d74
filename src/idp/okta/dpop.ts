import { createHash, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** What one proof is bound to. */
interface ProofFor {
  readonly method: string;
  readonly url: string;
  readonly nowMs: number;
  readonly nonce?: string | undefined;
  /** For calls with a token: its hash goes into `ath`. */
  readonly accessToken?: string | undefined;
}

/** Makes a proof (RFC 9449 section 4.2) with a fresh `jti`; a proof may be sent once only. */
export type Prove = (what: ProofFor) => Promise<string>;

/**
 * A new ES256 key of this process and its proofs. API Services apps made since February 2024 demand DPoP unless their
 * administrator switches it off. The key never leaves memory, so tokens die with the process.
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

import { randomId, sha256 } from './base64url.ts';
import { makeJwt } from './jwt.ts';
import { newKeyPair, publicJwk, signerOf, thumbprint, type CryptoKey } from './keys.ts';

/** A key pair for DPoP, on EC P-256. */
export interface DpopKeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** Proves possession of a key (RFC 9449). */
export interface DpopProver {
  /** Makes a new proof for one request. `token` is the access token that is sent with it (`ath`), if any. */
  proof(method: string, url: string | URL, token?: string): Promise<string>;
  /** Remembers the nonce that a server asks for. True if the answer contained a new one. */
  learn(url: string | URL, headers: Headers): boolean;
  /** RFC 7638 thumbprint of the key, as in the `cnf.jkt` of a bound token. */
  jkt(): Promise<string>;
}

/** The `htu` of a proof: the address without query and fragment (RFC 9449 section 4.2). */
export function targetOf(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

/**
 * Creates a prover with a new key, or with the given pair. Nonces are kept per origin (RFC 9449
 * sections 8 and 9). Not the package `dpop`: it takes its time from the system, and remembers no nonces.
 */
export function createProver(now: () => Date, pair?: DpopKeyPair): DpopProver {
  let ready: ReturnType<typeof prepare> | null = null;
  const nonces = new Map<string, string>();

  async function prepare() {
    const { privateKey, publicKey } = pair ?? (await newKeyPair());
    const jwk = await publicJwk(publicKey);
    const jkt = await thumbprint(jwk);
    return { jwk, jkt, signer: await signerOf(privateKey, jkt) };
  }
  const key = () => (ready ??= prepare());

  return {
    proof: async (method, url, token) => {
      const { jwk, signer } = await key();
      const nonce = nonces.get(new URL(url).origin);
      const claims = {
        jti: randomId(),
        htm: method.toUpperCase(),
        htu: targetOf(url),
        iat: Math.floor(now().getTime() / 1000),
        ...(token === undefined ? {} : { ath: await sha256(token) }),
        ...(nonce === undefined ? {} : { nonce }),
      };
      return makeJwt({ typ: 'dpop+jwt', alg: signer.alg, jwk }, claims, signer.sign);
    },
    learn: (url, headers) => {
      const nonce = headers.get('dpop-nonce');
      const { origin } = new URL(url);
      if (nonce === null || nonces.get(origin) === nonce) return false;
      nonces.set(origin, nonce);
      return true;
    },
    jkt: async () => (await key()).jkt,
  };
}

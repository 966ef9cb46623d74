import { sha256 } from './base64url.ts';
import { targetOf } from './dpop.ts';
import { ProkuraError } from './errors.ts';
import { isNumericDate, parseJwt } from './jwt.ts';
import { signatureHolds, thumbprint, verifyKey, type Jwk } from './keys.ts';

/** A request as its resource server received it. */
export interface PresentedProof {
  /** The value of the only `DPoP` header. */
  readonly proof: string;
  readonly method: string;
  /** The address that the client used, in front of any proxy. */
  readonly url: string;
  /** The nonce that this server requires, if any. */
  readonly nonce?: string;
}

/** The maximum age of a proof, in seconds. */
const MAX_AGE_SECONDS = 60;
const MAX_REMEMBERED = 100_000;

const refuse = (reason: string, description: string): ProkuraError =>
  new ProkuraError('invalid_dpop_proof', description, { status: 401, reason });

/**
 * Creates the check of proofs (RFC 9449 section 4.3). `(token, jkt, presented)` resolves if the proof is
 * for this token, key, method and address, is recent, and was not used before. Throws ProkuraError
 * `invalid_dpop_proof`, `use_dpop_nonce`, or `unavailable` if too many proofs are remembered. Only ES256.
 * Used proofs are remembered in this process, so each of several processes behind one address accepts a
 * proof once.
 */
export function createProofCheck(
  now: () => Date,
  skewSeconds: number,
): (token: string, jkt: string, presented: PresentedProof) => Promise<void> {
  const seen = new Map<string, number>();

  function spend(name: string, seconds: number): void {
    for (const [old, until] of seen) {
      if (until > seconds) break;
      seen.delete(old);
    }
    if (seen.has(name))
      throw refuse('replayed', 'This proof was already used. Create a new one for each request.');
    if (seen.size >= MAX_REMEMBERED)
      throw new ProkuraError('unavailable', 'Too many proofs at once. Try again later.', { status: 503 });
    seen.set(name, seconds + MAX_AGE_SECONDS + 2 * skewSeconds);
  }

  return async (token, jkt, presented) => {
    const jwt = parseJwt(presented.proof);
    if (jwt === null || jwt.header['typ'] !== 'dpop+jwt')
      throw refuse('malformed', 'This is not a DPoP proof.');
    if (jwt.header['alg'] !== 'ES256') throw refuse('algorithm', 'The proof must be signed with ES256.');
    const jwk = jwt.header['jwk'] as (Jwk & Record<string, unknown>) | null | undefined;
    if (typeof jwk !== 'object' || jwk === null || 'd' in jwk || 'k' in jwk)
      throw refuse('jwk', 'The proof must contain the public key, without any private part.');
    const key = await verifyKey(jwk);
    if (key === null) throw refuse('jwk', 'The key of the proof must be an EC P-256 key.');
    const { htm, htu, iat, jti, ath, nonce } = jwt.claims;
    if (htm !== presented.method.toUpperCase()) throw refuse('htm', 'The proof is for another HTTP method.');
    if (typeof htu !== 'string' || !URL.canParse(htu) || targetOf(htu) !== targetOf(presented.url))
      throw refuse('htu', 'The proof is for another URL.');
    const seconds = now().getTime() / 1000;
    if (!isNumericDate(iat) || iat < seconds - MAX_AGE_SECONDS - skewSeconds || iat > seconds + skewSeconds)
      throw refuse('iat', 'The iat of the proof is not recent. Check that the clocks agree.');
    if (typeof jti !== 'string' || jti === '' || jti.length > 256)
      throw refuse('jti', 'The jti of the proof is missing or invalid.');
    if (ath !== (await sha256(token))) throw refuse('ath', 'The proof is for another token.');
    if ((await thumbprint(jwk)) !== jkt)
      throw refuse('key', 'The proof uses a different key from the one the token is bound to.');
    if (!(await signatureHolds(key, jwt)))
      throw refuse('signature', 'The signature of the proof is invalid.');
    if (presented.nonce !== undefined && nonce !== presented.nonce)
      throw new ProkuraError('use_dpop_nonce', 'Send the proof again with the nonce in this response.', {
        status: 401,
      });
    spend(await sha256(`${jkt} ${jti}`), seconds);
  };
}

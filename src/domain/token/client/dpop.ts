import { createHash } from 'node:crypto';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { importVerifyKey, isNumericDate, parseJwt, thumbprint, verifyJws } from '#lib/jwt.ts';
import type { PlainRequest } from '#lib/plain-http.ts';
import { credentialOf } from '#lib/authorization.ts';
import { SKEW_SECONDS } from '../names.ts';

/**
 * The algorithms that a proof may be signed with (RFC 9449 section 5.1, `dpop_signing_alg_values_supported`).
 */
export const PROOF_ALGORITHMS = ['ES256'] as const;

/** The parts of a request that a proof covers. */
export interface PresentedRequest {
  /** The scheme of its Authorization header, in lower case; null if it carried no bearer or DPoP token. */
  readonly scheme: 'bearer' | 'dpop' | null;
  /** Its `DPoP` header, or null. Two headers arrive as one text with a comma, which is not a valid proof. */
  readonly proof: string | null;
  readonly method: string;
  /** The address as clients know it, in front of any proxy. */
  readonly url: string;
}

/** A proof that is valid for its request. The caller still has to spend it. */
export interface Proof {
  /** RFC 7638 thumbprint of the key. */
  readonly jkt: string;
  /** What makes the proof usable once: a key to spend, and when it may be forgotten. */
  readonly once: { readonly key: string; readonly expiresAt: Date };
}

/** The maximum age of a proof, in seconds. */
const MAX_AGE_SECONDS = 60;
/** Members of private and symmetric keys (RFC 7518 sections 6.2.2, 6.3.2, 6.4.1). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Refuses a proof, or a request without one: Fault `unauthenticated`. `detail.dpop` is an error code of
 * RFC 9449 sections 5 and 7.1.
 */
const refuse = (
  reason: string,
  message: string,
  dpop: 'invalid_dpop_proof' | 'invalid_token' = 'invalid_dpop_proof',
): Fault => new Fault('unauthenticated', message, { detail: { reason: `dpop_${reason}`, dpop } });

/**
 * Takes from a request what a proof covers. Its address is built from our `baseUrl`, not from the request.
 */
export function presentedRequest(baseUrl: string, request: Request | PlainRequest): PresentedRequest {
  const plain =
    'path' in request
      ? request
      : {
          path: new URL(request.url).pathname,
          header: (name: string) => request.headers.get(name),
        };
  const scheme = credentialOf(plain.header('authorization'))?.scheme;
  return {
    scheme: scheme === 'bearer' || scheme === 'dpop' ? scheme : null,
    proof: plain.header('dpop'),
    method: request.method,
    url: `${new URL(baseUrl).origin}${plain.path}`,
  };
}

/**
 * Checks a proof (RFC 9449 section 4.3): type, algorithm, a key with no private members, signature,
 * method, address (without query and fragment), age, `jti`, and the hash of `token` if one is given.
 * `nowSeconds` is our clock. No nonce is required: a proof is valid once, for a minute. Throws Fault
 * `unauthenticated`. Does not spend the proof and does not compare its key with the one that a token is
 * bound to; the caller does both.
 */
export function readProof(presented: PresentedRequest, token: string | null, nowSeconds: number): Proof {
  const jwt = presented.proof === null ? null : parseJwt(presented.proof);
  if (jwt === null) throw refuse('malformed', 'The DPoP header must contain one proof, a signed JWT.');
  const { typ, alg, jwk } = jwt.header as Record<'typ' | 'alg' | 'jwk', unknown>;
  if (typ !== 'dpop+jwt') throw refuse('type', 'The typ of a DPoP proof must be dpop+jwt.');
  if (!PROOF_ALGORITHMS.some((one) => one === alg))
    throw refuse('algorithm', `A DPoP proof must be signed with ${PROOF_ALGORITHMS.join(' or ')}.`);
  if (typeof jwk !== 'object' || jwk === null || PRIVATE.some((member) => member in jwk))
    throw refuse('jwk', 'A DPoP proof must contain the public key as jwk, without any private part.');
  const key = importVerifyKey(jwk as Record<string, unknown>);
  if (key === null || key.alg !== alg)
    throw refuse('jwk', 'The key of the DPoP proof does not match its algorithm.');
  const { htm, htu, iat, jti, ath } = jwt.claims;
  if (htm !== presented.method) throw refuse('htm', 'The DPoP proof is for another HTTP method.');
  if (typeof htu !== 'string' || !sameTarget(htu, presented.url))
    throw refuse('htu', 'The DPoP proof is for another URL.');
  if (
    !isNumericDate(iat) ||
    iat < nowSeconds - MAX_AGE_SECONDS - SKEW_SECONDS ||
    iat > nowSeconds + SKEW_SECONDS
  )
    throw refuse(
      'iat',
      'The iat of the DPoP proof is not recent. Create a proof for each request, and check the clock.',
    );
  if (typeof jti !== 'string' || jti === '' || jti.length > 256)
    throw refuse('jti', 'A DPoP proof must have a jti of 1 to 256 characters.');
  if (token !== null && ath !== hashOf(token))
    throw refuse('ath', 'The DPoP proof is for another access token.');
  if (!verifyJws(key, jwt.signed, jwt.signature))
    throw refuse('signature', 'The signature of the DPoP proof is invalid.');
  const jkt = thumbprint(key);
  return {
    jkt,
    once: {
      key: sha256(`dpop ${jkt} ${jti}`),
      expiresAt: new Date((iat + MAX_AGE_SECONDS + 2 * SKEW_SECONDS) * 1000),
    },
  };
}

/** The fault for every use of a proof after the first. */
export const proofReplayed = (): Fault =>
  refuse('replayed', 'This DPoP proof was already used. Create a new one, with a new jti, for each request.');

/**
 * The thumbprint of the key that a token is bound to (`cnf.jkt`, RFC 9449 section 6.1), or null if it is
 * not bound. Throws Fault `unauthenticated` for any other kind of binding.
 */
export function boundKey(claims: Readonly<Record<string, unknown>>): string | null {
  const cnf = claims['cnf'];
  if (cnf === undefined) return null;
  const jkt = typeof cnf === 'object' && cnf !== null && 'jkt' in cnf ? cnf.jkt : null;
  if (typeof jkt === 'string') return jkt;
  throw refuse('binding', 'The token is bound in an unknown way.', 'invalid_token');
}

/**
 * Checks that a token was presented correctly (RFC 9449 section 7.1): a bound token under the scheme DPoP
 * with a proof by its key, any other token under Bearer. Returns the proof, which the caller must spend,
 * or null. Throws Fault `unauthenticated`.
 */
export function checkPossession(
  token: string,
  jkt: string | null,
  presented: PresentedRequest | null,
  nowSeconds: number,
): Proof | null {
  if (jkt === null) {
    if (presented?.scheme !== 'dpop') return null;
    throw refuse('not_bound', 'The token is not bound to a key. Send it as Bearer.', 'invalid_token');
  }
  if (presented === null || presented.scheme !== 'dpop' || presented.proof === null) {
    throw refuse(
      'required',
      'The token is bound to a key. Send it as "Authorization: DPoP", with a proof in the DPoP header.',
      'invalid_token',
    );
  }
  const proof = readProof(presented, token, nowSeconds);
  if (proof.jkt !== jkt)
    throw refuse(
      'key',
      'The DPoP proof uses a different key from the one the token is bound to.',
      'invalid_token',
    );
  return proof;
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

// RFC 9449 section 4.3: compared after normalisation (RFC 3986 sections 6.2.2 and 6.2.3), without query
// and fragment.
function sameTarget(htu: string, url: string): boolean {
  if (!URL.canParse(htu)) return false;
  const [theirs, ours] = [new URL(htu), new URL(url)];
  return theirs.origin === ours.origin && theirs.pathname === ours.pathname;
}

/**
 * The `WWW-Authenticate` challenge for a 401 about a bound token or its proof (RFC 9449 section 7.1). Null
 * for any other fault.
 */
export function proofChallenge(fault: Fault): string | null {
  const { dpop } = fault.detail;
  if (dpop === undefined) return null;
  const words = fault.message.replaceAll(/["\\]/g, "'").replaceAll(/[^\x20-\x7e]/g, '?');
  return `DPoP error="${dpop}", error_description="${words}", algs="${PROOF_ALGORITHMS.join(' ')}"`;
}

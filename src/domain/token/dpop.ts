import { createHash } from 'node:crypto';
import { sha256 } from '#lib/crypto.ts';
import { Fault } from '#lib/fault.ts';
import { importVerifyKey, isNumericDate, parseJwt, thumbprint, verifyJws } from '#lib/jwt.ts';
import type { PlainRequest } from '#lib/plain-http.ts';
import { credentialOf } from '#lib/authorization.ts';
import { SKEW_SECONDS } from './names.ts';

/** The algorithms that a proof may be signed with (RFC 9449 section 5.1, `dpop_signing_alg_values_supported`). */
export const PROOF_ALGORITHMS = ['ES256'] as const;

/** A request as it came, as far as a proof is about it. */
export interface PresentedRequest {
  /** The scheme of its Authorization header, in lower case; null where no token came with it. */
  readonly scheme: 'bearer' | 'dpop' | null;
  /** Its `DPoP` header; null where there is none. Two headers arrive as one text with a comma, which is no proof. */
  readonly proof: string | null;
  readonly method: string;
  /** The address as clients know it, outside of proxies. */
  readonly url: string;
}

/** A proof that holds for its request. It has not been used up yet. */
export interface Proof {
  /** RFC 7638 thumbprint of the key that was proved. */
  readonly jkt: string;
  /** What makes it usable once. */
  readonly once: { readonly key: string; readonly expiresAt: Date };
}

/** How old a proof may be, in seconds. */
const MAX_AGE_SECONDS = 60;
/** Members of private and of symmetric keys (RFC 7518 sections 6.2.2, 6.3.2, 6.4.1). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** A proof or its absence refused: Fault `unauthenticated`, `detail.dpop` is the error code of RFC 9449 sections 5 and 7.1. */
const refuse = (
  reason: string,
  message: string,
  dpop: 'invalid_dpop_proof' | 'invalid_token' = 'invalid_dpop_proof',
): Fault => new Fault('unauthenticated', message, { detail: { reason: `dpop_${reason}`, dpop } });

/** What a request is as far as proofs go; its path is below `baseUrl`. */
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
 * Checks a proof (RFC 9449 section 4.3): type, algorithm, a public key and nothing of a private one, signature, method, address (without
 * query and fragment), age, `jti`, and with `token` its hash. `nowSeconds` is our clock. No nonce is asked for: a proof is good once, for a minute.
 * Throws Fault `unauthenticated`. Whether the key is the one that a token is bound to is for the caller to compare.
 */
export function readProof(presented: PresentedRequest, token: string | null, nowSeconds: number): Proof {
  const jwt = presented.proof === null ? null : parseJwt(presented.proof);
  if (jwt === null) throw refuse('malformed', 'The DPoP header must hold one proof, a signed JWT.');
  const { typ, alg, jwk } = jwt.header as Record<'typ' | 'alg' | 'jwk', unknown>;
  if (typ !== 'dpop+jwt') throw refuse('type', 'The typ of a DPoP proof is dpop+jwt.');
  if (!PROOF_ALGORITHMS.some((one) => one === alg))
    throw refuse('algorithm', `A DPoP proof must be signed with ${PROOF_ALGORITHMS.join(' or ')}.`);
  if (typeof jwk !== 'object' || jwk === null || PRIVATE.some((member) => member in jwk))
    throw refuse('jwk', 'A DPoP proof carries a public key as jwk, and nothing of a private one.');
  const key = importVerifyKey(jwk as Record<string, unknown>);
  if (key === null || key.alg !== alg)
    throw refuse('jwk', 'The key of the DPoP proof does not fit its algorithm.');
  const { htm, htu, iat, jti, ath } = jwt.claims;
  if (htm !== presented.method) throw refuse('htm', 'The DPoP proof is for another method.');
  if (typeof htu !== 'string' || !sameTarget(htu, presented.url))
    throw refuse('htu', 'The DPoP proof is for another address.');
  if (
    !isNumericDate(iat) ||
    iat < nowSeconds - MAX_AGE_SECONDS - SKEW_SECONDS ||
    iat > nowSeconds + SKEW_SECONDS
  )
    throw refuse('iat', 'The DPoP proof is not from now. Make one for each request, and check the clock.');
  if (typeof jti !== 'string' || jti === '' || jti.length > 256)
    throw refuse('jti', 'A DPoP proof has a jti of 1 to 256 characters.');
  if (token !== null && ath !== hashOf(token))
    throw refuse('ath', 'The DPoP proof is for another access token.');
  if (!verifyJws(key, jwt.signed, jwt.signature))
    throw refuse('signature', 'The signature of the DPoP proof does not hold.');
  const jkt = thumbprint(key);
  return {
    jkt,
    once: {
      key: sha256(`dpop ${jkt} ${jti}`),
      expiresAt: new Date((iat + MAX_AGE_SECONDS + 2 * SKEW_SECONDS) * 1000),
    },
  };
}

/** What every use of a proof but the first gets. */
export const proofReplayed = (): Fault =>
  refuse('replayed', 'This DPoP proof was used before. Make a new one, with a new jti, for each request.');

/** The key that a token is bound to (`cnf.jkt`, RFC 9449 section 6.1); null where it is bound to none. A binding of another kind is refused. */
export function boundKey(claims: Readonly<Record<string, unknown>>): string | null {
  const cnf = claims['cnf'];
  if (cnf === undefined) return null;
  const jkt = typeof cnf === 'object' && cnf !== null && 'jkt' in cnf ? cnf.jkt : null;
  if (typeof jkt === 'string') return jkt;
  throw refuse('binding', 'The token is bound in a way that is not known here.', 'invalid_token');
}

/**
 * Checks that a token came as it must (RFC 9449 section 7.1): a bound one with a proof by its key, under the scheme DPoP; every other one under
 * Bearer. Answers the proof, which the caller must use up, or null. Throws Fault `unauthenticated`.
 */
export function checkPossession(
  token: string,
  jkt: string | null,
  presented: PresentedRequest | null,
  nowSeconds: number,
): Proof | null {
  if (jkt === null) {
    if (presented?.scheme !== 'dpop') return null;
    throw refuse('not_bound', 'The token is bound to no key. Send it as Bearer.', 'invalid_token');
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
    throw refuse('key', 'The DPoP proof is by another key than the token is bound to.', 'invalid_token');
  return proof;
}

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

// RFC 9449 section 4.3: compared after normalisation (RFC 3986 sections 6.2.2 and 6.2.3), without query and fragment.
function sameTarget(htu: string, url: string): boolean {
  if (!URL.canParse(htu)) return false;
  const [theirs, ours] = [new URL(htu), new URL(url)];
  return theirs.origin === ours.origin && theirs.pathname === ours.pathname;
}

/** The challenge of a 401 about a bound token or its proof (RFC 9449 section 7.1); null for any other fault. */
export function proofChallenge(fault: Fault): string | null {
  const { dpop } = fault.detail;
  if (typeof dpop !== 'string') return null;
  const words = fault.message.replaceAll(/["\\]/g, "'").replaceAll(/[^\x20-\x7e]/g, '?');
  return `DPoP error="${dpop}", error_description="${words}", algs="${PROOF_ALGORITHMS.join(' ')}"`;
}

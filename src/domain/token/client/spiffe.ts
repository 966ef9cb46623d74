import { readKeys } from '#lib/jwks.ts';
import { parseJwt, verifyJws, type ParsedJwt } from '#lib/jwt.ts';
import { checkTimes, refuseClient } from './client-assertion.ts';

/** The identity of a workload and the trust domain that issued it. */
export interface SpiffeId {
  readonly spiffeId: string;
  readonly trustDomain: string;
}

/** A JWT-SVID whose claims are valid. Its signature has not been checked. */
export interface ClaimedSvid extends SpiffeId {
  readonly jwt: ParsedJwt;
}

/** By default SVIDs are valid for an hour at most, and workloads use one until it ends. */
const MAX_LIFE_SECONDS = 24 * 3600;
const TRUST_DOMAIN = '[a-z0-9._-]{1,255}';
const ID = new RegExp(`^spiffe://(${TRUST_DOMAIN})(?:/[A-Za-z0-9._-]+)+$`);
const NAME = new RegExp(`^${TRUST_DOMAIN}$`);
/** In bytes, all of them ASCII (SPIFFE-ID, section 2.3). */
export const MAX_SPIFFE_ID = 2048;
const TYPES = new Set([undefined, 'JWT', 'JOSE']);

/**
 * Parses the SPIFFE ID of a workload (SPIFFE-ID, section 2). It must have a path and is not normalised.
 * Null for any other text.
 */
export function parseSpiffeId(text: unknown): SpiffeId | null {
  if (typeof text !== 'string' || text.length > MAX_SPIFFE_ID) return null;
  const trustDomain = ID.exec(text)?.[1];
  return trustDomain === undefined || text.split('/').some(isDots) ? null : { spiffeId: text, trustDomain };
}

/** Whether the text can be the name of a trust domain (SPIFFE-ID, section 2.1). */
export const isTrustDomain = (text: string): boolean => NAME.test(text);

/**
 * Reads a JWT-SVID (SPIFFE JWT-SVID, section 3) that authenticates a client
 * (draft-ietf-oauth-spiffe-client-auth). `sub` is the SPIFFE ID, `aud` is our issuer alone. It has no `jti`
 * to spend: workloads reuse an SVID until it ends. `now` is in seconds. Throws OAuthError `invalid_client`.
 * Does not check the signature.
 */
export function readSvid(assertion: string, issuer: string, now: number): ClaimedSvid {
  const jwt = parseJwt(assertion);
  if (jwt === null || !TYPES.has(jwt.header['typ'] as string | undefined))
    throw refuseClient('client_malformed', 'The client assertion is not a JWT-SVID.');
  const { sub, aud } = jwt.claims as Record<'sub' | 'aud', unknown>;
  const id = parseSpiffeId(sub);
  if (id === null)
    throw refuseClient(
      'client_identity',
      'sub in the JWT-SVID must be a SPIFFE ID: spiffe://trust-domain/path.',
    );
  if (aud !== issuer && !(Array.isArray(aud) && aud.length === 1 && aud[0] === issuer))
    throw refuseClient('client_audience', `aud in the JWT-SVID must be ${issuer} and nothing else.`);
  checkTimes(jwt.claims, now, MAX_LIFE_SECONDS);
  return { ...id, jwt };
}

/**
 * Whether a key of the trust bundle signed the SVID. Its keys must say `use: jwt-svid` (SPIFFE Trust Domain
 * and Bundle, section 4.2.2): the bundle's X.509 keys never verify a JWT. `bundle` is what the
 * administrator configured; the header cannot add a key.
 */
export function svidHolds({ jwt }: ClaimedSvid, bundle: unknown): boolean {
  const keys = typeof bundle === 'object' && bundle !== null && 'keys' in bundle ? bundle.keys : null;
  if (!Array.isArray(keys)) return false;
  const { kid, alg } = jwt.header as Record<'kid' | 'alg', unknown>;
  const forJwts = (keys as unknown[]).flatMap((key) => {
    if (typeof key !== 'object' || key === null || !('use' in key) || key.use !== 'jwt-svid') return [];
    return [{ ...key, use: 'sig' }];
  });
  const key = typeof kid === 'string' ? readKeys({ keys: forJwts }).get(kid) : undefined;
  return key !== undefined && key.alg === alg && verifyJws(key, jwt.signed, jwt.signature);
}

const isDots = (segment: string): boolean => segment === '.' || segment === '..';

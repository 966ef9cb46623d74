import { isDelegation, type DelegationClaims } from './claims.ts';
import { ProkuraError } from './errors.ts';
import { platformFetch, type Fetch } from './http.ts';
import { isNumericDate, parseJwt, type Jwt } from './jwt.ts';
import { createDiscovery } from './metadata.ts';
import { createRemoteKeys } from './remote-keys.ts';
import { createStatusLists, statusReference, type StatusLists } from './status-list.ts';
import { createProofCheck, type PresentedProof } from './verify-proof.ts';

/** How a resource server checks delegation tokens. */
export interface VerifierOptions {
  /** The issuer identifier of the tenant, byte for byte. */
  readonly issuer: string;
  /** The identifier of this resource server. It must be the token's only audience. */
  readonly audience: string;
  /**
   * Whether to check the status list, so that a revoked mandate is noticed within 60 seconds. `required`
   * (the default): a token without a reference to a list is refused. `optional`: such a token passes. `off`:
   * a token is valid until it expires (after at most five minutes), unless `introspect` is given.
   */
  readonly statusList?: 'required' | 'optional' | 'off';
  /**
   * Asks the issuer about every token when it is used: `introspectWithKey(…)` or your own function. The
   * default of `statusList` is then `off`.
   */
  readonly introspect?: (token: string) => Promise<{ readonly active: boolean }>;
  /** How far clocks may differ, in seconds. Default 5. */
  readonly clockToleranceSeconds?: number;
  readonly fetch?: Fetch;
  readonly now?: () => Date;
}

/** What a request carried besides the token. */
export interface Presented {
  /** Present if the token came as `Authorization: DPoP`. */
  readonly dpop?: PresentedProof;
}

const NEEDED = {
  issuer: 'the issuer identifier of the tenant, as in its metadata.',
  audience:
    'the resource that tokens for this server are requested for. Tokens for other resources are refused.',
} as const;
const TYPES = new Set(['at+jwt', 'application/at+jwt']);
const METADATA_TIMEOUT_MS = 2_000;
const STATUS_NAMES: Readonly<Record<number, string>> = { 1: 'revoked', 2: 'suspended' };

const refuse = (reason: string, description: string): ProkuraError =>
  new ProkuraError('invalid_token', description, { status: 401, reason });

/**
 * Creates the check of a resource server. `verify(token)` returns the claims of a delegation token (RFC 9068
 * section 4) if its signature, type, issuer, audience, times, status and, if it is bound, proof of possession
 * are valid now. Otherwise it throws ProkuraError: `invalid_token` or `invalid_dpop_proof` (answer 401;
 * `reason` says which check failed), or `unavailable` (answer 503: the check could not be made, so the token
 * is not accepted). Throws `configuration` at once if `issuer` or `audience` is missing. Does not check
 * scopes or `authorization_details`: the resource server must check that the token allows the request.
 */
export function verifyDelegation(
  options: VerifierOptions,
): (token: string, presented?: Presented) => Promise<DelegationClaims> {
  const { issuer, audience, introspect, fetch = platformFetch, now = () => new Date() } = options;
  for (const [name, value] of Object.entries({ issuer, audience }) as [string, unknown][])
    if (typeof value !== 'string' || value === '')
      throw new ProkuraError(
        'configuration',
        `verifyDelegation needs ${name}: ${NEEDED[name as keyof typeof NEEDED]}`,
        { reason: name },
      );
  const skewSeconds = options.clockToleranceSeconds ?? 5;
  const statusList = options.statusList ?? (introspect === undefined ? 'required' : 'off');
  const discover = createDiscovery({ issuer, fetch, now, timeoutMs: METADATA_TIMEOUT_MS });
  const keys = createRemoteKeys({ discover, fetch, now });
  const lists = createStatusLists({ keys, fetch, now, issuer, skewSeconds });
  const checkProof = createProofCheck(now, skewSeconds);

  return async (token, presented = {}) => {
    const jwt = typeof token === 'string' ? parseJwt(token) : null;
    if (jwt === null) throw refuse('malformed', 'The token is not a signed JWT in compact form.');
    checkHeader(jwt);
    const claims = checkClaims(jwt.claims, {
      issuer,
      audience,
      skewSeconds,
      seconds: now().getTime() / 1000,
    });
    const signature = await keys.verify(jwt);
    if (signature === 'key_unknown') throw refuse('key_unknown', 'The issuer does not publish this key.');
    if (signature === 'broken') throw refuse('signature', 'The signature of the token is invalid.');
    await checkBinding(token, claims, presented, checkProof);
    if (statusList !== 'off') await checkStatus(claims, lists, statusList === 'required');
    if (introspect !== undefined) await checkActive(token, introspect);
    return claims;
  };
}

function checkHeader({ header }: Jwt): void {
  if (!TYPES.has(String(header['typ']).toLowerCase()))
    throw refuse('type', 'This is not an access token: its typ is not at+jwt.');
  if (header['alg'] !== 'ES256') throw refuse('algorithm', 'The token is not signed with ES256.');
  if (typeof header['kid'] !== 'string') throw refuse('key_unknown', 'The token does not name its key.');
}

function checkClaims(
  claims: Readonly<Record<string, unknown>>,
  wanted: { issuer: string; audience: string; skewSeconds: number; seconds: number },
): DelegationClaims {
  const { iss, aud, exp, iat, nbf } = claims as Record<'iss' | 'aud' | 'exp' | 'iat' | 'nbf', unknown>;
  const { seconds, skewSeconds } = wanted;
  if (iss !== wanted.issuer) throw refuse('issuer', 'The token is from another issuer.');
  if (aud !== wanted.audience) throw refuse('audience', `The token is not for ${wanted.audience} alone.`);
  if (!isNumericDate(exp) || !isNumericDate(iat))
    throw refuse('claim_missing', 'The token lacks exp or iat.');
  if (exp + skewSeconds <= seconds) throw refuse('expired', 'The token has expired.');
  const early = (moment: unknown): boolean =>
    moment !== undefined && (!isNumericDate(moment) || moment > seconds + skewSeconds);
  if (early(iat) || early(nbf)) throw refuse('not_yet_valid', 'The token is not valid yet.');
  if (!isDelegation(claims)) throw refuse('claim_missing', 'The token lacks a claim of a delegation token.');
  return claims;
}

async function checkBinding(
  token: string,
  claims: DelegationClaims,
  { dpop }: Presented,
  check: ReturnType<typeof createProofCheck>,
): Promise<void> {
  if (claims.cnf === undefined) {
    // RFC 9449 section 7.1: the scheme DPoP is for bound tokens only.
    if (dpop !== undefined) throw refuse('not_bound', 'The token is not bound to a key. Send it as Bearer.');
    return;
  }
  const { jkt } = claims.cnf;
  if (typeof jkt !== 'string') throw refuse('binding_unknown', 'The token is bound in an unknown way.');
  if (dpop === undefined)
    throw refuse('dpop_required', 'The token is bound to a key. Send it as DPoP, with a proof.');
  await check(token, jkt, dpop);
}

async function checkStatus(claims: DelegationClaims, lists: StatusLists, required: boolean): Promise<void> {
  const reference = statusReference(claims['status']);
  if (reference === 'malformed') throw refuse('status', 'The status of the token could not be read.');
  if (reference === null) {
    if (required) throw refuse('status', 'The token has no status reference.');
    return;
  }
  const status = await lists.statusOf(reference);
  if (status === null) throw refuse('status', 'The status list has no entry for this token.');
  if (status !== 0)
    throw refuse(
      STATUS_NAMES[status] ?? 'status',
      `The mandate behind this token is ${STATUS_NAMES[status] ?? 'not in force'}.`,
    );
}

async function checkActive(
  token: string,
  introspect: (token: string) => Promise<{ readonly active: boolean }>,
): Promise<void> {
  let active: unknown;
  try {
    ({ active } = await introspect(token));
  } catch (error) {
    throw new ProkuraError('unavailable', 'The issuer could not be asked about the token. Try again later.', {
      status: 503,
      reason: 'introspection',
      cause: error,
    });
  }
  if (active !== true) throw refuse('inactive', 'The issuer says that the token is not active.');
}
